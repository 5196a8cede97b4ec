"""Augmentation of a batch, image and alpha together, on the device where the batch is."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from limner.training.config import TrainConfig


def augment(
    images: Tensor,
    alphas: Tensor,
    config: TrainConfig,
    generator: torch.Generator,
    backgrounds: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Change the background, flip, zoom, rotate, shift and recolour each picture by its own random amount.

    Args:
        images: (N, 3, H, W) in [0, 1].
        alphas: (N, 1, H, W) in [0, 1]; moved with the images, never recoloured.
        config: The largest amounts.
        generator: Where the randomness comes from; on the CPU.
        backgrounds: (M, 3, H, W) in [0, 1], pictures without people to choose from.
    """
    if backgrounds is not None:
        images, alphas = _swap(images, alphas, backgrounds, config, generator)
    images, alphas = _move(images, alphas, config, generator)
    return _recolour(images, config.colour, generator), alphas


def _swap(
    images: Tensor, alphas: Tensor, backgrounds: Tensor, config: TrainConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Put some subjects before another background, ``alpha * I + (1 - alpha) * B``, and leave some away."""
    chosen = backgrounds[torch.randint(len(backgrounds), (len(images),), generator=generator)]
    draw = torch.rand(len(images), 1, 1, 1, generator=generator).to(images)
    alphas = torch.where(draw < config.empty, 0, alphas)
    behind = _recolour(chosen.to(images), config.colour, generator)
    swapped = alphas * images + (1 - alphas) * behind
    return torch.where(draw < config.empty + config.swap, swapped, images), alphas


def _move(
    images: Tensor, alphas: Tensor, config: TrainConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    def uniform(largest: float) -> Tensor:
        return (torch.rand(len(images), generator=generator) * 2 - 1) * largest

    angle = uniform(math.radians(config.rotation))
    zoom = torch.exp(uniform(math.log(config.scale)))
    stretch = torch.exp(uniform(math.log(config.scale) / 3))
    flip = uniform(1).sign()
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    # Rows of the matrix from output to input coordinates, both in [-1, 1].
    x = torch.stack((cos * flip * stretch, -sin * stretch, uniform(2 * config.shift)), dim=1)
    y = torch.stack((sin * flip / stretch, cos / stretch, uniform(2 * config.shift)), dim=1)
    matrix = torch.stack((x, y), dim=1).to(images)  # (N, 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    both = torch.cat((images, alphas), dim=1)
    both = F.grid_sample(both, grid, padding_mode="reflection", align_corners=False)
    return both[:, :3], both[:, 3:]


def _recolour(images: Tensor, largest: float, generator: torch.Generator) -> Tensor:
    def factor(channels: int, strength: float) -> Tensor:
        spread = torch.rand(len(images), channels, 1, 1, generator=generator) * 2 - 1
        return torch.exp(spread * math.log1p(strength)).to(images)

    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * factor(1, largest)  # saturation
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + (images - mean) * factor(1, largest)  # contrast
    images = images * factor(1, largest) * factor(3, largest / 3)  # brightness, colour balance
    return images.clamp(0, 1)
