"""Input checks: whatever a caller gives becomes one of the package's array forms, or an `InputError`."""

from typing import Any, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images.arrays import Alpha, Image, Size
from limner.images.decode import load_photo, photo_from_pillow
from limner.images.depth import to_uint8
from limner.images.opening import Pillow, Source
from limner.images.photo import Photo

Picture: TypeAlias = Photo | Pillow | NDArray[Any] | Source
"""What `as_photo` takes."""

IMAGE = "(H, W, 3) uint8 or uint16 RGB, (H, W) grey, (H, W, 4) with opacity, or float in [0, 1] of these"
ALPHA = "(H, W) float in [0, 1], bool or uint8"


def as_photo(picture: Picture) -> Photo:
    """A picture of any kind with all that belongs to it.

    Args:
        picture: A photo, which is returned as it is; a Pillow picture; an array, (H, W, 3) uint8 or uint16
            RGB, (H, W) grey, (H, W, 4) with straight opacity, or float in [0, 1] of these shapes, which
            becomes 8 bits; a path, the bytes of a file, or an open binary file.

    Raises:
        InputError: If it is none of these, or cannot be read.
    """
    if isinstance(picture, Photo):
        return picture
    if isinstance(picture, PIL.Image.Image):
        return photo_from_pillow(picture, "the picture")
    if isinstance(picture, np.ndarray):
        photo = _photo_of_array(picture)
        return photo if photo.pixels.ndim == 3 else Photo(pixels=np.stack([photo.pixels] * 3, axis=2))
    if picture is None or isinstance(picture, (bool, int, float, list, tuple, dict)):
        raise InputError(
            f"a picture is a path, bytes, an open file, a Pillow picture or an array, got {_told(picture)}"
        )
    return load_photo(picture)


def as_image(picture: Picture) -> Image:
    """A picture of any kind as a network is shown it: `as_photo`, then `Photo.image`."""
    return as_photo(picture).image


def as_alpha(alpha: Any, size: Size | None = None) -> Alpha:
    """An opacity as (H, W) float32 in [0, 1].

    Args:
        alpha: (H, W): float in [0, 1], bool, or uint8 with 255 for opaque; or a grey Pillow picture.
        size: That it must have.

    Raises:
        InputError: If it is something else, has a value outside [0, 1], or another size.
    """
    if isinstance(alpha, PIL.Image.Image) and alpha.mode in {"1", "L"}:
        alpha = np.asarray(alpha)
    if not isinstance(alpha, np.ndarray) or alpha.ndim != 2 or not alpha.size:
        raise InputError(f"an alpha is {ALPHA}, got {_told(alpha)}")
    if size is not None and alpha.shape != size:
        raise InputError(f"sizes differ: image {size}, alpha {alpha.shape}")
    if alpha.dtype == np.uint8:
        return alpha.astype(np.float32) / np.float32(255)
    if alpha.dtype != np.bool_ and (alpha.dtype.kind != "f" or not _in_range(alpha)):
        raise InputError(f"an alpha is {ALPHA}, got {_told(alpha)}")
    return alpha.astype(np.float32, copy=False)


def as_stored(array: NDArray[Any]) -> Photo:
    """An array as files hold it: an alpha, (H, W) float or bool, in 8-bit grey, float colours in 8 bits.

    Raises:
        InputError: If it is neither an image nor an alpha.
    """
    if array.ndim == 2 and array.dtype.kind in "fb":
        return Photo(pixels=to_uint8(as_alpha(array)))
    return _photo_of_array(array)


def _photo_of_array(array: NDArray[Any]) -> Photo:
    """Grey ones stay (H, W)."""
    channels = array.shape[2] if array.ndim == 3 else 1
    shaped = array.ndim in (2, 3) and channels in (1, 3, 4) and array.size
    integers = array.dtype in (np.uint8, np.uint16)
    if not shaped or not (integers or (array.dtype.kind == "f" and _in_range(array))):
        raise InputError(f"an image is {IMAGE}, got {_told(array)}")
    pixels = array if integers else to_uint8(array)
    if channels == 4:
        opacity = pixels[..., 3].astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
        return Photo(pixels=np.ascontiguousarray(pixels[..., :3]), alpha=opacity)
    return Photo(pixels=pixels if channels == 3 else pixels.reshape(pixels.shape[:2]))


def _in_range(values: NDArray[Any]) -> bool:
    """Whether all are in [0, 1], but for what rounding does."""
    slack = 1e-5
    return bool(values.min() >= -slack and values.max() <= 1 + slack)  # False with a NaN


def _told(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = f"shape {value.shape} {value.dtype}"
        if value.size and value.dtype.kind in "fiu":
            text += f" with values from {value.min():.4g} to {value.max():.4g}"
        return text
    if isinstance(value, PIL.Image.Image):
        return f"a Pillow picture of mode {value.mode}"
    return f"{type(value).__name__} {str(value)[:50]!r}"
