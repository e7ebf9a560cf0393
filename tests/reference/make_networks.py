"""Writes `networks.json`: features of the built-in networks with weights given by a formula, from the Python packages whose
graphs they follow.

    pip install torch torchvision efficientnet-lite-pytorch==0.1.0
    python make_networks.py [networks.json]

With `h` the sum of the bytes of a tensor's name, value `i` of it (in row-major order) is `v = ((31 h + 17 i) mod 101) / 101 - 0.5`,
and from it, in float64, rounded to float32:

- kernels of convolutions: `v * sqrt(12 / fan_in)`, `fan_in` being the number of values of one output channel;
- scales of batch norms (`weight`): `1 + 0.4 v`, and half of that for the last of a residual block (`bn3`), so that the sums do not
  grow from block to block; offsets (`bias`) and stored means: `0.4 v`; stored variances: `1 + v`.

Images are `[2, 3, side, side]` with `((i * i) mod 251) / 251 - 0.5` as value `i` in the order image, row, column, channel.
"""

import json
import math
import pathlib
import sys

import torch


def formula(name, tensor):
    i = torch.arange(tensor.numel(), dtype=torch.int64)
    v = ((31 * sum(name.encode()) + 17 * i) % 101).double() / 101 - 0.5
    if tensor.dim() == 4:
        v = v * math.sqrt(12 / (tensor.numel() // tensor.shape[0]))
    elif name.endswith("running_var"):
        v = 1 + v
    elif name.endswith("weight"):
        v = (1 + 0.4 * v) / (2 if name.endswith("bn3.weight") else 1)
    else:
        v = 0.4 * v
    return v.float().reshape(tensor.shape)


def images(side):
    i = torch.arange(2 * side * side * 3, dtype=torch.int64)
    values = ((i * i) % 251).double() / 251 - 0.5
    return values.float().reshape(2, side, side, 3).permute(0, 3, 1, 2).contiguous()


def features(name, side):
    if name == "efficientnet-lite0":
        from efficientnet_lite_pytorch import EfficientNet

        module = EfficientNet.from_name(name)
    else:
        import torchvision

        module = getattr(torchvision.models, name.replace("-", ""))(weights=None)
    state = {k: v if k.endswith("num_batches_tracked") else formula(k, v) for k, v in module.state_dict().items()}
    module.load_state_dict(state)
    module.eval()
    x = images(side)
    with torch.no_grad():
        if name == "densenet-121":
            maps = torch.relu(module.features(x))
        elif name == "resnet-50":
            module.avgpool, module.fc = torch.nn.Identity(), torch.nn.Identity()
            maps = module(x).reshape(2, 2048, -1)
        else:
            maps = module.extract_features(x)
    return maps.flatten(2).mean(2)


def main():
    path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "networks.json")
    cases = []
    for name, side in [("densenet-121", 96), ("resnet-50", 96), ("efficientnet-lite0", 224)]:
        found = features(name, side)
        cases.append({
            "network": name,
            "image_size": side,
            "features": found.shape[1],
            "mean": found.double().mean().item(),
            "first": [[round(value, 7) for value in row[:8].tolist()] for row in found],
        })
    path.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
