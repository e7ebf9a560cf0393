"""A forward pass of InceptionV3 in ONNX Runtime, in f32 on the CPU, from the file that `torch_inception.py` exports."""

import common

arguments = common.arguments(__doc__, ["inference"])

import numpy
import onnxruntime

options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
options.intra_op_num_threads = arguments.threads
session = onnxruntime.InferenceSession(arguments.model, options, providers=["CPUExecutionProvider"])

shape = (arguments.batch_size, 3, arguments.image_size, arguments.image_size)
images = numpy.random.default_rng(28).random(shape, dtype=numpy.float32)

common.report(
    common.measure(lambda: session.run(None, {"images": images}), arguments),
    arguments,
    {"onnxruntime": onnxruntime.__version__, "numpy": numpy.__version__},
)
