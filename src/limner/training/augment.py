"""Augmentation of a batch, image and alpha together, on the device where the batch is.

Every effect is a pure function of the pictures and of uniform random numbers, one row a picture, so that a
picture is changed in the same way whatever batch, process or resumed run it is in.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from limner.training.composite import place, put_before
from limner.training.config import TrainConfig
from limner.training.corruptions import add_noise, blur, compress, to_grey

Draws = Iterator[Tensor]  # each (N,) in [0, 1): an effect takes the next few
COLUMNS = 44  # as many as all effects take, and one to choose a second picture by


def draw(seed: int, epoch: int, ids: Sequence[int]) -> Tensor:
    """Uniform random numbers (N, `COLUMNS`) in [0, 1), float32, that depend on seed, epoch and id alone."""
    rows = [np.random.default_rng((seed, epoch, index)).random(COLUMNS, np.float32) for index in ids]
    return torch.from_numpy(np.stack(rows))


class Examples(NamedTuple):
    """A batch as a network is trained on it, float32 in [0, 1]."""

    images: Tensor  # (N, 3, h, w)
    alphas: Tensor  # (N, 1, h, w)
    weights: Tensor  # (N, 1, h, w), how much each pixel counts


class Scenery(NamedTuple):
    """What pictures get behind their subjects."""

    backgrounds: Tensor  # (M, 3, S, S) uint8, pictures without people to choose from
    others: Examples  # a second picture for each, (N, ., H, W)


def augment(
    examples: Examples, numbers: Tensor, config: TrainConfig, scenery: Scenery | None = None
) -> Examples:
    """Change background, place, colour and quality of each picture by its own random amounts.

    Args:
        examples: What to change; alphas and weights are moved with the images.
        numbers: (N, `COLUMNS`), from `draw`.
        config: The largest amounts and the fractions of pictures.
        scenery: What to choose new backgrounds from.
    """
    # The scenery's numbers stand around the others, which are those of runs without it.
    columns = numbers.to(examples.images).unbind(dim=1)
    draws = iter(columns[8:29])
    examples = _move(examples, config, draws)
    if scenery is not None:
        examples = _swap_backgrounds(examples, scenery, config, iter((*columns[:8], *columns[29:38])))
    images = recolour(examples.images, config.colour, draws)
    for fraction, effect in (
        (config.grey, to_grey),
        (config.blur, blur),
        (config.noise, add_noise),
        (config.jpeg, compress),
    ):
        chosen, strength = next(draws) < fraction, next(draws)
        if chosen.any():
            images = images.clone()
            images[chosen] = effect(images[chosen], strength[chosen])
    return letterbox(examples._replace(images=images), config.bars, iter(columns[38:43]))


def letterbox(examples: Examples, fraction: float, draws: Draws) -> Examples:
    """Cover two opposite sides of a fraction of the pictures by bars, in which there is no subject.

    Bars take 10 to 60 % of the picture together. They are black, white, grey, or show the picture blurred.
    """
    images, alphas, weights = examples
    chosen, total, first, upright, colour = (next(draws).view(-1, 1, 1, 1) for _ in range(5))
    total = 0.1 + 0.5 * total
    start = total * torch.where(first < 0.6, 0.5, (first - 0.6) / 0.4)
    height, width = images.shape[2:]
    rows, columns = (
        (torch.arange(length, device=images.device) + 0.5) / length for length in (height, width)
    )
    place = torch.where(upright < 0.6, rows.view(1, 1, -1, 1), columns.view(1, 1, 1, -1))
    bar = ((place < start) | (place >= start + 1 - total)) & (chosen < fraction)
    blurred = F.interpolate(
        F.adaptive_avg_pool2d(images, 6), images.shape[2:], mode="bilinear", align_corners=False
    )
    level = torch.where(colour < 0.5, 0.0, torch.where(colour < 0.6, 1.0, (colour - 0.6) / 0.15))
    filling = torch.where(colour < 0.75, level, blurred)
    return Examples(
        torch.where(bar, filling, images), torch.where(bar, 0.0, alphas), torch.where(bar, 1.0, weights)
    )


def recolour(images: Tensor, largest: float, draws: Draws) -> Tensor:
    """Change saturation, contrast, brightness and colour balance by factors of at most ``1 + largest``."""

    def factor(strength: float = largest) -> Tensor:
        return torch.exp((2 * next(draws) - 1) * math.log1p(strength)).view(-1, 1, 1, 1)

    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * factor()
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + (images - mean) * factor()
    balance = torch.cat([factor(largest / 3) for _ in range(3)], dim=1)
    return (images * factor() * balance).clamp(0, 1)


def _swap_backgrounds(examples: Examples, scenery: Scenery, config: TrainConfig, draws: Draws) -> Examples:
    """Put some subjects before another background, alone or with a second one, and remove some."""
    choice, kind, *columns = draws
    chosen = kind < config.no_subject + config.background_swap
    if not chosen.any():
        return examples
    draws = iter([column[chosen] for column in columns])
    images, alphas, weights = (values[chosen] for values in examples)
    behind = scenery.backgrounds[(choice[chosen] * len(scenery.backgrounds)).long()]
    behind = recolour(_covering(behind, images.shape), config.colour, draws)
    second = (next(draws) < config.second_subject).view(-1, 1, 1, 1)
    others, other_alphas, other_weights = (values[chosen] for values in scenery.others)
    others, other_alphas, other_weights = place(others, other_alphas, other_weights, config.min_scale, draws)
    other_alphas, other_weights = other_alphas * second, torch.where(second, other_weights, 1)
    both = put_before(others, other_alphas, behind, config.colour_match, draws)
    images, alphas, weights = place(images, alphas, weights, config.min_scale, draws)
    both = put_before(images, alphas, both, config.colour_match, draws)
    removed = (kind[chosen] < config.no_subject).view(-1, 1, 1, 1)
    images, alphas, weights = (
        torch.where(removed, behind, both),
        torch.where(removed, 0, 1 - (1 - alphas) * (1 - other_alphas)),
        torch.where(removed, 1, weights * other_weights),
    )
    changed = Examples(*(values.clone() for values in examples))
    changed.images[chosen], changed.alphas[chosen], changed.weights[chosen] = images, alphas, weights
    return changed


def _covering(pictures: Tensor, shape: torch.Size) -> Tensor:
    """Square pictures (N, 3, S, S) uint8, cut to the proportions of a shape and resized to it, in [0, 1]."""
    height, width = shape[-2:]
    side = pictures.shape[-1]
    rows, columns = (round(side * length / max(height, width)) for length in (height, width))
    top, left = (side - rows) // 2, (side - columns) // 2
    middles = pictures[..., top : top + rows, left : left + columns].float() / 255
    return F.interpolate(middles, (height, width), mode="bilinear", align_corners=False)


def _move(examples: Examples, config: TrainConfig, draws: Draws) -> Examples:
    """Flip, zoom, stretch, rotate and shift; beyond its border the picture is mirrored."""

    def uniform(largest: float) -> Tensor:
        return (2 * next(draws) - 1) * largest

    flip = torch.where(next(draws) < 0.5 * config.flip, -1.0, 1.0)
    angle = uniform(math.radians(config.rotation))
    zoom = torch.exp(uniform(math.log(config.scale)))
    stretch = torch.exp(uniform(math.log(config.scale) / 3))
    right, down = uniform(2 * config.shift), uniform(2 * config.shift)
    if not (config.rotation or config.shift or config.scale > 1):
        mirrored = (flip < 0).view(-1, 1, 1, 1)
        return Examples(*(torch.where(mirrored, values.flip(-1), values) for values in examples))
    height, width = examples.images.shape[-2:]
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    # Rows of the matrix from output to input coordinates, both in [-1, 1].
    x = torch.stack((cos * flip * stretch, -sin * stretch * (height / width), right), dim=1)
    y = torch.stack((sin * flip / stretch * (width / height), cos / stretch, down), dim=1)
    grid = F.affine_grid(torch.stack((x, y), dim=1), list(examples.images.shape), align_corners=False)
    planes = F.grid_sample(torch.cat(examples, dim=1), grid, padding_mode="reflection", align_corners=False)
    return Examples(planes[:, :3], planes[:, 3:4], planes[:, 4:])
