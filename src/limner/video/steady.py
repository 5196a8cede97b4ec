"""Mattes that stand still where the picture does, and move with it: a recursive filter over time.

The last alpha is moved as the subject has moved (`limner.video.motion`), and the new one is mixed in:
``a_t = m(a_(t-1)) + k (p_t - m(a_(t-1)))``. The share ``k`` is `SLOW` where the last picture, moved alike,
explains the new one. It grows to 1 where a difference in colour is left beyond the sensor's noise; most of a
frame is taken to be explained, so the median of that difference is the noise. So nothing trails behind what
moves. After a cut it starts anew.
"""

import numpy as np

from limner.images import Alpha, Image, Shifts, moved, resize, sampled
from limner.masks import box_mean, dilate
from limner.tiles import Fields, Tiles
from limner.video.motion import SIDE, Luma, motion

SLOW = 0.12
"""Share of a new alpha where the picture is explained."""
FLOOR = 1.5
"""What counts as noise, in medians of the difference."""
SCALE = 12.0
"""Difference beyond the noise, in grey levels, at which two thirds of a new alpha are taken."""
SURE = 1e-4
"""How near an alpha is to 0 or 1 where it need not be moved."""
CUT = 40.0
"""Mean change, in grey levels, from which a frame belongs to another scene."""


class Steady:
    """The filter's state: call it with the frames of one clip, in order."""

    def __init__(self) -> None:
        self._image: Fields | None = None
        self._alpha: Alpha | None = None

    def __call__(self, image: Image, alpha: Alpha) -> Alpha:
        """The steadied alpha.

        Args:
            image: (h, w, 3) uint8, the frame at any size, such as what the network saw.
            alpha: (H, W) float32 in [0, 1], of the same size in every call.
        """
        now = np.moveaxis(resize(image, (SIDE, SIDE)), 2, 0).astype(np.float32)
        before, self._image = self._image, now
        if before is not None and self._alpha is not None and _difference(before, now).mean() <= CUT:
            small = resize(self._alpha, (SIDE, SIDE))
            shifts = motion(_luma(before), _luma(now), small)
            last = _moved(self._alpha, small, shifts)
            share = resize(_share(_difference(moved(before, shifts), now)), last.shape)
            share *= alpha - last
            alpha = np.add(last, share, out=share)
        self._alpha = alpha
        return alpha


def _moved(alpha: Alpha, small: Alpha, shifts: Shifts) -> Alpha:
    """The alpha moved, and left as it is where it is 0 or 1 all around: in half of a frame or more.

    Args:
        alpha: (H, W).
        small: (SIDE, SIDE), the same.
        shifts: Of everything.
    """
    height, width = alpha.shape
    reach = 2 + int(SIDE * np.abs(shifts).max())
    result = alpha.copy()
    for tiles in Tiles.over(dilate((small > SURE) & (small < 1 - SURE), reach), (height, width)):
        down, right = tiles.sample(shifts)
        rows, columns = tiles.places()
        tiles.paste(sampled(alpha, rows - down * height, columns - right * width), result)
    return result


def _luma(image: Fields) -> Luma:
    red, green, blue = image
    luma: Luma = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    return luma


def _difference(one: Fields, other: Fields) -> Luma:
    """Mean of the three channels."""
    red, green, blue = np.abs(one - other)
    mean: Luma = (red + green + blue) * np.float32(1 / 3)
    return mean


def _share(difference: Luma) -> Alpha:
    """How much of the new alpha is taken, from what the motion leaves unexplained."""
    difference = box_mean(difference, 1)
    strange = (difference - np.float32(FLOOR * np.median(difference))).clip(0)
    fresh: Alpha = 1 - np.exp(-np.square(strange / np.float32(SCALE)))
    return SLOW + (1 - SLOW) * fresh
