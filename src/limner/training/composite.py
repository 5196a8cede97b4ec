"""Subjects before new backgrounds, ``I = alpha * F + (1 - alpha) * B``: where they stand, how they are lit.

As in `limner.training.augment`, every effect is a pure function of the pictures and of uniform random
numbers, the next few of ``draws``, each (N,) in [0, 1).
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

TOUCH = 0.02
"""Fraction of a side of the picture that the subject covers where it counts as cut off there."""


def place(
    images: Tensor, alphas: Tensor, weights: Tensor, min_scale: float, draws: Iterator[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Show each subject smaller and elsewhere, on a black picture, still cut off where it was.

    A subject that touches a side of its picture touches the same side afterwards; one that touches two
    opposite sides stays as it is.

    Args:
        images: (N, 3, H, W) in [0, 1].
        alphas: (N, 1, H, W) in [0, 1].
        weights: (N, 1, H, W) in [0, 1], how much each pixel counts; 1 on the black picture.
        min_scale: Smallest size, as a fraction of the present one.
        draws: Three are taken.
    """
    shrink, across, along = (next(draws) for _ in range(3))
    solid = alphas[:, 0] > 0.5
    left, right = (solid[:, :, column].float().mean(dim=1) > TOUCH for column in (0, -1))
    top, bottom = (solid[:, row].float().mean(dim=1) > TOUCH for row in (0, -1))
    fixed = (left & right) | (top & bottom)
    scale = torch.where(fixed, 1.0, torch.exp(shrink * math.log(min_scale)))
    free = 1 - scale  # of the side of the picture, beside the frame in which the subject now is
    from_left = torch.where(left, 0.0, torch.where(right, free, across * free))
    from_top = torch.where(bottom, free, torch.where(top, 0.0, along * free))
    # From output to input coordinates, both in [-1, 1].
    zero = torch.zeros_like(scale)
    x = torch.stack((1 / scale, zero, (1 - 2 * from_left - scale) / scale), dim=1)
    y = torch.stack((zero, 1 / scale, (1 - 2 * from_top - scale) / scale), dim=1)
    grid = F.affine_grid(torch.stack((x, y), dim=1), list(images.shape), align_corners=False)
    inside = (grid.abs() <= 1).all(dim=-1)[:, None]
    images = _shrunk(images, grid, scale)
    return images, _shrunk(alphas, grid, scale) * inside, 1 - _shrunk(1 - weights, grid, scale) * inside


def put_before(
    images: Tensor, alphas: Tensor, behind: Tensor, colour_match: float, draws: Iterator[Tensor]
) -> Tensor:
    """The subjects before other pictures (N, 3, H, W), lit partly as these are; takes one draw.

    A subject's mean colour moves to that of the picture behind it, by a fraction of at most ``colour_match``.
    """
    weight = colour_match * next(draws).view(-1, 1, 1, 1)
    area = alphas.mean(dim=(2, 3), keepdim=True).clamp(min=1e-4)
    subject = (images * alphas).mean(dim=(2, 3), keepdim=True) / area
    lit = (images + weight * (behind.mean(dim=(2, 3), keepdim=True) - subject)).clamp(0, 1)
    return alphas * lit + (1 - alphas) * behind


def _shrunk(values: Tensor, grid: Tensor, scale: Tensor) -> Tensor:
    """Sampled at the grid; where it shrinks by more than a half, from the picture at half its size."""
    whole = F.grid_sample(values, grid, padding_mode="border", align_corners=False)
    half = F.grid_sample(F.avg_pool2d(values, 2), grid, padding_mode="border", align_corners=False)
    return torch.where(scale.view(-1, 1, 1, 1) < 0.5, half, whole)
