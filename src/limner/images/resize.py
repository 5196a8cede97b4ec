"""Pictures at another size."""

from typing import TypeVar, cast

import numpy as np
import PIL.Image

from limner.images.arrays import Alpha, Image, Size

_Array = TypeVar("_Array", Image, Alpha)


def resize(array: _Array, size: Size) -> _Array:
    """Resize an (H, W, 3) uint8 image or an (H, W) float32 alpha to ``size``.

    Bilinear, antialiased when shrinking: the triangle filter is widened to the scale (as Pillow does).
    """
    height, width = size
    if array.shape[:2] == size:
        return array
    picture = PIL.Image.fromarray(array)
    return cast(_Array, np.asarray(picture.resize((width, height), PIL.Image.Resampling.BILINEAR)))


def fit(array: _Array, side: int) -> _Array:
    """Resize so that the longer side is ``side`` pixels, the proportions kept; see `resize`."""
    scale = side / max(array.shape[:2])
    height, width = (max(1, round(length * scale)) for length in array.shape[:2])
    return resize(array, (height, width))
