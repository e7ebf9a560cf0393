"""The study's ConvNet in Keras, written as its users write it. Trains, tests, prints one JSON object to stdout.

`seconds` is counted from the first line of the pipeline, after TensorFlow is imported; `seconds_import` is the import,
and `seconds_total` is everything since this file began. Progress goes to stderr.
"""

import time

BEGIN = time.perf_counter()

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data", required=True)
parser.add_argument("--test-data", default=None)
parser.add_argument("--epochs", type=int, default=1000)
parser.add_argument("--seed", type=int, default=28)
parser.add_argument("--no-early-stopping", action="store_true")
parser.add_argument("--workers", type=int, default=1, help="threads that decode; 1 is Keras' default")
arguments = parser.parse_args()

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy
import PIL
import tensorflow
from tensorflow.keras import callbacks, layers, models
from tensorflow.keras.preprocessing.image import ImageDataGenerator

IMPORTED = time.perf_counter()
IMAGE_SIZE = 50
BATCH_SIZE = 250


def flow(generator, folder, **options):
    iterator = generator.flow_from_directory(
        folder, target_size=(IMAGE_SIZE, IMAGE_SIZE), class_mode="categorical", batch_size=BATCH_SIZE, **options
    )
    if arguments.workers > 1:
        iterator.workers = arguments.workers
    return iterator


def class_weights(iterator_of_all):
    """scikit-learn's `balanced`, from all files before the split."""
    counts = numpy.bincount(iterator_of_all.classes)
    return {label: float(counts.sum() / (len(counts) * count)) for label, count in enumerate(counts)}


def accuracy(model, test):
    return float(model.evaluate(test, verbose=0, return_dict=True)["accuracy"])


def run(folder):
    tensorflow.keras.utils.set_random_seed(arguments.seed)
    generator = ImageDataGenerator(rescale=1 / 255, validation_split=0.2)
    training = flow(generator, arguments.data, subset="training")
    validation = flow(generator, arguments.data, subset="validation")
    weights = class_weights(flow(ImageDataGenerator(), arguments.data))

    model = models.Sequential(
        [
            layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(training.num_classes, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    saved = os.path.join(folder, "best.keras")
    observers = [
        callbacks.ModelCheckpoint(saved, monitor="val_loss", save_best_only=True),
        callbacks.CSVLogger(os.path.join(folder, "history.csv")),
    ]
    if not arguments.no_early_stopping:
        observers.append(callbacks.EarlyStopping(monitor="val_loss", patience=5, min_delta=0.01))
    fit_begin = time.perf_counter()
    history = model.fit(
        training,
        validation_data=validation,
        epochs=arguments.epochs,
        class_weight=weights,
        callbacks=observers,
        verbose=0,
    )
    fit_seconds = time.perf_counter() - fit_begin

    result = {"epochs": len(history.history["loss"]), "seconds_fit": fit_seconds}
    result["accuracy"] = {"saved": None, "final": None}
    if arguments.test_data:
        test = flow(ImageDataGenerator(rescale=1 / 255), arguments.test_data, shuffle=False)
        best = models.load_model(saved)
        result["accuracy"] = {"saved": accuracy(best, test), "final": accuracy(model, test)}
    result["images_per_epoch"] = training.samples + validation.samples
    return result


with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
    result = run(folder)
END = time.perf_counter()
result |= {
    "seconds": END - IMPORTED,
    "seconds_import": IMPORTED - BEGIN,
    "seconds_total": END - BEGIN,
    "images_per_second": result["images_per_epoch"] * result["epochs"] / (END - IMPORTED),
    "workers": arguments.workers,
    "versions": {
        "python": platform.python_version(),
        "tensorflow": tensorflow.__version__,
        "keras": tensorflow.keras.__version__,
        "numpy": numpy.__version__,
        "pillow": PIL.__version__,
    },
}
print(json.dumps(result))
