"""Pictures at another size."""

from typing import Any, TypeVar, cast

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Size
from limner.images.strips import map_strips, strips

_BILINEAR = PIL.Image.Resampling.BILINEAR
LEAST_ROWS = 16
"""Rows of the result that are made together at least: each strip reads a few rows of its neighbours too."""

_Array = TypeVar("_Array", bound=NDArray[Any])


def resize(array: _Array, size: Size) -> _Array:
    """Resize an (H, W, 3) image of uint8 or uint16, or an (H, W) float32 alpha, to ``size``.

    Bilinear, antialiased when shrinking: the triangle filter is widened to the scale (as Pillow does).
    """
    if array.shape[:2] == size:
        return array
    result = np.empty((*size, *array.shape[2:]), array.dtype)

    def fill(rows: slice) -> None:
        result[rows] = _rows(array, size, rows)

    row_bytes = max(array.nbytes, result.nbytes) // size[0]
    for _ in map_strips(fill, strips(size[0], row_bytes, least=LEAST_ROWS)):
        pass
    return cast(_Array, result)


def fit(array: _Array, side: int) -> _Array:
    """Resize so that the longer side is ``side`` pixels, the proportions kept; see `resize`."""
    scale = side / max(array.shape[:2])
    height, width = (max(1, round(length * scale)) for length in array.shape[:2])
    return resize(array, (height, width))


def _rows(array: NDArray[Any], size: Size, rows: slice) -> NDArray[Any]:
    """Some rows of the resized picture, from no more of the picture than they need."""
    height, width = size
    scale = array.shape[0] / height
    reach = max(scale, 1) + 1  # half the width of the filter, and a row for rounding
    top = max(0, int(rows.start * scale - reach))
    bottom = min(array.shape[0], int(rows.stop * scale + reach) + 1)
    box = (0, rows.start * scale - top, array.shape[1], min(rows.stop * scale, array.shape[0]) - top)
    part = array[top:bottom]

    def resized(values: NDArray[Any]) -> NDArray[Any]:
        picture = PIL.Image.fromarray(values)
        return np.asarray(picture.resize((width, rows.stop - rows.start), _BILINEAR, box))

    if part.dtype != np.uint16:
        return resized(part)
    channels = (resized(part[..., channel].astype(np.float32)) for channel in range(part.shape[2]))
    result: NDArray[Any] = np.rint(np.stack(list(channels), axis=2).clip(0, 65535))
    return result
