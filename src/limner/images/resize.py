"""Pictures at another size."""

from typing import Any, TypeVar, cast

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Size

_Array = TypeVar("_Array", bound=NDArray[Any])


def resize(array: _Array, size: Size) -> _Array:
    """Resize an (H, W, 3) image of uint8 or uint16, or an (H, W) float32 alpha, to ``size``.

    Bilinear, antialiased when shrinking: the triangle filter is widened to the scale (as Pillow does).
    """
    height, width = size
    if array.shape[:2] == size:
        return array
    if array.dtype == np.uint16:
        return cast(_Array, _resize_deep(array, size))
    picture = PIL.Image.fromarray(array)
    return cast(_Array, np.asarray(picture.resize((width, height), PIL.Image.Resampling.BILINEAR)))


def fit(array: _Array, side: int) -> _Array:
    """Resize so that the longer side is ``side`` pixels, the proportions kept; see `resize`."""
    scale = side / max(array.shape[:2])
    height, width = (max(1, round(length * scale)) for length in array.shape[:2])
    return resize(array, (height, width))


def _resize_deep(pixels: NDArray[np.uint16], size: Size) -> NDArray[np.uint16]:
    """Channel by channel as floating-point numbers, which hold all 16 bits."""
    result = np.empty((*size, pixels.shape[2]), np.uint16)
    for channel in range(pixels.shape[2]):
        resized = resize(pixels[..., channel].astype(np.float32), size)
        result[..., channel] = np.rint(resized.clip(0, 65535))
    return result
