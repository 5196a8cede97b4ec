"""What a camera sees of a subject before a background, both moved: frames with exact alphas."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.images import Alpha, Image, Size
from limner.images.affine import shift_and_zoom
from limner.rendering.backgrounds import lay_out, mix

SIZE = (480, 360)
"""(height, width) of the frames; turned round where a clip is landscape."""
VISIBLE = 0.85
"""Fraction of a portrait's height that is seen: the rest hides where its photo was cut off."""


@dataclass(frozen=True)
class Subject:
    """Colours and alpha of a person, and what goes behind."""

    colours: Image
    alpha: Alpha
    behind: Image


@dataclass(frozen=True)
class Place:
    """Where something is drawn: pixels to the right and down of its usual place, and how much larger."""

    right: float = 0.0
    down: float = 0.0
    zoom: float = 1.0


def expose(
    subject: Subject,
    places: list[tuple[Place, Place]],
    size: Size,
    noise: float,
    rng: np.random.Generator,
) -> tuple[Image, Alpha]:
    """What a camera sees, with noise, of a subject and a background at some places within one exposure."""
    drawn = [_moment(subject, front, back, size) for front, back in places]
    light = np.mean([image.astype(np.float32) for image, _ in drawn], axis=0)
    noisy = np.rint(light + rng.normal(0, noise, light.shape)).clip(0, 255).astype(np.uint8)
    return noisy, np.mean([alpha for _, alpha in drawn], axis=0, dtype=np.float32)


def _moment(subject: Subject, front: Place, back: Place, size: Size) -> tuple[Image, Alpha]:
    alpha = _drawn(subject.alpha, front, size).clip(0, 1)
    wide = lay_out(subject.behind, (int(size[0] / VISIBLE), int(size[1] / VISIBLE)))
    return mix(_drawn(subject.colours, front, size), alpha, _drawn(wide, back, size)), alpha


def _drawn(values: NDArray[Any], place: Place, size: Size) -> NDArray[Any]:
    """In the middle of a frame whose height it more than fills."""
    scale = size[0] / values.shape[0] / VISIBLE * place.zoom
    left = (size[1] - values.shape[1] * scale) / 2 + place.right
    top = (size[0] - values.shape[0] * scale) / 2 + place.down
    return shift_and_zoom(values, size, top=top, left=left, scale=scale)
