"""Work on some parts of a large picture only: the square tiles that hold any pixel of a mask."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.images.arrays import Mask, Size
from limner.images.resize import FeatureMap

_Value = TypeVar("_Value", bound=np.generic)

SIDE = 32
"""Of a tile, pixels; tiles at the lower and right border overlap their neighbours so that they fit in."""
TOGETHER = 64
"""Tiles that are worked on at a time: few enough for the cache of a core."""


@dataclass(frozen=True)
class Tiles:
    """Tiles of one picture, all of the same size."""

    picture: Size
    side: Size
    rows: NDArray[np.intp]  # (N,) of their upper edges
    columns: NDArray[np.intp]  # (N,) of their left edges

    @classmethod
    def holding(cls, mask: Mask) -> Iterator["Tiles"]:
        """Those with a True pixel, `TOGETHER` at a time; none where all is False."""
        firsts = [np.arange(0, length, SIDE) for length in mask.shape]
        held = np.logical_or.reduceat(np.logical_or.reduceat(mask, firsts[0], axis=0), firsts[1], axis=1)
        return cls._of(held, mask.shape)

    @classmethod
    def over(cls, mask: Mask, picture: Size) -> Iterator["Tiles"]:
        """Those in which `sample` would find a True pixel of a low-resolution mask of the picture."""
        held = np.pad(mask, (0, 1))
        for axis, length in enumerate(picture):
            starts, side = _starts(length), min(SIDE, length)
            first = _on_grid(starts, length, mask.shape[axis]).astype(np.intp)
            last = _on_grid(starts + side - 1, length, mask.shape[axis]).astype(np.intp) + 2
            ranges = np.stack([first, last], axis=1).ravel().clip(max=mask.shape[axis])
            held = np.logical_or.reduceat(held, ranges, axis=axis)
            held = held[::2] if axis == 0 else held[:, ::2]
        return cls._of(held, picture)

    @classmethod
    def _of(cls, held: Mask, picture: Size) -> Iterator["Tiles"]:
        rows, columns = (
            _starts(length)[index] for length, index in zip(picture, np.nonzero(held), strict=True)
        )
        side = min(SIDE, picture[0]), min(SIDE, picture[1])
        for start in range(0, len(rows), TOGETHER):
            part = slice(start, start + TOGETHER)
            yield cls(picture, side, rows[part], columns[part])

    def cut(self, array: NDArray[_Value]) -> NDArray[_Value]:
        """Copy the tiles out of an (H, W, ...) array: (N, h, w, ...)."""
        result = np.empty((len(self.rows), *self.side, *array.shape[2:]), array.dtype)
        for tile, place in zip(result, self._slices(), strict=True):
            tile[...] = array[place]
        return result

    def paste(self, tiles: NDArray[_Value], array: NDArray[_Value]) -> None:
        """Write (N, h, w, ...) tiles into an (H, W, ...) array: the inverse of `cut`."""
        for tile, place in zip(tiles, self._slices(), strict=True):
            array[place] = tile

    def sample(self, features: FeatureMap) -> NDArray[np.float32]:
        """Bilinear values of a low-resolution map, (C, h, w), at every pixel of the tiles: (C, N, h, w)."""
        (rows, down), (columns, right) = (
            [part[-(-starts // SIDE)] for part in _weights(length, count)]  # the last tile may start earlier
            for starts, length, count in zip(
                (self.rows, self.columns), self.picture, features.shape[1:], strict=True
            )
        )
        channel = np.arange(len(features))[:, None, None]
        near = features[channel, rows[:, None, :, None], columns[:, None, None]]
        count, channels, high, wide = near.shape  # (N, C, kh, kw)
        across = near.reshape(count, channels * high, wide) @ right.transpose(0, 2, 1)
        across = across.reshape(count, channels, high, -1).swapaxes(0, 1)
        result: NDArray[np.float32] = down @ across
        return result

    def coordinates(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Rows and columns of their pixels: (N, h, 1) and (N, 1, w)."""
        height, width = (np.arange(length, dtype=np.float32) for length in self.side)
        rows, columns = self.rows.astype(np.float32), self.columns.astype(np.float32)
        return rows[:, None, None] + height[:, None], columns[:, None, None] + width

    def _slices(self) -> Iterator[tuple[slice, slice]]:
        height, width = self.side
        for row, column in zip(self.rows.tolist(), self.columns.tolist(), strict=True):
            yield slice(row, row + height), slice(column, column + width)


def _starts(length: int) -> NDArray[np.intp]:
    """Where tiles start along one side of a picture; the last one is moved back so that it fits in."""
    return np.minimum(np.arange(0, length, SIDE), max(0, length - SIDE))


def _on_grid(index: NDArray[np.intp], length: int, count: int) -> NDArray[Any]:
    """Middles of pixels along a side of ``length`` pixels, in pixels of a grid that has ``count`` there."""
    return ((index + 0.5) * (count / length) - 0.5).clip(0, count - 1)


@lru_cache(maxsize=64)
def _weights(length: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Along one side, the ``k`` grid pixels that each tile needs, (N, k), and their weights, (N, side, k)."""
    place = _on_grid(_starts(length)[:, None] + np.arange(min(SIDE, length)), length, count)
    first = place[:, :1].astype(np.intp)
    reach = int(np.max(place[:, -1:].astype(np.intp) - first)) + 2
    needed = first + np.arange(reach)
    weights = (1 - np.abs(place[:, :, None] - needed[:, None])).clip(0).astype(np.float32)
    return needed.clip(max=count - 1), weights
