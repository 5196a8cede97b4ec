"""How the subject moves from one frame to the next.

Every cell of a coarse grid gets the shift that makes ``sum w (after - moved(before))^2`` least over a window
around it, found on a small copy of the frames first, with a window that is the whole frame, then on finer
ones (Lucas and Kanade, "An iterative image registration technique", IJCAI 1981). The weight ``w`` is the
subject's alpha: along its edge the subject's motion counts, not that of what is behind it.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from limner.images import Alpha, Shifts, halved, moved

Luma: TypeAlias = NDArray[np.float32]
"""(SIDE, SIDE), in grey levels: a frame without its colours, stretched to a square."""

SIDE = 128
CELLS = 8
"""Along each side of the grid."""
LEVELS = ((32, CELLS, 2), (64, 2, 1), (128, 1, 1))
"""Side of the copy, pixels; half the window, cells; how often the shifts are bettered."""
STIFF = 0.08
"""Keeps still what has no texture: added to the mean square of the slopes, grey levels squared."""
STEEP = 20.0
"""Difference, in grey levels, at which a pixel counts half, as it has been uncovered."""
FARTHEST = 0.2
"""Of a shift, as a share of the frame."""


def motion(before: Luma, after: Luma, alpha: Alpha) -> Shifts:
    """The shifts of the subject from one frame to the next, (2, CELLS, CELLS).

    Args:
        before: The one.
        after: The other.
        alpha: (SIDE, SIDE) of the subject in ``before``.
    """
    copies = [(before, after, np.float32(0.02) + np.float32(0.98) * alpha)]
    while copies[-1][0].shape[0] > LEVELS[0][0]:
        copies.append((halved(copies[-1][0]), halved(copies[-1][1]), halved(copies[-1][2])))
    shifts = np.zeros((2, CELLS, CELLS), np.float32)
    for (side, reach, rounds), (first, second, weight) in zip(LEVELS, reversed(copies), strict=True):
        for _ in range(rounds):
            shifts += _better(first, second, weight, shifts, reach) / side
            shifts.clip(-FARTHEST, FARTHEST, out=shifts)
    return shifts


def _better(before: Luma, after: Luma, weight: Alpha, shifts: Shifts, reach: int) -> Shifts:
    """What is to be added to the shifts, pixels, at the middles of the cells."""
    start = moved(before, shifts)
    down, right = np.zeros_like(start), np.zeros_like(start)
    down[1:-1] = (start[2:] - start[:-2]) * np.float32(0.5)
    right[:, 1:-1] = (start[:, 2:] - start[:, :-2]) * np.float32(0.5)
    difference = after - start
    weight = weight / (1 + np.square(difference / np.float32(STEEP)))
    products = np.stack([down * down, down * right, right * right, down * difference, right * difference])
    pixels = len(start) // CELLS
    sums = (products * weight).reshape(5, CELLS, pixels, CELLS, pixels).sum(axis=(2, 4))
    cells = np.arange(CELLS)
    window = (abs(cells[:, None] - cells) <= reach).astype(np.float32)
    first, both, second, along, across = window @ sums @ window
    stiff = np.float32(STIFF * (pixels * (2 * reach + 1)) ** 2)
    first, second = first + stiff, second + stiff
    found: Shifts = np.stack([both * across - second * along, both * along - first * across])
    found /= first * second - both * both
    return found.clip(-2, 2)
