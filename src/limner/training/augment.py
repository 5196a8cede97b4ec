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
from limner.training.degrade import add_noise, blur, compress, to_grey

Draws = Iterator[Tensor]  # each (N,) in [0, 1): an effect takes the next few
COLUMNS = 39  # as many as all effects take, and one to choose a second picture by


def draw(seed: int, epoch: int, ids: Sequence[int]) -> Tensor:
    """Uniform random numbers (N, `COLUMNS`) in [0, 1), float32, that depend on seed, epoch and id alone."""
    rows = [np.random.default_rng((seed, epoch, index)).random(COLUMNS, np.float32) for index in ids]
    return torch.from_numpy(np.stack(rows))


class Scenery(NamedTuple):
    """What pictures get behind their subjects."""

    backgrounds: Tensor  # (M, 3, H, W) in [0, 1], pictures without people to choose from
    images: Tensor  # (N, 3, H, W) in [0, 1], a second picture for each
    alphas: Tensor  # (N, 1, H, W) in [0, 1], of its subject


def augment(
    images: Tensor, alphas: Tensor, numbers: Tensor, config: TrainConfig, scenery: Scenery | None = None
) -> tuple[Tensor, Tensor]:
    """Change background, place, colour and quality of each picture by its own random amounts.

    Args:
        images: (N, 3, H, W) in [0, 1].
        alphas: (N, 1, H, W) in [0, 1]; moved with the images, never recoloured.
        numbers: (N, `COLUMNS`), from `draw`.
        config: The largest amounts and the shares of pictures.
        scenery: What to choose new backgrounds from.
    """
    # The scenery's numbers stand around the others, which are those of runs without it.
    columns = numbers.to(images).unbind(dim=1)
    draws = iter(columns[8:29])
    images, alphas = _move(images, alphas, config, draws)
    if scenery is not None:
        images, alphas = _swap(images, alphas, scenery, config, iter((*columns[:8], *columns[29:38])))
    images = recolour(images, config.colour, draws)
    for share, effect in (
        (config.grey, to_grey),
        (config.blur, blur),
        (config.noise, add_noise),
        (config.jpeg, compress),
    ):
        chosen, strength = next(draws) < share, next(draws)
        if chosen.any():
            images = images.clone()
            images[chosen] = effect(images[chosen], strength[chosen])
    return images, alphas


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


def _swap(
    images: Tensor, alphas: Tensor, scenery: Scenery, config: TrainConfig, draws: Draws
) -> tuple[Tensor, Tensor]:
    """Put some subjects before another background, alone or in twos, and leave some away."""
    choice, share, *columns = draws
    chosen = share < config.empty + config.swap
    if not chosen.any():
        return images, alphas
    draws = iter([column[chosen] for column in columns])
    behind = scenery.backgrounds[(choice[chosen] * len(scenery.backgrounds)).long()]
    behind = recolour(behind, config.colour, draws)
    company = (next(draws) < config.company).view(-1, 1, 1, 1)
    others, other_alphas = place(scenery.images[chosen], scenery.alphas[chosen], config.least_size, draws)
    other_alphas = other_alphas * company
    both = put_before(others, other_alphas, behind, config.relight, draws)
    subjects, subject_alphas = place(images[chosen], alphas[chosen], config.least_size, draws)
    both = put_before(subjects, subject_alphas, both, config.relight, draws)
    both_alphas = 1 - (1 - subject_alphas) * (1 - other_alphas)
    empty = (share[chosen] < config.empty).view(-1, 1, 1, 1)
    images, alphas = images.clone(), alphas.clone()
    images[chosen] = torch.where(empty, behind, both)
    alphas[chosen] = torch.where(empty, 0, both_alphas)
    return images, alphas


def _move(images: Tensor, alphas: Tensor, config: TrainConfig, draws: Draws) -> tuple[Tensor, Tensor]:
    """Flip, zoom, stretch, rotate and shift; beyond its border the picture is mirrored."""

    def uniform(largest: float) -> Tensor:
        return (2 * next(draws) - 1) * largest

    flip = torch.where(next(draws) < 0.5 * config.flip, -1.0, 1.0)
    angle = uniform(math.radians(config.rotation))
    zoom = torch.exp(uniform(math.log(config.scale)))
    stretch = torch.exp(uniform(math.log(config.scale) / 3))
    right, down = uniform(2 * config.shift), uniform(2 * config.shift)
    if not (config.rotation or config.shift or config.scale > 1):
        return _flipped(images, flip), _flipped(alphas, flip)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    # Rows of the matrix from output to input coordinates, both in [-1, 1].
    x = torch.stack((cos * flip * stretch, -sin * stretch, right), dim=1)
    y = torch.stack((sin * flip / stretch, cos / stretch, down), dim=1)
    grid = F.affine_grid(torch.stack((x, y), dim=1), list(images.shape), align_corners=False)
    both = torch.cat((images, alphas), dim=1)
    both = F.grid_sample(both, grid, padding_mode="reflection", align_corners=False)
    return both[:, :3], both[:, 3:]


def _flipped(values: Tensor, flip: Tensor) -> Tensor:
    return torch.where(flip.view(-1, 1, 1, 1) < 0, values.flip(-1), values)
