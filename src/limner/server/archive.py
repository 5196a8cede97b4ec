"""A cut-out as two files that hold no transparency, as remove.bg gives it."""

import io
import zipfile
from dataclasses import replace

import numpy as np

from limner.images import Alpha, Photo, Pixels, encode_image, encode_photo, to_uint8
from limner.mattes.masks import INVISIBLE

COLOUR, MATTE = "color.jpg", "alpha.png"
"""Names of the two files."""

_BLOCK = 8  # pixels: JPEG transforms squares of so many


def as_zip(photo: Photo) -> bytes:
    """A ZIP archive of the colours as JPEG, and of the opacity as grey PNG; a photo without one is opaque."""
    pixels = np.stack([photo.pixels] * 3, axis=2) if photo.pixels.ndim == 2 else photo.pixels
    alpha = np.ones(pixels.shape[:2], np.float32) if photo.alpha is None else photo.alpha
    colours = replace(photo, pixels=_filled(to_uint8(pixels), alpha), alpha=None)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in (
            (COLOUR, encode_photo(colours, ".jpg")),
            (MATTE, encode_image(to_uint8(alpha), ".png")),
        ):
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _filled(pixels: Pixels, alpha: Alpha) -> Pixels:
    """The colours, with each square's mean where nothing is seen: JPEG would mix black into them."""
    height, width = alpha.shape
    around = ((0, -height % _BLOCK), (0, -width % _BLOCK))
    padded = np.pad(pixels, (*around, (0, 0)))
    high, wide = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    squares = padded.reshape(high, _BLOCK, wide, _BLOCK, 3).swapaxes(1, 2)  # a view
    seen = np.pad(alpha >= INVISIBLE, around).reshape(high, _BLOCK, wide, _BLOCK).swapaxes(1, 2)
    mixed = seen.any(axis=(2, 3)) & ~seen.all(axis=(2, 3))
    colours, weights = squares[mixed], seen[mixed][..., None]
    sums = np.sum(colours * weights, axis=(1, 2), keepdims=True, dtype=np.float32)
    means = np.rint(sums / weights.sum(axis=(1, 2), keepdims=True)).astype(pixels.dtype)
    squares[mixed] = np.where(weights, colours, means)
    filled: Pixels = padded[:height, :width]
    return filled
