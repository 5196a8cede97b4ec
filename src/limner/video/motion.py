"""How the subject moves from one frame to the next.

Each cell of a coarse grid gets the shift that makes ``sum w (after - warp(before))^2`` least over a window
around it, found on a small copy of the frames first, with a window that is the whole frame, then on finer
ones (Lucas and Kanade, "An iterative image registration technique", IJCAI 1981). The weight ``w`` is the
subject's alpha: along its edge the subject's motion counts, not that of what is behind it.
"""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from limner.images import Flow, average_pool, warp

Luma: TypeAlias = NDArray[np.float32]
"""(SIDE, SIDE), in grey levels: a frame without its colours, stretch to a square."""

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
"""Largest shift, as a fraction of the frame."""


def motion(before: Luma, after: Luma, alphas: NDArray[np.float32]) -> Flow:
    """The shifts of several subjects from one frame to the next, (n, 2, CELLS, CELLS).

    ``alphas``, (n, SIDE, SIDE), are those of each subject in the frame before.
    """
    copies = [(np.stack([before, after]), np.float32(0.02) + np.float32(0.98) * alphas)]
    while copies[-1][0].shape[-1] > LEVELS[0][0]:
        copies.append((average_pool(copies[-1][0]), average_pool(copies[-1][1])))
    shifts = np.zeros((len(alphas), 2, CELLS, CELLS), np.float32)
    for (side, reach, rounds), (frames, weights) in zip(LEVELS, reversed(copies), strict=True):
        for _ in range(rounds):
            shifts += _better(frames[0], frames[1], weights, shifts, reach) / side
            shifts.clip(-FARTHEST, FARTHEST, out=shifts)
    return shifts


def _better(before: Luma, after: Luma, weights: NDArray[np.float32], shifts: Flow, reach: int) -> Flow:
    """What is to be added to the shifts, pixels, at the middles of the cells."""
    start = warp(before, shifts)
    down, right = np.zeros_like(start), np.zeros_like(start)
    down[:, 1:-1] = (start[:, 2:] - start[:, :-2]) * np.float32(0.5)
    right[..., 1:-1] = (start[..., 2:] - start[..., :-2]) * np.float32(0.5)
    difference = after - start
    weights = weights / (1 + np.square(difference / np.float32(STEEP)))
    steep, slanted = weights * down, weights * right
    products = np.stack(
        [steep * down, steep * right, slanted * right, steep * difference, slanted * difference]
    )
    pixels = len(after) // CELLS
    window = _window(len(after), reach)
    first, both, second, along, across = window @ products @ window.T
    stiff = np.float32(STIFF * (pixels * (2 * reach + 1)) ** 2)
    first, second = first + stiff, second + stiff
    found: Flow = np.stack([both * across - second * along, both * along - first * across], axis=1)
    found /= (first * second - both * both)[:, None]
    return found.clip(-2, 2)


@lru_cache(maxsize=8)
def _window(side: int, reach: int) -> NDArray[np.float32]:
    """Which pixels along a side lie in the window around each cell: 0 or 1, (CELLS, side)."""
    cells = np.arange(side) * CELLS // side
    window: NDArray[np.float32] = (abs(np.arange(CELLS)[:, None] - cells) <= reach).astype(np.float32)
    return window
