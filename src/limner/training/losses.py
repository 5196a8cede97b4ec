"""Losses on logits (N, 1, H, W) against alphas (N, 1, H, W) in [0, 1]."""

import torch
from torch import Tensor
from torch.nn import functional as F


def bce_dice(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy plus `soft_dice_loss`: the first for every pixel, the second for the overlap."""
    return F.binary_cross_entropy_with_logits(logits, target) + soft_dice_loss(logits, target)


def soft_dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """``1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1)``, per image, then the mean; in [0, 1).

    The 1 makes an empty picture that is predicted empty cost nothing.

    Reference:
        Milletari et al., "V-Net", 3DV 2016 (with plain instead of squared sums).
    """
    prob = torch.sigmoid(logits)
    overlap = (prob * target).sum(dim=(1, 2, 3))
    total = prob.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3))
    return (1 - (2 * overlap + 1) / (total + 1)).mean()
