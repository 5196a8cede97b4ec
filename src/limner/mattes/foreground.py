"""The subject's own colours along its edge, without the old background that shines through."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import Alpha, FeatureMap, Image, as_alpha, downsample
from limner.images.tiles import Tiles
from limner.mattes.masks import box_mean

GRID = 256
"""Longer side at which mean colours are taken, pixels, at most."""
RADII = (12, 2)
"""Half the windows of the two blurs, in pixels where the longer side is `GRID`."""
SMALL = 1e-5
"""Added to fractions before dividing by them."""

_Values = NDArray[Any]
_Pixels = TypeVar("_Pixels", Image, NDArray[np.uint16])


def estimate_foreground(image: _Pixels, alpha: Alpha, *, grid: int = GRID) -> _Pixels:
    """The colours F of ``I = alpha * F + (1 - alpha) * B``, of the image's shape and type.

    Only pixels that are neither opaque nor transparent change. The mean colours of both sides are measured
    twice at low resolution, in a wide and in a narrow window; the equation is then met at every pixel.

    Args:
        image: (H, W, 3) uint8 or uint16.
        alpha: (H, W) float32 in [0, 1].
        grid: Longer side at which colours are measured, pixels; less is faster and less sharp.

    Raises:
        InputError: If one is of another form, or the sizes differ.

    Reference:
        Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021.
    """
    alpha = as_alpha(alpha, image.shape[:2])
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"colours are (H, W, 3) uint8 or uint16, got {image.shape} {image.dtype}")
    mixed = (alpha > 0) & (alpha < 1)
    if not mixed.any():
        return image
    means_map = _mean_colours(image, alpha, grid)
    result = image.copy()
    for tiles in Tiles.holding(mixed):
        means = tiles.sample(means_map)
        colours, opacity, inside = tiles.cut(image), tiles.cut(alpha), tiles.cut(mixed)
        for channel in range(3):
            pixels = colours[..., channel]
            found = _solve(pixels, opacity, means[channel], means[3 + channel])
            np.copyto(
                pixels, np.rint(found.clip(0, np.iinfo(image.dtype).max)), where=inside, casting="unsafe"
            )
        tiles.paste(colours, result)
    return result


def _mean_colours(image: _Pixels, alpha: Alpha, grid: int) -> FeatureMap:
    """Of the foreground and of the background nearby, at low resolution, (6, h, w)."""
    pixels, opacity = downsample(image, grid), downsample(alpha, grid)
    front: _Values = pixels
    behind: _Values = pixels
    for radius in (max(1, round(radius * grid / GRID)) for radius in RADII):
        fraction = box_mean(opacity, radius)
        mean_front = box_mean(opacity * front, radius) / (fraction + SMALL)
        behind = box_mean((1 - opacity) * behind, radius) / (1 - fraction + SMALL)
        front = _solve(pixels, opacity, mean_front, behind).clip(0, np.iinfo(image.dtype).max)
    return np.concatenate([mean_front, behind])


def _solve(pixels: _Values, opacity: Alpha, front: _Values, behind: _Values) -> _Values:
    """The mean colour of the foreground, corrected by what the equation lacks at each pixel."""
    return front + opacity * (pixels - opacity * front - (1 - opacity) * behind)
