"""InceptionV3 in PyTorch, eager and in f32, written as its users write it: torchvision's graph, channels first.

`full` is a fine-tuning step in which every layer trains, `inference` a forward pass, and `export` writes the ONNX file
that ONNX Runtime runs.
"""

import sys

import common

arguments = common.arguments(__doc__, ["full", "inference", "export"])

import torch
import torchvision
from torch import nn

SHAPE = (arguments.batch_size, 3, arguments.image_size, arguments.image_size)


def build():
    # The head has its own dropout, and the study's base none.
    model = torchvision.models.inception_v3(
        weights=None, aux_logits=False, transform_input=False, init_weights=True, dropout=0.0
    )
    head, width = [], model.fc.in_features
    for units in common.HEAD[:-1]:
        head += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(0.5)]
        width = units
    model.fc = nn.Sequential(*head, nn.Linear(width, common.HEAD[-1]))
    return model


def settle(model, images):
    """Gives batch norm the statistics of these images, as training would: random weights alone let numbers overflow."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(images)
    return model.eval()


torch.set_num_threads(arguments.threads)
torch.manual_seed(28)
images = torch.rand(SHAPE)
labels = torch.arange(SHAPE[0]) % 3
model = build()

if arguments.work == "export":
    torch.onnx.export(settle(model, images), (images,), arguments.model, input_names=["images"], external_data=False)
    sys.exit()

if arguments.work == "full":
    model.train()
    loss = nn.CrossEntropyLoss(weight=torch.tensor(common.CLASS_WEIGHTS))
    optimizer = torch.optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        loss(model(images), labels).backward()
        optimizer.step()

else:
    settle(model, images)

    @torch.inference_mode()
    def step():
        return model(images)


common.report(
    common.measure(step, arguments),
    arguments,
    {"torch": torch.__version__, "torchvision": torchvision.__version__},
)
