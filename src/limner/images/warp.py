"""Pictures warped: by a field of motion, or shifted and zoomed as a camera that moves sees them."""

from typing import Any, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Size
from limner.images.resize import resize_maps

Flow: TypeAlias = NDArray[np.float32]
"""(2, m, n): motion downwards and to the right, as fractions of height and width, at the middles of m x n
equal parts of the picture; bilinear in between."""


def warp(values: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """(..., H, W) values of a picture, each moved by the flow; the border is repeated inwards.

    By several flows, (n, 2, ...), it is (..., n, H, W).
    """
    height, width = values.shape[-2:]
    down, right = np.moveaxis(resize_maps(flow, (height, width)), -3, 0)
    rows = np.arange(height, dtype=np.float32)[:, None] - down * height
    return sample_bilinear(values, rows, np.arange(width, dtype=np.float32) - right * width)


def sample_bilinear(
    values: NDArray[np.float32], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Bilinear values at some coordinates; beyond the border, those of the border.

    Args:
        values: (..., H, W).
        rows: In pixels from the middle of the first one; of any shape, which ends the result's.
        columns: The same, of the same shape.
    """
    height, width = values.shape[-2:]
    (top, lower), (left, right) = _split(rows, height), _split(columns, width)
    below, beside = min(1, height - 1) * width, min(1, width - 1)
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
    step = row(first + below)
    step -= result
    step *= lower
    result += step
    return result


def shift_and_zoom(
    values: NDArray[Any], size: Size, *, top: float, left: float, scale: float
) -> NDArray[Any]:
    """(H, W, 3) uint8 or (H, W) float32, drawn larger by ``scale`` into a frame of a size, bicubic.

    It begins at the pixel (top, left) of the frame, which may be negative; where it does not reach is 0.
    """
    matrix = (1 / scale, 0, -left / scale, 0, 1 / scale, -top / scale)
    bicubic = PIL.Image.Resampling.BICUBIC
    picture = PIL.Image.fromarray(values).transform(size[::-1], PIL.Image.Transform.AFFINE, matrix, bicubic)
    return np.asarray(picture)


def _split(coordinates: NDArray[np.float32], count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The pixel before each coordinate along a side of ``count`` pixels, and the weight of the next one."""
    coordinates = coordinates.clip(0, count - 1)
    before = np.minimum(np.floor(coordinates), max(0, count - 2))
    return before.astype(np.intp), coordinates - before
