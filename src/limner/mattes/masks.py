"""Masks: made from labels or from an alpha, and the regions around their edges."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.images import Alpha, Labels, Mask, resize

_Floats = TypeVar("_Floats", NDArray[np.float32], NDArray[np.float64])
_Any = TypeVar("_Any", NDArray[np.bool_], NDArray[np.float32])

SPECK = 0.01
"""A connected part of a mask is a speck where its area is below this fraction of the largest part's."""
CERTAIN = 0.95
"""An opacity that a network gives only where it is sure of the subject."""
INVISIBLE = 0.5 / 255
"""A smaller opacity is 0 in 8 bits."""
GRID = 384
"""Pixels along the longer side that tell enough of a network's alpha, which was enlarged from fewer."""
HAIR = 0.02
"""How far a soft edge reaches, as a fraction of the shorter side of the picture."""
STRIP = 256
"""Rows that the filters of an alpha work on at a time, which bounds their memory."""


def from_labels(labels: Labels, parts: Iterable[int] | None = None) -> Mask:
    """True where the label is one of ``parts``; without ``parts``, where it is not 0 (the background)."""
    return labels > 0 if parts is None else np.isin(labels, list(parts))


def threshold(alpha: Alpha, level: float = 0.5) -> Mask:
    """True where the alpha is at least ``level``."""
    return alpha >= level


def dilate(mask: Mask, radius: int, *, outside: bool = False) -> Mask:
    """True within ``radius`` pixels (Chebyshev) of a True pixel; around the picture all is ``outside``."""
    grown = np.pad(mask, radius, constant_values=outside)
    return _sliding_max(_sliding_max(grown, 1, 0, radius), 0, 1, radius)


def erode(mask: Mask, radius: int, *, outside: bool = True) -> Mask:
    """False within ``radius`` pixels (Chebyshev) of a False pixel; arguments as of `dilate`."""
    return ~dilate(~mask, radius, outside=not outside)


def edge_band(mask: Mask, radius: int) -> Mask:
    """True within ``radius`` pixels (Chebyshev) of the mask's edge, on both sides of it.

    A pixel belongs to the band when the square of side ``2 * radius + 1`` around it, cut at the border of
    the picture, holds both values. A mask of one value has no band.
    """
    return dilate(mask, radius) & dilate(~mask, radius)


def feather(alpha: Alpha, radius: int) -> Alpha:
    """Soften the edge: the mean over a square of side ``2 * radius + 1``, taken twice (a tent filter).

    Squares are cut at the border of the picture, so a subject that touches it stays opaque there.
    """
    return _in_strips(lambda part: box_mean(box_mean(part, radius), radius).clip(0, 1), alpha, 2 * radius)


def shift_edge(alpha: Alpha, pixels: float) -> Alpha:
    """Grow the subject by ``pixels``, or shrink it where they are negative; soft edges keep their slope.

    Growing takes the greatest alpha within an octagon of that radius; a fraction of a pixel lies between the
    two whole steps beside it. Where the subject touches the border of the picture, it still does.
    """
    if pixels < 0:
        return 1 - shift_edge(1 - alpha, -pixels)
    whole, fraction = divmod(pixels, 1)

    def grow(part: Alpha) -> Alpha:
        low = _greatest(part, int(whole))
        return low + np.float32(fraction) * (_greatest(part, int(whole) + 1) - low) if fraction else low

    return _in_strips(grow, alpha, int(whole) + 1)


def box_mean(values: _Floats, radius: int) -> _Floats:
    """Mean over the square of side ``2 * radius + 1`` around each pixel, cut at the border; (..., H, W)."""
    for axis in (-2, -1):
        index = np.arange(values.shape[axis])
        counts = np.minimum(index + radius + 1, len(index)) - np.maximum(index - radius, 0)
        counts = (counts[:, None] if axis == -2 else counts).astype(values.dtype)
        values = _window_sums(values, radius, axis) / counts
    return values


def _window_sums(values: _Floats, radius: int, axis: int) -> _Floats:
    """Of the ``2 * radius + 1`` values around each place, zeros beyond the border.

    From sums of 1, 2, 4, 8 ... values, those that the binary digits of the width name: whole arrays are added
    a few times, where a running sum would wait for each number before the next.
    """

    def part(start: int, stop: int) -> tuple[Any, ...]:
        return (..., slice(start, stop)) if axis == -1 else (..., slice(start, stop), slice(None))

    width, length = 2 * radius + 1, values.shape[axis]
    shape = list(values.shape)
    shape[axis] += 2 * radius
    blocks = np.zeros(shape, values.dtype)  # np.pad takes as long as the sums
    blocks[part(radius, radius + length)] = values
    total: _Floats = blocks[part(0, length)]  # a width is odd: its last digit is 1
    start = size = 1
    while 2 * size <= width:
        stop = blocks.shape[axis]
        blocks = blocks[part(0, stop - size)] + blocks[part(size, stop)]
        size *= 2
        if width & size:
            total = total + blocks[part(start, start + length)]
            start += size
    return total


def connected_components(mask: Mask) -> NDArray[np.int32]:
    """Connected regions (4 neighbours), (H, W) int32: 0 outside, then 1, 2, ... from the top down."""
    runs = _runs(mask)
    return _painted(runs, runs.numbers, mask.shape)


class _Runs(NamedTuple):
    """Runs of True pixels along rows, from the top down, each with the number of its connected region."""

    rows: NDArray[np.intp]
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    numbers: NDArray[np.intp]  # from 1


