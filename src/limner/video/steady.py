"""Mattes that stand still where the picture does: a recursive filter over time, at the network's size.

A pixel follows the network at once where the picture changed, and slowly where it did not:
``a_t = a_(t-1) + k (p_t - a_(t-1))`` with ``k`` from `SLOW` to 1. The change is the difference in colour to
the frame before, over a small window, beyond what the sensor's noise explains; most of a frame is taken to
stand still, so its median is that noise. So nothing trails behind what moves. After a cut it starts anew.

Motion is not compensated: on the clips of ``benchmarks/clips.py`` block matching changed flicker by a
hundredth and cost more than the network.
"""

import numpy as np
from numpy.typing import NDArray

from limner.images import Alpha, Image
from limner.masks import box_mean

SLOW = 0.15
"""Share of a new alpha where nothing changed."""
FLOOR = 1.3
"""What counts as noise, in medians of the change."""
SCALE = 2.8
"""Change beyond the noise, in grey levels, at which two thirds of a new alpha are taken."""
RADIUS = 2
"""Half the window over which the change is averaged, in pixels of the network's input."""
CUT = 40.0
"""Mean change, in grey levels, from which a frame belongs to another scene."""


class Steady:
    """The filter's state: call it with the frames of one clip, in order."""

    def __init__(self) -> None:
        self._image: NDArray[np.float32] | None = None
        self._alpha: Alpha | None = None

    def __call__(self, image: Image, alpha: Alpha) -> Alpha:
        """The steadied alpha.

        Args:
            image: (h, w, 3) uint8, what the network saw.
            alpha: (h, w) float32 in [0, 1], what it said.
        """
        before, self._image = self._image, image.astype(np.float32)
        if before is not None and self._alpha is not None:
            change = np.abs(self._image - before).mean(axis=2)
            if change.mean() <= CUT:
                alpha = self._alpha + self._share(change) * (alpha - self._alpha)
        self._alpha = alpha
        return alpha

    @staticmethod
    def _share(change: NDArray[np.float32]) -> Alpha:
        """How much of the new alpha is taken, (h, w), from the mean absolute change of colour."""
        change = box_mean(change, RADIUS)
        moved = (change - np.float32(FLOOR * np.median(change))).clip(0)
        fresh: Alpha = 1 - np.exp(-np.square(moved / np.float32(SCALE)))
        return SLOW + (1 - SLOW) * fresh
