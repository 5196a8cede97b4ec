"""Pictures at another size."""

from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Size
from limner.images.coordinates import between, on_grid
from limner.images.strips import map_strips, strips

_BILINEAR = PIL.Image.Resampling.BILINEAR
LEAST_ROWS = 16
"""Rows of the result that are made together at least: each strip reads a few rows of its neighbours too."""
STRIP = 16
"""Rows or columns that are made together in one product of matrices, so small that BLAS leaves it to one
thread: its others would spin beside those here."""
PRODUCT = 1024
"""More are made together as long as those times what they are made of is no more than this."""

_Array = TypeVar("_Array", bound=NDArray[Any])


def resize(array: _Array, size: Size) -> _Array:
    """Resize an (H, W, 3) image of uint8 or uint16, or an (H, W) float32 alpha, to ``size``.

    Bilinear, antialiased when shrinking: the triangle filter is widened to the scale (as Pillow does).
    """
    if array.shape[:2] == size:
        return array
    if array.dtype == np.float32 and array.shape[0] <= size[0] and array.shape[1] <= size[1]:
        return cast(_Array, _enlarged(array, size))
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


def halved(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 x 2 pixels of an (..., H, W) array; an odd last row or column counts twice."""
    odd = [(0, 0)] * (values.ndim - 2) + [(0, length % 2) for length in values.shape[-2:]]
    even = np.pad(values, odd, mode="edge") if np.any(odd) else values
    pairs = even[..., ::2, :] + even[..., 1::2, :]
    means: NDArray[np.float32] = (pairs[..., ::2] + pairs[..., 1::2]) * np.float32(0.25)
    return means


def resize_fields(fields: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """About as `resize`, of float32 values, (..., h, w), to a few hundred places along a side, but quicker.

    What is four times as large or more is halved first.
    """
    while min(fields.shape[-2] / size[0], fields.shape[-1] / size[1]) >= 4:
        fields = halved(fields)
    height, width = fields.shape[-2:]
    if height != size[0]:
        parts = [shares @ fields[..., near, :] for near, shares in _shares(height, size[0])]
        fields = np.concatenate(parts, axis=-2)
    if width != size[1]:
        parts = [fields[..., near] @ shares.T for near, shares in _shares(width, size[1])]
        fields = np.concatenate(parts, axis=-1)
    return fields


@lru_cache(maxsize=64)
def _shares(before: int, after: int) -> list[tuple[slice, NDArray[np.float32]]]:
    """Along one side, for every few places what they are made of, and the share of each in each."""
    scale = before / after
    reach = max(scale, 1.0)
    together = max(STRIP, PRODUCT // before)
    found = []
    for start in range(0, after, together):
        middles = (np.arange(start, min(start + together, after)) + 0.5) * scale - 0.5
        near = slice(max(0, int(middles[0] - reach)), min(before, int(middles[-1] + reach) + 1))
        shares = (1 - np.abs(np.arange(before)[near] - middles[:, None]) / reach).clip(0)
        found.append((near, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)))
    return found


def _enlarged(alpha: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """As Pillow enlarges but for rounding, in a third to a sixth of its time."""
    (above, step, lower), (left, beside, right) = (
        between(on_grid(np.arange(after), after, before), before)
        for before, after in zip(alpha.shape, size, strict=True)
    )
    wide = alpha.take(left, axis=1)
    wide += (alpha.take(left + beside, axis=1) - wide) * right
    result = np.empty(size, np.float32)
    for top in range(0, size[0], STRIP):
        rows = slice(top, top + STRIP)
        upper, share = above[rows] - above[top], lower[rows]
        first, last = above[top], above[top] + upper[-1] + step + 1
        shares = np.zeros((len(upper), last - first), np.float32)
        index = np.arange(len(upper))
        shares[index, upper] = 1 - share
        shares[index, upper + step] += share
        np.matmul(shares, wide[first:last], out=result[rows])
    return result


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
