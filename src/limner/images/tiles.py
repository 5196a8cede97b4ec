"""Work on some parts of a large picture only: the square tiles that hold any pixel of a mask."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from limner.images.arrays import Alpha, Mask, Size
from limner.images.resize import FeatureMap

_Value = TypeVar("_Value", bound=np.generic)

SIDE = 32
"""Of a tile, pixels; tiles at the lower and right border overlap their neighbours so that they fit in."""
TOGETHER = 64
"""Tiles that are worked on at a time: few enough for the cache of a core."""


class Kinds(NamedTuple):
    """Which tiles of an alpha are of one value, (rows of tiles, columns of tiles)."""

    clear: Mask  # all 0
    opaque: Mask  # all 1

    @property
    def mixed(self) -> Mask:
        """The others."""
        return ~(self.clear | self.opaque)


def kinds(alpha: Alpha) -> Kinds:
    """The kinds of the tiles of an alpha, (H, W)."""
    rows, columns = (np.arange(0, length, SIDE) for length in alpha.shape)
    low, high = np.empty((2, len(rows), len(columns)), np.float32)
    for number, row in enumerate(rows):
        part = alpha[row : row + SIDE]
        np.minimum.reduceat(part.min(axis=0), columns, out=low[number])
        np.maximum.reduceat(part.max(axis=0), columns, out=high[number])
    return Kinds(high <= 0, low >= 1)


def spans(held: Mask) -> Iterator[tuple[slice, slice]]:
    """Rows and columns, in pixels, of runs of tiles that are held; they may reach outside the picture."""
    edges = np.diff(np.pad(held, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    for row, start, end in zip(rows * SIDE, starts * SIDE, ends * SIDE, strict=True):
        yield slice(row, row + SIDE), slice(start, end)


@dataclass(frozen=True)
class Tiles:
    """Tiles of one picture, all of the same size."""

    picture: Size
    side: Size
    rows: NDArray[np.intp]  # (N,) of their upper edges
    columns: NDArray[np.intp]  # (N,) of their left edges

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
        return cls.of(held, picture)

    @classmethod
    def of(cls, held: Mask, picture: Size) -> Iterator["Tiles"]:
        """Those that are held, (rows, columns) of tiles, `TOGETHER` at a time; none where all is False."""
        rows, columns = (
            _starts(length)[index] for length, index in zip(picture, np.nonzero(held), strict=True)
        )
        side = min(SIDE, picture[0]), min(SIDE, picture[1])
        for start in range(0, len(rows), TOGETHER):
            part = slice(start, start + TOGETHER)
            yield cls(picture, side, rows[part], columns[part])

    def cut(self, array: NDArray[_Value]) -> NDArray[_Value]:
        """Copy the tiles out of an (H, W, ...) array: (N, h, w, ...)."""
        return self._windows(array)[self.rows, self.columns]

    def paste(self, tiles: NDArray[_Value], array: NDArray[_Value]) -> None:
        """Write (N, h, w, ...) tiles into an (H, W, ...) array: the inverse of `cut`."""
        self._windows(array)[self.rows, self.columns] = tiles

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

    def _windows(self, array: NDArray[_Value]) -> NDArray[_Value]:
        """A view of every part of an array that is as large as a tile, by its upper and left edge."""
        places = tuple(whole - part + 1 for whole, part in zip(array.shape, self.side, strict=False))
        shape = (*places, *self.side, *array.shape[2:])
        strides = (*array.strides[:2], *array.strides)
        return as_strided(array, shape, strides, writeable=array.flags.writeable)


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
