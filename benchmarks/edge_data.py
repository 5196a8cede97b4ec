"""What the network of `limner.mattes.refine` is trained on: pictures, exact and coarse alphas of every kind.

A sample is a square of a picture beside an edge of the coarse alpha, at its own size and on the network's
grid, so that the error is measured at full size.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from tqdm import tqdm

from limner.datasets import read_dataset
from limner.datasets.drawing import strands
from limner.images import Alpha, Image, Mask, load_image, resize, resize_longest, to_uint8
from limner.mattes.foreground import estimate_foreground
from limner.models.spec import to_input
from limner.rendering.backgrounds import composite, lay_out
from painted import paint_harder

PAINTED, COMPOSED = 220, 330  # portraits
SEED = 100
HOLDOUT = 10  # every so many pictures of the training list are kept aside
PHOTOGRAPHS = 0.6  # share of the samples
OWN = 0.6  # share of coarse alphas that a network gave, the others are true ones made worse
SOFT = 0.9  # standard deviation of the lens blur that hard masks lack, pixels
COARSE = 320  # longer side of the alphas of networks that are kept, cells
GRIDS = (64, 96, 128, 192, 256, 320, 512)  # cells of these

Grey = NDArray[np.uint8]
Network = Callable[[Image], Alpha]


@dataclass(frozen=True)
class Item:
    """A picture, its alpha in grey levels, and what networks say."""

    @classmethod
    def of(
        cls, image: Image, alphas: Sequence[Alpha], networks: Sequence[Callable[[Image], Alpha]]
    ) -> "Item":
        """With what the networks say of it."""
        coarse = [to_uint8(resize_longest(network(image), COARSE)) for network in networks]
        return cls(image, [to_uint8(alpha) for alpha in alphas], coarse)

    image: Image
    targets: Sequence[Grey]  # one by chance is taken for true
    coarse: Sequence[Grey]  # smaller


@dataclass(frozen=True)
class Batch:
    """Squares of ``S`` pixels that lie on ``G`` cells."""

    image: Tensor  # (N, 3, S, S) in [0, 1]
    target: Tensor  # (N, S, S)
    small: Tensor  # (N, 3, G, G)
    alpha: Tensor  # (N, 1, G, G)


def read_items(data: Path, networks: Sequence[Network]) -> tuple[list[Item], list[Item]]:
    """Photographs with masks, and composites with exact alphas.

    Args:
        data: The folder with eg1800/ and backgrounds/.
        networks: An image -> an alpha.
    """
    samples = [
        sample for number, sample in enumerate(read_dataset(data / "eg1800", "train")) if number % HOLDOUT
    ]
    photographs = []
    for sample in tqdm(samples, "photographs", unit="image"):
        image, alpha = sample.load()
        soft = ndimage.gaussian_filter(alpha, SOFT)
        photographs.append(Item.of(image, [alpha, soft, soft], networks))
    scenes = sorted((data / "backgrounds").glob("*"))
    scenes = [scene for number, scene in enumerate(scenes) if number % 4]
    composites = []
    for number in tqdm(range(PAINTED + COMPOSED), "composites", unit="image"):
        rng = np.random.default_rng([SEED, number])
        if number < PAINTED:
            side = int(rng.integers(420, 800))
            layers = paint_harder(rng, (int(side * rng.uniform(1, 1.34)), side))
            colours, alpha, behind = layers.foreground, layers.alpha, layers.background
        else:
            item = photographs[int(rng.integers(len(photographs)))]
            colours, alpha = cut_subject(rng, item.image, item.targets[0] > 127)
        if number >= PAINTED or number % 2 == 0:
            behind = lay_out(
                load_image(scenes[int(rng.integers(len(scenes)))]), (alpha.shape[0], alpha.shape[1])
            )
        image = composite(colours, alpha, behind)
        composites.append(Item.of(image, [alpha], networks))
    return photographs, composites


def cut_subject(rng: np.random.Generator, image: Image, mask: Mask) -> tuple[Image, Alpha]:
    """The subject of a photograph with a soft edge, its colours spread outwards, most with drawn strands."""
    inner = ndimage.binary_erosion(mask, iterations=2, border_value=1) if rng.random() < 0.5 else mask
    alpha = ndimage.gaussian_filter(inner.astype(np.float32), rng.uniform(0.5, 2.2))
    core = ndimage.binary_erosion(inner, iterations=5, border_value=1)
    colours = estimate_foreground(image, np.where(core, 1, 0.98 * alpha).astype(np.float32))
    if core.any():
        nearest = ndimage.distance_transform_edt(~core, return_distances=False, return_indices=True)
        spread = ndimage.gaussian_filter(colours[tuple(nearest)].astype(np.float32), (1.2, 1.2, 0))
        colours = np.where(core[..., None], colours, np.rint(spread)).astype(np.uint8)
    if rng.random() < 0.8 and inner.any():
        distance = ndimage.distance_transform_edt(~inner) - ndimage.distance_transform_edt(inner)
        rows = np.nonzero(inner.any(axis=1))[0]
        lowest = rows[0] + rng.uniform(0.25, 0.6) * (rows[-1] - rows[0])
        field = distance + 0.9 * np.maximum(0, np.arange(len(mask)) - lowest)[:, None]
        hairs = strands(
            rng,
            field,
            count=int(rng.integers(60, 400)),
            length=min(mask.shape) * rng.uniform(0.02, 0.12),
            curl=rng.choice((1.2, 5.0)),
            width=rng.uniform(0.9, 2.6),
        )
        alpha = alpha + hairs * (1 - alpha)
    light = rng.uniform(0.75, 1.25)
    return np.rint((colours * light).clip(0, 255)).astype(np.uint8), alpha.clip(0, 1).astype(np.float32)


def worsen(rng: np.random.Generator, target: Grey) -> Alpha:
    """A true alpha as a poor network might give it: small, warped, bitten into, blurred, too sure."""
    longer = max(target.shape)
    side = min(int(rng.choice(GRIDS)), longer)
    square = rng.random() < 0.6
    size = (side, side) if square else tuple(max(8, round(side * length / longer)) for length in target.shape)
    alpha: Alpha = resize(target.astype(np.float32) / np.float32(255), (size[0], size[1]))
    rows, columns = np.indices(alpha.shape)
    if rng.random() < 0.85:
        cells, reach = int(rng.integers(4, 24)), rng.uniform(0, 2) * side / 256 * rng.choice((1, 1, 2))
        moves = [ndimage.zoom(rng.normal(0, reach, (cells, cells)), np.divide(size, cells)) for _ in range(2)]
        places = [index + move for index, move in zip((rows, columns), moves, strict=True)]
        alpha = ndimage.map_coordinates(alpha, places, order=1, mode="nearest")
    for _ in range(rng.integers(1, 5) if rng.random() < 0.4 else 0):
        edge = np.argwhere((alpha > 0.2) & (alpha < 0.8))
        if len(edge):
            y, x = edge[rng.integers(len(edge))]
            distance = np.hypot(rows - y, columns - x) / (rng.uniform(0.01, 0.05) * side)
            bite = (1.5 - distance).clip(0, 1) * rng.uniform(0.3, 1)
            alpha = alpha * (1 - bite) if rng.random() < 0.5 else alpha + bite * (1 - alpha)
    if rng.random() < 0.8:
        alpha = ndimage.gaussian_filter(alpha, rng.uniform(0.2, 1.8))
    if rng.random() < 0.5:
        logit = np.log((alpha + 0.02) / (1.02 - alpha)) * rng.uniform(0.7, 3) + rng.normal(0, 0.5)
        alpha = (1 / (1 + np.exp(-logit))).astype(np.float32)
    return alpha.clip(0, 1).astype(np.float32)


def draw_batch(
    rng: np.random.Generator, photographs: Sequence[Item], composites: Sequence[Item], count: int, cells: int
) -> Batch:
    """Squares of one size, 1 to 2.6 pixels a cell."""
    scale = 1.0 if rng.random() < 0.15 else math.exp(rng.uniform(0, math.log(2.6)))
    side = round(cells * scale)
    drawn = []
    for _ in range(count):
        items = photographs if rng.random() < PHOTOGRAPHS else composites
        drawn.append(_draw(rng, items[int(rng.integers(len(items)))], side, cells))
    images, targets, small, alphas = (np.stack(values) for values in zip(*drawn, strict=True))
    return Batch(
        _tensor(images),
        torch.from_numpy(targets).float() / 255,
        _tensor(small),
        torch.from_numpy(alphas)[:, None],
    )


def _draw(rng: np.random.Generator, item: Item, side: int, cells: int) -> tuple[NDArray[Any], ...]:
    target = item.targets[int(rng.integers(len(item.targets)))]
    height, width = target.shape
    side = min(side, height, width)
    if rng.random() < OWN:
        coarse = item.coarse[int(rng.integers(len(item.coarse)))].astype(np.float32) / np.float32(255)
    else:
        coarse = worsen(rng, target)
    scales = coarse.shape[0] / height, coarse.shape[1] / width
    edge = np.argwhere((coarse > 0.1) & (coarse < 0.9))
    middle = (edge[rng.integers(len(edge))] + 0.5) / scales if len(edge) else rng.random(2) * target.shape
    top, left = (
        int((place - side * rng.uniform(0.15, 0.85)).clip(0, length - side))
        for place, length in zip(middle, target.shape, strict=True)
    )
    part = slice(top, top + side), slice(left, left + side)
    box = (left * scales[1], top * scales[0], (left + side) * scales[1], (top + side) * scales[0])
    picture = PIL.Image.fromarray(coarse).resize((cells, cells), PIL.Image.Resampling.BILINEAR, box=box)
    alpha = np.asarray(picture).clip(0, 1)
    image, target = item.image[part], target[part]
    if rng.random() < 0.5:
        image, target, alpha = image[:, ::-1], target[:, ::-1], alpha[:, ::-1]
    image = _recoloured(rng, image)
    small = to_input(image, (cells, cells))
    return image, np.ascontiguousarray(target), small, np.ascontiguousarray(alpha)


def _recoloured(rng: np.random.Generator, image: Image) -> Image:
    values: NDArray[Any] = image.astype(np.float32)
    if rng.random() < 0.7:
        values = 255 * (values / 255) ** math.exp(rng.normal(0, 0.25))
        values = values * math.exp(rng.normal(0, 0.1)) * np.exp(rng.normal(0, 0.05, 3)).astype(np.float32)
        if rng.random() < 0.2:
            values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.3:
        values = values + rng.normal(0, rng.uniform(1, 8), values.shape)
    recoloured: Image = np.rint(values.clip(0, 255)).astype(np.uint8)
    return recoloured


def _tensor(images: NDArray[np.uint8]) -> Tensor:
    values = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return values.contiguous(memory_format=torch.channels_last)
