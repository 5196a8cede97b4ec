"""Pictures, alphas and feature maps at another size: all resampling but that of torch and of FFmpeg."""

from functools import lru_cache
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Size
from limner.images.strips import map_strips, strips

FeatureMap: TypeAlias = NDArray[np.float32]
"""(C, h, w) float32: values at the middles of h x w equal parts of a picture."""

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
    """Resize an image, (H, W, 3) uint8, uint16 or float32, or an (H, W) float32 alpha, to ``size``.

    Bilinear, antialiased when shrinking: the triangle filter is widened to the scale (as Pillow does).
    """
    if array.shape[:2] == size:
        return array
    small = max(array.shape[:2]) <= PRODUCT or (array.shape[0] <= size[0] and array.shape[1] <= size[1])
    if array.ndim == 2 and array.dtype == np.float32 and small:
        return cast(_Array, _by_matrices(array, size))
    result = np.empty((*size, *array.shape[2:]), array.dtype)

    def fill(rows: slice) -> None:
        result[rows] = _rows(array, size, rows)

    row_bytes = max(array.nbytes, result.nbytes) // size[0]
    for _ in map_strips(fill, strips(size[0], row_bytes, least=LEAST_ROWS)):
        pass
    return cast(_Array, result)


def resize_longest(array: _Array, side: int) -> _Array:
    """Resize so that the longer side is ``side`` pixels, the proportions kept; see `resize`."""
    scale = side / max(array.shape[:2])
    height, width = (max(1, round(length * scale)) for length in array.shape[:2])
    return resize(array, (height, width))


def resize_nearest(alpha: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """An (h, w) alpha enlarged to ``size`` without interpolation: each pixel as the one in which it lies."""
    rows, columns = (
        np.arange(length) * count // length for length, count in zip(size, alpha.shape, strict=True)
    )
    enlarged: NDArray[np.float32] = alpha.take(columns, axis=1).take(rows, axis=0)  # whole rows are copied
    return enlarged


def downsample(array: NDArray[Any], side: int) -> FeatureMap:
    """An image as a low-resolution feature map, or an alpha as a small one; neither is ever enlarged.

    (H, W) or (H, W, C) of any type become (h, w) or (C, h, w) float32 in the same units, ``side`` pixels on
    the longer side. A large array is first thinned out to every third, fifth ... pixel, as far as two of each
    pixel remain.
    """
    longest = max(array.shape[:2])
    step = max(1, (longest // (2 * side) - 1) // 2 * 2 + 1)
    thin = array[step // 2 :: step, step // 2 :: step]
    thin = np.ascontiguousarray(thin, np.uint8 if thin.dtype == np.uint8 and thin.ndim == 3 else np.float32)
    small = resize_longest(thin, min(side, longest)).astype(np.float32, copy=False)
    return small if small.ndim == 2 else np.ascontiguousarray(np.moveaxis(small, 2, 0))


def average_pool(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 x 2 pixels of an (..., H, W) array; an odd last row or column counts twice."""
    odd = [(0, 0)] * (maps.ndim - 2) + [(0, length % 2) for length in maps.shape[-2:]]
    even = np.pad(maps, odd, mode="edge") if np.any(odd) else maps
    pairs = even[..., ::2, :] + even[..., 1::2, :]
    means: NDArray[np.float32] = (pairs[..., ::2] + pairs[..., 1::2]) * np.float32(0.25)
    return means


def resize_maps(maps: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """About as `resize`, of (..., h, w) float32 to a few hundred pixels along a side, but quicker.

    What is four times as large or more is pooled first.
    """
    while min(maps.shape[-2] / size[0], maps.shape[-1] / size[1]) >= 4:
        maps = average_pool(maps)
    return _by_matrices(maps, size)


def _by_matrices(maps: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Bilinear and antialiased, by products of matrices; along the side first that makes less of it."""
    if size[0] < maps.shape[-2]:
        return _along(_along(maps, size[0], -2), size[1], -1)
    return _along(_along(maps, size[1], -1), size[0], -2)


def _along(maps: NDArray[np.float32], length: int, axis: int) -> NDArray[np.float32]:
    if maps.shape[axis] == length:
        return maps
    shape = list(maps.shape)
    shape[axis] = length
    result = np.empty(shape, np.float32)
    for made, near, weights in _weights(maps.shape[axis], length):
        if axis == -2:
            np.matmul(weights, maps[..., near, :], out=result[..., made, :])
        else:
            np.matmul(maps[..., near], weights.T, out=result[..., made])
    return result


@lru_cache(maxsize=64)
def _weights(before: int, after: int) -> list[tuple[slice, slice, NDArray[np.float32]]]:
    """Along one side, for every few pixels of the result those that they are made of, and their weights."""
    scale = before / after
    reach = max(scale, 1.0)
    together = max(STRIP, PRODUCT // before)
    found = []
    for start in range(0, after, together):
        made = slice(start, min(start + together, after))
        middles = (np.arange(made.start, made.stop) + 0.5) * scale - 0.5
        near = slice(max(0, int(middles[0] - reach)), min(before, int(middles[-1] + reach) + 1))
        weights = (1 - np.abs(np.arange(before)[near] - middles[:, None]) / reach).clip(0)
        weights /= weights.sum(axis=1, keepdims=True)
        found.append((made, near, weights.astype(np.float32)))
    return found


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

    if part.dtype == np.uint8 or part.ndim == 2:
        return resized(part)
    channels = [resized(part[..., channel].astype(np.float32)) for channel in range(part.shape[2])]
    found = np.stack(channels, axis=2)
    return np.rint(found.clip(0, 65535)) if part.dtype == np.uint16 else found
