"""A picture whose parts are moved."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from limner.images.coordinates import between
from limner.images.resize import resize_fields

Shifts: TypeAlias = NDArray[np.float32]
"""(2, m, n): how far things move down and to the right, as shares of height and width, at the middles of
m x n equal cells over the picture; bilinear in between."""


def moved(values: NDArray[np.float32], shifts: Shifts) -> NDArray[np.float32]:
    """What is laid out over a picture, (..., H, W), with everything moved; the border is repeated inwards.

    By several shifts, (n, 2, ...), it is (..., n, H, W).
    """
    height, width = values.shape[-2:]
    down, right = np.moveaxis(resize_fields(shifts, (height, width)), -3, 0)
    rows = np.arange(height, dtype=np.float32)[:, None] - down * height
    return sampled(values, rows, np.arange(width, dtype=np.float32) - right * width)


def sampled(
    values: NDArray[np.float32], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Bilinear values at some places; beyond the border, those of the border.

    Args:
        values: (..., H, W).
        rows: Of the places, in pixels from the middle of the first one; of any shape.
        columns: The same, of the same shape.

    Returns:
        (..., *shape of the places).
    """
    height, width = values.shape[-2:]
    (top, below, lower), (left, beside, right) = between(rows, height), between(columns, width)
    flat = values.reshape(*values.shape[:-2], -1)
    first = top * width + left

    def row(start: NDArray[np.intp]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = flat.take(start, axis=-1, mode="clip")  # none is outside: quicker
        step = flat.take(start + beside, axis=-1, mode="clip")
        step -= found
        step *= right
        found += step
        return found

    result = row(first)
    step = row(first + below * width)
    step -= result
    step *= lower
    result += step
    return result
