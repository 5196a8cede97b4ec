"""Large pictures a strip of rows at a time: what keeps memory small and all cores at work."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.images.arrays import Alpha, Pixels
from limner.parallel import thread_count, thread_map

STRIP_BYTES = 1 << 20
"""Of the samples of a strip, about."""

_Result = TypeVar("_Result")


def strips(height: int, row_bytes: int, *, least: int = 1) -> list[slice]:
    """The rows of a picture, `STRIP_BYTES` at a time and not less than ``least``."""
    rows = max(least, STRIP_BYTES // max(row_bytes, 1))
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def map_strips(function: Callable[[slice], _Result], parts: list[slice]) -> Iterator[_Result]:
    """``function`` of every strip, in order, on all cores where there are several."""
    return thread_map(function, parts) if min(len(parts), thread_count()) > 1 else map(function, parts)


def channels(pixels: Pixels, alpha: Alpha | None) -> int:
    """How many samples a pixel has, its opacity among them."""
    return (1 if pixels.ndim == 2 else pixels.shape[2]) + (alpha is not None)


def samples(pixels: Pixels, alpha: Alpha | None, rows: slice) -> NDArray[Any]:
    """A strip as files store it, (h, W, C): the colours and, after them, the opacity at the same depth."""
    colours = pixels[rows].reshape(-1, pixels.shape[1], channels(pixels, None))
    if alpha is None:
        return colours
    most = np.iinfo(pixels.dtype).max
    opacity = np.rint(alpha[rows].clip(0, 1) * most).astype(pixels.dtype)
    return np.concatenate([colours, opacity[..., None]], axis=2)
