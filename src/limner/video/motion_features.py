"""Motion features: how well the subject's motion and the scene's explain each pixel.

What moves with the subject belongs to it; what moves with the scene is behind it. Both motions are tracked
from frame to frame (`limner.video.motion`). Each pixel of a small copy is compared with the last frame, and
with a running mean of the last few, which shows slow motion too, along either motion.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.images import Alpha, FeatureMap, Flow, Image, Size, resize, resize_maps, warp
from limner.mattes.masks import box_mean
from limner.video.motion import SIDE, Luma, motion

SLOW = 0.12
"""Fraction of a new alpha that a plain recursive filter takes where the motion explains the picture."""
FLOOR = 1.5
"""Noise level, in medians of the difference."""
SCALE = 12.0
"""Difference above the noise, grey levels, at which a plain filter takes two thirds of a new alpha."""
CUT = 40.0
"""Mean change from which a frame starts another scene, grey levels."""
RECENT = 0.25
"""Weight of a new frame in the running mean."""
LARGEST, LEAST = 32.0, 2.0
"""Grey levels: the difference that counts as 1, and what is added to two that are compared."""


@dataclass(frozen=True)
class MotionFeatures:
    """What the frames before say about a frame."""

    shifts: Flow  # of the subject since the frame before
    maps: FeatureMap
    """(7, h, w): the fraction of the new alpha that a plain filter takes, in [0, 1]; the differences from the
    last frame along the subject's motion and along the scene's, and likewise those from the running mean, in
    [0, 1]; the relative difference of each pair, in [-1, 1]."""


def no_motion(grid: Size) -> FeatureMap:
    """The feature maps of a first frame: no motion explains it."""
    return np.concatenate([np.ones((5, *grid), np.float32), np.zeros((2, *grid), np.float32)])


class MotionTracker:
    """Tracks the subject and the scene: call it with the frames of one clip, in order."""

    def __init__(self, grid: Size) -> None:
        """Give feature maps of size ``grid``, (height, width)."""
        self._grid = grid
        self._before: tuple[FeatureMap, Alpha] | None = None  # the frame before and its alpha, SIDE x SIDE
        self._means: list[
            FeatureMap
        ] = []  # of the last few frames, along the subject's motion and the scene's

    def __call__(self, image: Image, alpha: Alpha) -> MotionFeatures | None:
        """The features of a frame; None for the first of a clip or a scene.

        Args:
            image: (h, w, 3) uint8, the frame at any size.
            alpha: (h, w) float32 in [0, 1], the segmenter's alpha of it.
        """
        now = np.ascontiguousarray(np.moveaxis(resize(image, (SIDE, SIDE)), 2, 0), np.float32)
        before, self._before = self._before, (now, resize_maps(alpha, (SIDE, SIDE)))
        if before is None or _difference(before[0], now).mean() > CUT:
            self._means = [now, now]
            return None
        last, last_alpha = before
        ways = motion(_luma(last), _luma(now), np.stack([last_alpha, 1 - last_alpha]))
        pairs = [warp(np.stack([last, mean]), way) for mean, way in zip(self._means, ways, strict=True)]
        self._means = [mean + np.float32(RECENT) * (now - mean) for _, mean in pairs]
        differences = np.stack([[_difference(one, now) for one in pair] for pair in pairs], axis=1)
        return MotionFeatures(ways[0], resize_maps(_maps(differences), self._grid))


def _luma(image: FeatureMap) -> Luma:
    red, green, blue = image
    luma: Luma = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    return luma


def _difference(one: FeatureMap, other: FeatureMap) -> Luma:
    """Mean of the three channels."""
    red, green, blue = np.abs(one - other)
    mean: Luma = (red + green + blue) * np.float32(1 / 3)
    return mean


def _maps(differences: NDArray[np.float32]) -> FeatureMap:
    """`MotionFeatures.maps` from (2, 2, h, w): (last frame, mean) x (subject's motion, scene's motion)."""
    smooth = box_mean(differences, 1)
    subject, scene = smooth[:, 0], smooth[:, 1]
    relative = (subject - scene) / (subject + scene + np.float32(LEAST))
    absolute = (differences * np.float32(1 / LARGEST)).clip(0, 1).reshape(4, *differences.shape[2:])
    unexplained = (subject[0] - np.float32(FLOOR * np.median(subject[0]))).clip(0)
    fraction: Alpha = 1 - np.exp(-np.square(unexplained / np.float32(SCALE)))
    return np.concatenate([(SLOW + (1 - SLOW) * fraction)[None], absolute, relative])
