"""A picture whose parts are moved."""

from typing import TypeAlias, TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Alpha, Image

Shifts: TypeAlias = NDArray[np.float32]
"""(2, m, n): how far things move down and to the right, as shares of height and width, at the corners of a
grid of (m - 1, n - 1) equal cells over the picture; bilinear in between."""
_Picture = TypeVar("_Picture", Alpha, Image)


def moved(picture: _Picture, shifts: Shifts) -> _Picture:
    """An (H, W, 3) image or (H, W) float32 alpha with everything moved; the border is repeated inwards.

    Each cell of the shifts' grid is at least a pixel wide and high.
    """
    height, width = picture.shape[:2]
    down, right = shifts[0] * height, shifts[1] * width
    margin = 2 + int(np.abs((down, right)).max())
    rows, columns = (
        np.rint(np.linspace(0, length, count)).astype(int)
        for length, count in zip((height, width), shifts.shape[1:], strict=True)
    )
    places = np.stack([columns - right, rows[:, None] - down], axis=-1) + margin
    sources = np.concatenate([places[:-1, :-1], places[1:, :-1], places[1:, 1:], places[:-1, 1:]], axis=-1)
    cells = [
        ((left, top, end, bottom), source)
        for (top, bottom), line in zip(_pairs(rows), sources.tolist(), strict=True)
        for (left, end), source in zip(_pairs(columns), line, strict=True)
    ]
    around = ((margin, margin), (margin, margin), (0, 0))[: picture.ndim]
    found = PIL.Image.fromarray(np.pad(picture, around, mode="edge")).transform(
        (width, height), PIL.Image.Transform.MESH, cells, PIL.Image.Resampling.BILINEAR
    )
    return np.asarray(found)


def _pairs(places: NDArray[np.int_]) -> list[tuple[int, int]]:
    return list(zip(places[:-1].tolist(), places[1:].tolist(), strict=True))
