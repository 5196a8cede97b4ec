"""What the network of `limner.mattes.refine` is trained on: pictures, exact and coarse alphas of every kind.

A sample is a square of a picture beside an edge of the coarse alpha, at its own size and on the network's
grid, so that the error is measured at full size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from tqdm import tqdm

from limner.datasets.drawing import strands
from limner.evaluation.evaluate import Predict
from limner.images import Alpha, Image, Mask, load_image, resize, resize_longest, to_uint8
from limner.mattes.foreground import estimate_foreground
from limner.mattes.refine import stretch
from limner.models.segmenter import Segmenter
from limner.models.spec import bundled_models, to_input
from limner.rendering.backgrounds import composite, lay_out
from limner.training.config import EdgeConfig
from limner.training.drawn import DrawnData
from limner.training.edge import EdgeBatch
from limner.training.loading import normalise, read_backgrounds, read_lists
from limner.training.painted import paint_harder
from limner.training.peers import FORMS, Peer

PHOTOGRAPHS = 0.6  # fraction of the samples
PREDICTED = 0.6  # fraction of coarse alphas that a network gave, the others are true ones made worse
SOFT = 0.9  # standard deviation of the lens blur that hard masks lack, pixels
ASKED = 3  # networks, of each picture
COARSE = 320  # longer side of the networks' alphas that are kept, pixels
GRIDS = (64, 96, 128, 192, 256, 320, 512)  # longer sides of true alphas that are made worse, pixels

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """A picture, its alpha in grey levels, and what networks say."""

    name: str
    image: Image
    targets: Sequence[Grey]  # one by chance is taken for true
    known: Grey | None  # how far they are to be believed, everywhere alike by default
    coarse: Sequence[Grey]  # smaller


class EdgeData(DrawnData):
    """Photographs with masks, and composites with exact alphas, in memory."""

    config: EdgeConfig

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Read and compose all pictures, and ask the networks for their alphas."""
        config = self.config
        networks = [open_network(name) for name in config.networks]

        def item(
            rng: np.random.Generator, name: str, image: Image, *alphas: Alpha, known: Grey | None = None
        ) -> Item:
            asked = rng.choice(len(networks), min(ASKED, len(networks)), replace=False)
            coarse = [to_uint8(resize_longest(networks[k](shown(rng, image)), COARSE)) for k in asked]
            return Item(name, image, [to_uint8(alpha) for alpha in alphas], known, coarse)

        lists, holdout = read_lists(config)
        samples = tqdm(
            [*holdout, *chain(*(part[: config.pictures] for part in lists))], "photographs", unit="image"
        )
        photographs = []
        for number, sample in enumerate(samples):
            rng = np.random.default_rng((config.seed, 1, number))
            image, alpha = sample.load()
            if sample.weight is not None:
                known = to_uint8(sample.load_weight(alpha.shape))
                photographs.append(item(rng, sample.id, image, alpha, known=known))
            else:
                soft = ndimage.gaussian_filter(alpha, SOFT)
                photographs.append(item(rng, sample.id, image, alpha, soft, soft))
        self.held, photographs = photographs[: len(holdout)], photographs[len(holdout) :]
        masked = [one for one in photographs if one.known is None]
        scenes = read_backgrounds(config)
        composites = []
        for number in tqdm(range(config.painted + config.composites), "composites", unit="image"):
            rng = np.random.default_rng((config.seed, number))
            if number < config.painted:
                side = int(rng.integers(420, 800))
                layers = paint_harder(rng, (int(side * rng.uniform(1, 1.34)), side))
                colours, alpha, behind = layers.foreground, layers.alpha, layers.background
            else:
                photograph = masked[int(rng.integers(len(masked)))]
                colours, alpha = cut_subject(rng, photograph.image, photograph.targets[0] > 127)
            if number >= config.painted or number % 2 == 0:
                behind = lay_out(load_image(scenes[int(rng.integers(len(scenes)))]), alpha.shape)
            composites.append(item(rng, f"composite {number}", composite(colours, alpha, behind), alpha))
        self.photographs, self.composites = photographs, composites

    def draw(self, rng: np.random.Generator, *, holdout: bool) -> EdgeBatch:
        """Squares of one size, 1 to 2.6 pixels for each of the grid; of the holdout, photographs alone."""
        scale = 1.0 if rng.random() < 0.15 else math.exp(rng.uniform(0, math.log(2.6)))
        chosen = []
        for _ in range(self.batch_size):
            photograph = rng.random() < PHOTOGRAPHS or not self.composites
            items = self.held if holdout else self.photographs if photograph else self.composites
            chosen.append(items[int(rng.integers(len(items)))])
        side = min(round(self.config.grid * scale), *(min(item.image.shape[:2]) for item in chosen))
        squares = [draw_square(rng, item, side, self.config.grid) for item in chosen]
        images, targets, known, before, small, alphas = (
            np.stack(values) for values in zip(*squares, strict=True)
        )
        return EdgeBatch(
            image=_channels_last(images),
            target=torch.from_numpy(targets).float() / 255,
            known=torch.from_numpy(known).float() / 255,
            before=torch.from_numpy(before),
            small=_channels_last(small),
            alpha=torch.from_numpy(alphas)[:, None],
            names=[item.name for item in chosen],
        )


