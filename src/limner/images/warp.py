"""A picture whose parts are moved."""

from itertools import compress
from typing import TypeAlias, TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Alpha, Image, Mask

Shifts: TypeAlias = NDArray[np.float32]
"""(2, m, n): how far things move down and to the right, as shares of height and width, at the corners of a
grid of (m - 1, n - 1) equal cells over the picture; bilinear in between."""
_Picture = TypeVar("_Picture", Alpha, Image)


def moved(picture: _Picture, shifts: Shifts, where: Mask | None = None) -> _Picture:
    """An (H, W, 3) image or (H, W) float32 alpha with everything moved; the border is repeated inwards.

    Args:
        picture: Each cell of the shifts' grid is at least a pixel wide and high on it.
        shifts: Of everything.
        where: (m - 1, n - 1), the cells in which anything is to change; by default all.
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
    boxes = [(left, top, end, bottom) for top, bottom in _pairs(rows) for left, end in _pairs(columns)]
    drawn = [True] * len(boxes) if where is None else where.ravel().tolist()
    cells = list(compress(zip(boxes, sources.reshape(-1, 8).tolist(), strict=True), drawn))
    around = ((margin, margin), (margin, margin), (0, 0))[: picture.ndim]
    found = PIL.Image.fromarray(np.pad(picture, around, mode="edge")).transform(
        (width, height), PIL.Image.Transform.MESH, cells, PIL.Image.Resampling.BILINEAR
    )
    everywhere = np.asarray(found)
    if where is None:
        return everywhere
    result = picture.copy()
    for (left, top, end, bottom), _ in cells:
        result[top:bottom, left:end] = everywhere[top:bottom, left:end]
    return result


def finer(shifts: Shifts) -> Shifts:
    """The same on a grid of twice as many cells along each side."""
    for axis in (1, 2):
        twice = np.moveaxis(shifts.repeat(2, axis), axis, 0)
        shifts = np.moveaxis((twice[:-1] + twice[1:]) * np.float32(0.5), 0, axis)
    return shifts


def _pairs(places: NDArray[np.int_]) -> list[tuple[int, int]]:
    return list(zip(places[:-1].tolist(), places[1:].tolist(), strict=True))
