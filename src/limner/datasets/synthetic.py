"""Portraits that a program paints, with their exact alpha: for tests and a start without download."""

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from limner.datasets.drawing import Colours, clouds, coverage, ellipse
from limner.datasets.person import Look, paint_subject
from limner.datasets.plan import SHORT_SIDE, Plan, Record, SeededSplit, by_split, encode
from limner.errors import InputError
from limner.images import Alpha, Image, Size
from limner.rendering.backgrounds import composite

MOODS = (
    (196, 208, 220),
    (226, 206, 182),
    (92, 112, 132),
    (110, 134, 96),
    (172, 138, 150),
    (54, 50, 62),
    (214, 198, 128),
)
"""Colours of what is behind."""


@dataclass(frozen=True)
class Layers:
    """A picture in its three parts: ``I = round(alpha * foreground + (1 - alpha) * background)``."""

    foreground: Image
    alpha: Alpha  # whole multiples of 1 / 255, so that a PNG keeps it
    background: Image


def paint_portrait(rng: np.random.Generator, size: Size) -> Layers:
    """Paint a person, with hair down to single strands, and apart from them what is behind.

    Args:
        rng: Decides all of it: the same state gives the same portrait.
        size: (height, width), pixels.
    """
    background = _background(rng, size)
    subject = paint_subject(rng, Look.draw(rng), size)
    grain = rng.normal(0, 2, (*size, 1))
    return Layers(
        foreground=_to_bytes(subject.colours + grain),
        alpha=_to_bytes(255 * subject.opacity).astype(np.float32) / np.float32(255),
        background=_to_bytes(background + grain),
    )


def synthetic_portrait(rng: np.random.Generator, size: Size) -> tuple[Image, Alpha]:
    """A painted portrait and its exact alpha; see `paint_portrait`."""
    layers = paint_portrait(rng, size)
    return composite(layers.foreground, layers.alpha, layers.background), layers.alpha


def plan_synthetic(
    count: int, *, seed: int = 0, side: int = SHORT_SIDE, seeded: SeededSplit | None = None
) -> Plan:
    """Plan a data set of painted portraits.

    Args:
        count: How many.
        seed: The same seed gives the same portraits.
        side: Height and width, pixels.
        seeded: How to split.

    Raises:
        InputError: If ``count`` is not positive.
    """
    if count < 1:
        raise InputError(f"the number of portraits must be positive, got {count}")
    portraits = {
        f"{number:06d}": partial(_record, f"{number:06d}", seed=[seed, number], side=side)
        for number in range(count)
    }
    seeded = seeded or SeededSplit(seed=seed)
    return Plan(
        name="synthetic",
        licence="none needed: painted by Limner, no person is shown",
        settings={"kind": "synthetic", "size": side, "seed": seed, "split": asdict(seeded)},
        split_by=str(seeded),
        splits=by_split(portraits, seeded.assign(portraits)),
    )


def _record(name: str, *, seed: list[int], side: int) -> Record:
    """Paint and encode a portrait."""
    size = (side, side)
    image, alpha = synthetic_portrait(np.random.default_rng(seed), size)
    return encode(name, image, alpha, size=size, short_side=side)


def _to_bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def _background(rng: np.random.Generator, size: Size) -> Colours:
    """Two colours that run into each other, with clouds, lights out of focus or a room drawn over them."""
    height, width = size
    rows, columns = np.mgrid[:height, :width] / min(size)
    first, second = (np.array(MOODS[index]) for index in rng.choice(len(MOODS), 2, replace=False))
    turn = rng.uniform(0, np.pi)
    ramp = np.clip(0.5 + (rows - 0.5) * np.sin(turn) + (columns - 0.5) * np.cos(turn), 0, 1)[..., None]
    colours: Colours = first + ramp * (second - first)
    kind = rng.integers(4)
    if kind == 0:
        colours = colours * (1 + 0.35 * clouds(rng, size, coarse=5, octaves=5)[..., None])
    elif kind == 1:
        for _ in range(rng.integers(12, 30)):
            disc = ellipse(
                columns, rows, (rng.uniform(0, 1), rng.uniform(0, 1)), (rng.uniform(0.03, 0.09),) * 2
            )
            opacity = rng.uniform(0.15, 0.5) * coverage(disc, softness=3)[..., None]
            light = np.array(MOODS[rng.integers(len(MOODS))]) * rng.uniform(1, 1.3)
            colours = colours + opacity * (light - colours)
    elif kind == 2:
        for edge in rng.uniform(0, 1, 3):
            frame = np.maximum(np.abs(columns - edge) - 0.13, np.abs(rows - 0.3) - rng.uniform(0.12, 0.3))
            pane = coverage(frame, softness=2)[..., None]
            colours = colours * (1 - pane * rng.uniform(-0.4, 0.4))
        floor = coverage(rng.uniform(0.75, 0.9) - rows)[..., None]
        colours = colours * (1 - 0.3 * floor)
    return colours