def _runs(mask: Mask) -> _Runs:
    """The runs of a mask. Each is joined with those that it touches in the row below.

    Each takes the least number among its neighbours' until all agree.

    Reference:
        Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", J. Algorithms 3, 1982.
    """
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    row = mask.shape[1] + 1
    first = np.searchsorted(rows * row + ends, (rows + 1) * row + starts, side="right")
    last = np.searchsorted(rows * row + starts, (rows + 1) * row + ends)
    touched = np.maximum(last - first, 0)  # runs of the next row
    above = np.repeat(np.arange(len(rows)), touched)
    below = np.arange(len(above)) + np.repeat(first - (np.cumsum(touched) - touched), touched)
    roots = np.arange(len(rows))
    while len(above):
        one, other = roots[above], roots[below]
        np.minimum.at(roots, np.maximum(one, other), np.minimum(one, other))
        while ((upper := roots[roots]) != roots).any():
            roots = upper
        apart = roots[above] != roots[below]
        above, below = above[apart], below[apart]
    return _Runs(rows, starts, ends, np.unique(roots, return_inverse=True)[1] + 1)


def _painted(runs: _Runs, values: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """A picture of the runs, (H, W) int32, each of its value; 0 outside."""
    height, width = shape
    steps = np.zeros((height, width + 1), np.int32)
    steps[runs.rows, runs.starts] = values
    steps[runs.rows, runs.ends] = -values
    painted: NDArray[np.int32] = np.cumsum(steps, axis=1, dtype=np.int32)[:, :width]
    return painted


def remove_small_parts(mask: Mask, fraction: float = SPECK, core: Mask | None = None) -> Mask:
    """The mask without its stray parts: the largest connected part, and what can stand beside it.

    Args:
        mask: (H, W).
        fraction: Of the largest part's area, that another part has at least.
        core: (H, W), of which another part holds a pixel; by default any part does.
    """
    runs = _runs(mask)
    areas = np.bincount(runs.numbers, runs.ends - runs.starts, minlength=1)
    kept = areas >= max(1, fraction * areas.max())
    if core is not None:
        before = np.pad(np.cumsum(core, axis=1), ((0, 0), (1, 0)))  # pixels of the core to the left
        inside: NDArray[Any] = before[runs.rows, runs.ends] - before[runs.rows, runs.starts]
        kept &= np.bincount(runs.numbers, inside, minlength=1) > 0
        kept[areas.argmax()] = areas.any()
    if kept[1:].all():
        return mask
    return _painted(runs, kept[runs.numbers].astype(np.intp), mask.shape) > 0


def keep_largest(alpha: Alpha, count: int) -> Alpha:
    """The alpha of the ``count`` largest subjects alone, 0 elsewhere.

    A subject is a connected region with an alpha of at least 0.05; its size is counted where the alpha is at
    least 0.5. Subjects that touch count as one; a speck (`SPECK`) counts as none.
    """
    labels = connected_components(threshold(alpha, 0.05))
    areas = np.bincount(labels[threshold(alpha)], minlength=labels.max() + 1)
    areas[0] = -1
    kept = np.argsort(-areas, kind="stable")[:count]
    kept = kept[areas[kept] >= SPECK * areas.max()]
    return np.where(np.isin(labels, kept) & (labels > 0), alpha, np.float32(0))


def remove_specks(alpha: Alpha, fraction: float = SPECK) -> Alpha:
    """The alpha near its largest part of at least 0.5 and others that reach `CERTAIN`, 0 elsewhere.

    Where nothing would change, it is the alpha itself. Near is a pixel and `HAIR` of the shorter side, so
    that soft edges stay. Large alphas are looked at on a grid. ``fraction`` as of `remove_small_parts`.
    """
    seen = on_grid(alpha)
    parts = remove_small_parts(threshold(seen), fraction, threshold(seen, CERTAIN))
    near = dilate(parts, 1 + round(HAIR * min(seen.shape)))
    if seen[~near].max(initial=0) < INVISIBLE:
        return alpha
    kept: Alpha = resize(near.astype(np.float32), alpha.shape)
    kept *= alpha
    return kept


def on_grid(alpha: Alpha) -> Alpha:
    """Every n-th pixel of a large alpha, `GRID` or a little more along the longer side."""
    step = max(1, max(alpha.shape) // GRID)
    return alpha[::step, ::step]


def _greatest(alpha: Alpha, radius: int) -> Alpha:
    """The greatest alpha within an octagon: a square widened along both diagonals."""
    if not radius:
        return alpha
    slant = min(round(radius * (1 - math.sqrt(0.5))), (radius - 1) // 2)
    straight = radius - 2 * slant
    grown = np.pad(alpha, radius)
    for down, right, reach in ((1, 0, straight), (0, 1, straight), (1, 1, slant), (1, -1, slant)):
        grown = _sliding_max(grown, down, right, reach)
    return grown


def _sliding_max(values: _Any, down: int, right: int, radius: int) -> _Any:
    """The greatest of ``2 * radius + 1`` values in a row along a line; the ends of the lines are lost.

    By maxima of 2, 4, 8 ... values: whole arrays are compared a few times.
    """
    width, done = 2 * radius + 1, 1
    while done < width:
        step = min(done, width - done)
        rows = (slice(step, None), slice(-step)) if down else (slice(None),) * 2
        columns = (slice(step, None), slice(-step))[::right] if right else (slice(None),) * 2
        values = np.maximum(values[rows[0], columns[0]], values[rows[1], columns[1]])
        done += step
    return values


def _in_strips(function: Callable[[Alpha], Alpha], alpha: Alpha, reach: int) -> Alpha:
    """A filter that looks ``reach`` pixels far, run over strips of rows; strips of one value stay."""
    result = alpha.copy()
    height = len(alpha)
    for start in range(0, height, STRIP):
        first, last = max(0, start - reach), min(height, start + STRIP + reach)
        part = alpha[first:last]
        if (part != part[0, 0]).any():
            result[start : start + STRIP] = function(part)[start - first :][:STRIP]
    return result
