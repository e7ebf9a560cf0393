"""Writes batch_norm.json: what Keras' BatchNormalization(scale=False, epsilon=1e-3) makes of a batch in training, and how
it moves its statistics. Needs `pip install tensorflow-cpu keras`; written with Keras 3.15.1 on TensorFlow 2.21.0."""
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

rng = np.random.default_rng(28)
channels = 4
# Few values a channel: with 12 of them the biased and the unbiased variance differ by a twelfth.
x = rng.normal(2, 3, (2, 2, 3, channels)).astype("float32")
beta, mean = rng.normal(size=(2, channels)).astype("float32")
variance = rng.uniform(0.5, 4, channels).astype("float32")
layer = keras.layers.BatchNormalization(scale=False, epsilon=1e-3)
layer.build(x.shape)
layer.set_weights([beta, mean, variance])
output = keras.ops.convert_to_numpy(layer(x, training=True))
_, new_mean, new_variance = layer.get_weights()
case = {
    "shape": list(x.shape),
    "x": x,
    "beta": beta,
    "mean": mean,
    "variance": variance,
    "output": output,
    "new_mean": new_mean,
    "new_variance": new_variance,
}
flat = {key: np.asarray(value).ravel().tolist() for key, value in case.items()}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "batch_norm.json"), "w") as file:
    json.dump(flat, file, separators=(",", ":"))
    file.write("\n")
