"""Where the pixels of a picture lie on a grid of other pixels that is laid over it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def on_grid(index: NDArray[np.intp], length: int, cells: int) -> NDArray[np.float64]:
    """Middles of pixels along one side, in cells from the middle of the first cell, never beyond the last.

    Args:
        index: Of the pixels.
        length: Pixels along the side.
        cells: Of the grid along the same side.
    """
    place: NDArray[np.float64] = ((index + 0.5) * (cells / length) - 0.5).clip(0, cells - 1)
    return place


def between(
    places: NDArray[np.floating[Any]], cells: int
) -> tuple[NDArray[np.intp], int, NDArray[np.float32]]:
    """The cell before each place, how far the next one is, and how much of that one is seen.

    Places beyond the grid are taken to its border. A grid of one cell has no next one: its step is 0.
    """
    places = places.clip(0, cells - 1)
    before = np.minimum(np.floor(places), max(0, cells - 2))
    return before.astype(np.intp), min(1, cells - 1), (places - before).astype(np.float32, copy=False)
