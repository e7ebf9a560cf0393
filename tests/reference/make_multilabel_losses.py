"""Writes `multilabel_losses.json`: multi-label losses and their gradients, from PyTorch in float64.

    pip install torch
    python make_multilabel_losses.py [multilabel_losses.json]

Every loss is the mean over the known entries of `targets` (1 or 0; null is unknown). Logits are float32 numbers.

- `binary_crossentropy`: F.binary_cross_entropy_with_logits.
- `weighted_binary_crossentropy`: the same with `pos_weight`, one a label. The mean is over the number of known entries, as
  PyTorch's, not over the sum of the weights.
- `focal`: Lin et al. 2017, arXiv 1708.02002: (1 - p_t)^2 * -log p_t, as torchvision.ops.sigmoid_focal_loss with alpha=-1 and
  gamma=2.
- `asymmetric`: Ridnik et al. 2021, arXiv 2009.14119, as AsymmetricLoss of github.com/Alibaba-MIIL/ASL with its defaults
  gamma_neg=4, gamma_pos=1, clip=0.05, eps=1e-8 and disable_torch_grad_focal_loss=True: the focal weight is a constant to the
  gradient. Their AsymmetricLossOptimized has False as its default, and their training passes True. The authors sum over all
  entries; here it is the mean over the known ones.
- `asymmetric_full_gradient`: the same loss with the gradient through the focal weight too.

With `eps`, log is taken of max(p, 1e-8) as the authors do: where a probability is smaller, the gradient is 0.
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F


def mean_of_known(values, known):
    return values[known].sum() / known.sum()


def binary_crossentropy(x, y, known):
    return mean_of_known(F.binary_cross_entropy_with_logits(x, y, reduction="none"), known)


def weighted_binary_crossentropy(x, y, known, pos_weight):
    return mean_of_known(F.binary_cross_entropy_with_logits(x, y, pos_weight=pos_weight, reduction="none"), known)


def focal(x, y, known):
    p = torch.sigmoid(x)
    crossentropy = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    p_t = p * y + (1 - p) * (1 - y)
    return mean_of_known((1 - p_t) ** 2 * crossentropy, known)


def asymmetric(x, y, known, full_gradient):
    gamma_neg, gamma_pos, clip, eps = 4, 1, 0.05, 1e-8
    positive = torch.sigmoid(x)
    negative = (1 - positive + clip).clamp(max=1)
    loss = y * torch.log(positive.clamp(min=eps)) + (1 - y) * torch.log(negative.clamp(min=eps))
    with torch.set_grad_enabled(full_gradient):
        p_t = positive * y + negative * (1 - y)
        weight = torch.pow(1 - p_t, gamma_pos * y + gamma_neg * (1 - y))
    return mean_of_known(-loss * weight, known)


def result(loss, logits, targets):
    """Loss and gradient; unknown entries stand as 0 in the targets and count nowhere."""
    x = logits.double().requires_grad_()
    known = ~targets.isnan()
    value = loss(x, targets.nan_to_num(0.0).double(), known)
    (gradient,) = torch.autograd.grad(value, x)
    assert value.isfinite() and gradient.isfinite().all()
    assert (gradient[~known] == 0).all()
    return {"loss": value.item(), "gradient": gradient.tolist()}


def case(name, images, labels, unknown, seed, change=lambda targets: None):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.rand(images, labels, generator=generator) * 12 - 6
    far = torch.rand(images, labels, generator=generator) < 0.06
    logits[far] = torch.where(logits[far] > 0, 30.0, -30.0)
    targets = (torch.rand(images, labels, generator=generator) < 0.4).float()
    targets[torch.rand(images, labels, generator=generator) < unknown] = float("nan")
    if targets.isnan().all():
        targets[0, 0] = 1.0
    change(targets)
    pos_weight = (torch.rand(labels, generator=generator) * 9 + 0.5).float()
    losses = {
        "binary_crossentropy": binary_crossentropy,
        "weighted_binary_crossentropy": lambda x, y, known: weighted_binary_crossentropy(
            x, y, known, pos_weight.double()
        ),
        "focal": focal,
        "asymmetric": lambda x, y, known: asymmetric(x, y, known, False),
        "asymmetric_full_gradient": lambda x, y, known: asymmetric(x, y, known, True),
    }
    return {
        "name": name,
        "logits": logits.tolist(),
        "targets": [[None if cell != cell else int(cell) for cell in row] for row in targets.tolist()],
        "pos_weight": pos_weight.tolist(),
        "losses": {key: result(loss, logits, targets) for key, loss in losses.items()},
    }


def forget(targets):
    """Makes one label and one image wholly unknown."""
    targets[:, 1] = float("nan")
    targets[2, :] = float("nan")


CASES = [
    case("one entry", 1, 1, 0.0, 1),
    case("all known", 12, 14, 0.0, 2),
    case("some unknown", 5, 6, 0.3, 3),
    case("most unknown", 10, 14, 0.9, 4),
    case("one image", 1, 14, 0.3, 5),
    case("a label and an image wholly unknown", 6, 4, 0.0, 6, forget),
]


def main():
    path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("multilabel_losses.json"))
    made_by = f"make_multilabel_losses.py with torch {torch.__version__.split('+')[0]}"
    path.write_text(json.dumps({"made_by": made_by, "cases": CASES}, separators=(",", ":")) + "\n")


main()