def open_network(name: str) -> Predict:
    """A model by its name or its .onnx file, or another project's network by its file."""
    known = name in bundled_models() or Path(name).name not in FORMS
    return Segmenter(name) if known else Peer(name)


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
    """A true alpha as a poor network might give it: small, warped, with bites, blurred, too sure."""
    longer = max(target.shape)
    side = min(int(rng.choice(GRIDS)), longer)
    height, width = (max(8, round(side * length / longer)) for length in target.shape)
    size = (side, side) if rng.random() < 0.6 else (height, width)
    alpha: Alpha = resize(target.astype(np.float32) / np.float32(255), size)
    rows, columns = np.indices(size)
    if rng.random() < 0.85:
        bumps, reach = int(rng.integers(4, 24)), rng.uniform(0, 2) * side / 256 * rng.choice((1, 1, 2))
        moves = [ndimage.zoom(rng.normal(0, reach, (bumps, bumps)), np.divide(size, bumps)) for _ in range(2)]
        alpha = ndimage.map_coordinates(alpha, [rows + moves[0], columns + moves[1]], order=1, mode="nearest")
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


def draw_square(
    rng: np.random.Generator, item: Item, side: int, grid: int
) -> tuple[Image, Grey, Grey, Alpha, Image, Alpha]:
    """Beside an edge of an item: image, true alpha, its weight, coarse alpha; image and alpha on the grid."""
    target = item.targets[int(rng.integers(len(item.targets)))]
    if rng.random() < PREDICTED:
        coarse = item.coarse[int(rng.integers(len(item.coarse)))].astype(np.float32) / np.float32(255)
    else:
        coarse = worsen(rng, target)
    coarse = resize(coarse, target.shape)
    edge = np.argwhere((coarse > 0.1) & (coarse < 0.9))
    middle = edge[rng.integers(len(edge))] if len(edge) else rng.random(2) * target.shape
    top, left = (
        int((place - side * rng.uniform(0.15, 0.85)).clip(0, length - side))
        for place, length in zip(middle, target.shape, strict=True)
    )
    turn = -1 if rng.random() < 0.5 else 1
    known = np.full_like(target, 255) if item.known is None else item.known
    image, target, known, coarse = (
        np.ascontiguousarray(values[top : top + side, left : left + side][:, ::turn])
        for values in (item.image, target, known, coarse)
    )
    image, coarse = recolour(rng, image), coarse.clip(0, 1)
    small = to_input(image, (grid, grid)), resize(coarse, (grid, grid)).clip(0, 1)
    return image, target, known, stretch(coarse), *small


def shown(rng: np.random.Generator, image: Image) -> Image:
    """A picture as a network is shown it: half of the time worse, for it may know it from training."""
    if rng.random() < 0.5:
        return image
    side = max(image.shape) * rng.uniform(0.3, 0.7)
    return resize(resize_longest(recolour(rng, image), round(side)), image.shape[:2])


def recolour(rng: np.random.Generator, image: Image) -> Image:
    """With another gamma, brightness and white balance, some grey or with noise."""
    values: NDArray[np.floating] = image.astype(np.float32)
    if rng.random() < 0.7:
        values = 255 * (values / 255) ** math.exp(rng.normal(0, 0.25))
        values = values * math.exp(rng.normal(0, 0.1)) * np.exp(rng.normal(0, 0.05, 3)).astype(np.float32)
        if rng.random() < 0.2:
            values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.3:
        values = values + rng.normal(0, rng.uniform(1, 8), values.shape).astype(np.float32)
    recoloured: Image = np.rint(values.clip(0, 255)).astype(np.uint8)
    return recoloured


def _channels_last(images: NDArray[np.uint8]) -> Tensor:
    return normalise(torch.from_numpy(images)).contiguous(memory_format=torch.channels_last)
