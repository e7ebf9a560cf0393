"""One pass of Keras' generator over a folder of classes, by Keras' own threads: what its users wait for in every epoch.

A network of three weights takes the batches, so that reading them is all that takes time. `seconds` is the second pass of
two: the first one compiles the network. Prints one JSON object to stdout.
"""

import time

BEGIN = time.perf_counter()

import argparse
import contextlib
import json
import os
import platform
import sys

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data", required=True)
parser.add_argument("--workers", type=int, default=1, help="threads that decode; 1 is Keras' default")
arguments = parser.parse_args()

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import PIL
import tensorflow
from tensorflow.keras import layers, models
from tensorflow.keras.preprocessing.image import ImageDataGenerator

IMPORTED = time.perf_counter()
IMAGE_SIZE = 50
BATCH_SIZE = 250


def run():
    images = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        arguments.data, target_size=(IMAGE_SIZE, IMAGE_SIZE), class_mode="categorical", batch_size=BATCH_SIZE
    )
    if arguments.workers > 1:
        images.workers = arguments.workers
    model = models.Sequential(
        [
            layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
            layers.GlobalAveragePooling2D(),
            layers.Dense(images.num_classes, activation="softmax"),
        ]
    )
    model.compile(optimizer="sgd", loss="categorical_crossentropy")
    model.fit(images, epochs=1, verbose=0)
    begin = time.perf_counter()
    model.fit(images, epochs=1, verbose=0)
    return images.samples, time.perf_counter() - begin


with contextlib.redirect_stdout(sys.stderr):
    samples, seconds = run()
print(
    json.dumps(
        {
            "seconds": seconds,
            "epochs": 1,
            "seconds_import": IMPORTED - BEGIN,
            "images_per_second": samples / seconds,
            "workers": arguments.workers,
            "versions": {
                "python": platform.python_version(),
                "tensorflow": tensorflow.__version__,
                "pillow": PIL.__version__,
            },
        }
    )
)
