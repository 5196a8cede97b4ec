"""What the frames before tell about where the subject is.

What goes along with the subject belongs to it, what goes along with the scene is behind it. Two motions are
followed from frame to frame (`limner.video.motion`), and each pixel of a small copy is held against what was
there a moment ago along either: in the last frame, and in the mean of the last few, which shows slow motion
too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.images import Alpha, FeatureMap, Flow, Image, Size, resize, resize_maps, warp
from limner.mattes.masks import box_mean
from limner.video.motion import SIDE, Luma, motion

SLOW = 0.12
"""Share of a new alpha that a plain filter takes where the picture is explained."""
FLOOR = 1.5
"""What counts as noise, in medians of the difference."""
SCALE = 12.0
"""Difference beyond the noise, in grey levels, at which two thirds of a new alpha are taken."""
CUT = 40.0
"""Mean change, in grey levels, from which a frame belongs to another scene."""
RECENT = 0.25
"""Share of a new frame in the mean of the last few."""
LARGEST, LEAST = 32.0, 2.0
"""Grey levels: the difference that counts as 1, and what is added to two that are compared."""


@dataclass(frozen=True)
class Clues:
    """What is known about a frame from those before it."""

    shifts: Flow  # of the subject since the frame before
    fields: FeatureMap
    """(7, h, w): the share of the new alpha that a plain filter takes, in [0, 1]; the differences from the
    last frame, along the subject's motion and along the scene's, and those from the mean of the last few, in
    [0, 1]; and which of the two motions explains less, by the last frame and by the mean, in [-1, 1]."""


def no_clues(grid: Size) -> FeatureMap:
    """The fields of a frame with none before it: nothing is explained."""
    return np.concatenate([np.ones((5, *grid), np.float32), np.zeros((2, *grid), np.float32)])


class Watcher:
    """Follows the subject and the scene: call it with the frames of one clip, in order."""

    def __init__(self, grid: Size) -> None:
        """Prepare for fields on a grid of (h, w) cells."""
        self._grid = grid
        self._before: tuple[FeatureMap, Alpha] | None = None  # the frame before and its alpha, SIDE x SIDE
        self._means: list[
            FeatureMap
        ] = []  # of the last few frames, along the subject's motion and the scene's

    def __call__(self, image: Image, alpha: Alpha) -> Clues | None:
        """The clues; none where a clip begins and after a cut.

        Args:
            image: (h, w, 3) uint8, the frame at any size, such as what the network saw.
            alpha: (h, w) float32 in [0, 1], what the network found there.
        """
        now = np.ascontiguousarray(np.moveaxis(resize(image, (SIDE, SIDE)), 2, 0), np.float32)
        before, self._before = self._before, (now, resize_maps(alpha, (SIDE, SIDE)))
        if before is None or _difference(before[0], now).mean() > CUT:
            self._means = [now, now]
            return None
        last, place = before
        ways = motion(_luma(last), _luma(now), np.stack([place, 1 - place]))
        told = [warp(np.stack([last, mean]), way) for mean, way in zip(self._means, ways, strict=True)]
        self._means = [mean + np.float32(RECENT) * (now - mean) for _, mean in told]
        differences = np.stack([[_difference(one, now) for one in way] for way in told], axis=1)
        fields = _fields(differences)
        return Clues(ways[0], resize_maps(fields, self._grid))


def _luma(image: FeatureMap) -> Luma:
    red, green, blue = image
    luma: Luma = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    return luma


def _difference(one: FeatureMap, other: FeatureMap) -> Luma:
    """Mean of the three channels."""
    red, green, blue = np.abs(one - other)
    mean: Luma = (red + green + blue) * np.float32(1 / 3)
    return mean


def _fields(differences: NDArray[np.float32]) -> FeatureMap:
    """Those of `Clues`, from differences (2, 2, h, w): from the last frame and the mean, along either way."""
    smooth = box_mean(differences, 1)
    subject, scene = smooth[:, 0], smooth[:, 1]
    compared = (subject - scene) / (subject + scene + np.float32(LEAST))
    straight = (differences * np.float32(1 / LARGEST)).clip(0, 1).reshape(4, *differences.shape[2:])
    return np.concatenate([_share(subject[0])[None], straight, compared])


def _share(difference: Luma) -> Alpha:
    """How much of the new alpha a plain filter takes, from what the motion leaves unexplained."""
    strange = (difference - np.float32(FLOOR * np.median(difference))).clip(0)
    fresh: Alpha = 1 - np.exp(-np.square(strange / np.float32(SCALE)))
    return SLOW + (1 - SLOW) * fresh
