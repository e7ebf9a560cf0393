"""A full fine-tuning step of InceptionV3 in Keras, written as its users write it: every layer trains.

`train_on_batch` and `fit` run the same compiled function, in the same time; XLA (`jit_compile=True`), which Keras leaves
off on a CPU, was slower.
"""

import math
import os

import common

arguments = common.arguments(__doc__, ["full"])

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy
import tensorflow
from keras import layers, models

SHAPE = (arguments.batch_size, arguments.image_size, arguments.image_size, 3)


def build():
    base = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=SHAPE[1:], pooling="avg")
    model = models.Sequential([base])
    for units in common.HEAD[:-1]:
        model.add(layers.Dense(units, activation="relu"))
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(common.HEAD[-1], activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def forward_flop(parts):
    """Of one image: two for each multiplication and addition of the convolutions and dense layers."""
    flop = 0
    for layer in parts:
        if isinstance(layer, keras.Model):
            flop += forward_flop(layer.layers)
        elif isinstance(layer, keras.layers.Conv2D):
            _, height, width, _ = layer.output.shape
            flop += 2 * math.prod(layer.kernel.shape) * height * width
        elif isinstance(layer, keras.layers.Dense):
            flop += 2 * math.prod(layer.kernel.shape)
    return flop


# What is not given as a flag stays TensorFlow's default.
tensorflow.config.threading.set_intra_op_parallelism_threads(arguments.threads)
keras.utils.set_random_seed(28)
images = numpy.random.default_rng(28).random(SHAPE, dtype=numpy.float32)
labels = keras.utils.to_categorical(numpy.arange(SHAPE[0]) % 3, 3)
class_weight = dict(enumerate(common.CLASS_WEIGHTS))
model = build()

common.report(
    common.measure(lambda: model.train_on_batch(images, labels, class_weight=class_weight), arguments),
    arguments,
    {"tensorflow": tensorflow.__version__, "keras": keras.__version__, "numpy": numpy.__version__},
    forward_flop_per_image=forward_flop(model.layers),
)
