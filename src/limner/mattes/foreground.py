"""The subject's own colours along its edge, without the old background that shines through."""

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import Alpha, FeatureMap, Image, Mask, as_alpha, downsample
from limner.images.tiles import Tiles, kinds, spans
from limner.mattes.masks import INVISIBLE, box_mean

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

    Example:
        >>> image = np.full((8, 8, 3), (200, 100, 0), np.uint8)  # the subject on the left
        >>> image[:, 4:] = 0  # a black background on the right
        >>> image[:, 4] = (100, 50, 0)  # half of each in the middle
        >>> alpha = np.tile(np.array([1, 1, 1, 1, 0.5, 0, 0, 0], np.float32), (8, 1))
        >>> limner.estimate_foreground(image, alpha)[4, 4].tolist()
        [195, 97, 0]
    """
    alpha = as_alpha(alpha, image.shape[:2])
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"colours are (H, W, 3) uint8 or uint16, got {image.shape} {image.dtype}")
    mixed = kinds(alpha).mixed
    if not mixed.any():
        return image
    result = image.copy()
    for tiles, colours, _ in _edge_colours(image, alpha, mixed, grid):
        tiles.paste(colours, result)
    return result


def cutout_colours(image: _Pixels, alpha: Alpha) -> _Pixels:
    """As `estimate_foreground`, with 0 where nothing is seen: a new array."""
    result = image.copy()
    found = kinds(alpha)
    for rows, columns in spans(found.clear):
        result[rows, columns] = 0
    for tiles, colours, opacity in _edge_colours(image, alpha, found.mixed, GRID):
        colours[opacity < INVISIBLE] = 0
        tiles.paste(colours, result)
    return result


def _edge_colours(
    image: _Pixels, alpha: Alpha, mixed: Mask, grid: int
) -> Iterator[tuple[Tiles, _Pixels, Alpha]]:
    """The foreground's colours and the opacity of the mixed tiles; what is transparent keeps its colour."""
    means_map = _mean_colours(image, alpha, grid)
    for tiles in Tiles.of(mixed, alpha.shape):
        means = tiles.sample(means_map)
        colours, opacity = tiles.cut(image), tiles.cut(alpha)
        seen = opacity > 0
        for channel in range(3):
            pixels = colours[..., channel]
            found = _solve(pixels, opacity, means[channel], means[3 + channel])
            found.clip(0, np.iinfo(image.dtype).max, out=found)
            np.copyto(pixels, np.rint(found, out=found), where=seen, casting="unsafe")
        yield tiles, colours, opacity


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
