"""Losses on logits (N, 1, H, W) against alphas (N, 1, H, W) in [0, 1]; each a mean, 0 when all is right.

A weight (N, 1, H, W) in [0, 1] says how much each pixel counts; what has weight 0 gives no gradient.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Logits, target and weight -> a number."""


def bce(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy ``-t log p - (1 - t) log(1 - p)`` times the weight, mean over pixels."""
    return F.binary_cross_entropy_with_logits(logits, target, weight)


def dice(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """``1 - (2 sum(w p t) + 1) / (sum(w p) + sum(w t) + 1)``, per image, then the mean; in [0, 1).

    The 1 makes a picture without a subject that is predicted so cost nothing.

    Reference:
        Milletari et al., "V-Net", 3DV 2016 (with plain instead of squared sums).
    """
    prob, true = weight * torch.sigmoid(logits), weight * target
    overlap = (prob * target).sum(dim=(1, 2, 3))
    total = prob.sum(dim=(1, 2, 3)) + true.sum(dim=(1, 2, 3))
    return (1 - (2 * overlap + 1) / (total + 1)).mean()


def focal(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy times ``|t - p|^2``: pixels that are nearly right count little; mean over pixels.

    Reference:
        Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, with gamma = 2.
    """
    error = (target - torch.sigmoid(logits)).square()
    entropy = F.binary_cross_entropy_with_logits(logits, target, weight, reduction="none")
    return (error * entropy).mean()


def boundary(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy over the pixels within 2 (Chebyshev) of the true edge, per image, then the mean.

    A picture without an edge costs nothing.
    """
    near = ((F.max_pool2d(target, 5, 1, 2) - -F.max_pool2d(-target, 5, 1, 2)) > 0.5) * weight
    sums = F.binary_cross_entropy_with_logits(logits, target, near, reduction="none").sum(dim=(1, 2, 3))
    return (sums / near.sum(dim=(1, 2, 3)).clamp(min=1)).mean()


LOSSES: dict[str, Loss] = {
    "bce": bce,
    "dice": dice,
    "focal": focal,
    "boundary": boundary,
}


def total(logits: Tensor, target: Tensor, weight: Tensor, factors: Mapping[str, float]) -> Tensor:
    """The weighted sum of the losses that a recipe names."""
    return torch.stack(
        [factor * LOSSES[name](logits, target, weight) for name, factor in factors.items()]
    ).sum()
