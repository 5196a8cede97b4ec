"""Pictures in: opened, checked, decoded, turned upright."""

import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageChops
import PIL.ImageOps

from limner.errors import InputError
from limner.images.arrays import Alpha, Image, Labels, Rgba, Size
from limner.images.colour import to_srgb
from limner.images.photo import Photo

Pillow: TypeAlias = PIL.Image.Image
"""A picture as Pillow holds it: accepted at the door, given back where it was given."""
Source: TypeAlias = str | Path | bytes | BinaryIO
"""Where an encoded picture comes from: a path, its bytes, or an open binary file."""

MAX_PIXELS = 178_956_970
"""Largest picture decoded by default, about 179 megapixels: Pillow refuses more, and warns at half."""

# Pillow knows others; some start other programs (EPS), some are hardly looked after.
_READ = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM")
_ANIMATED = {"GIF", "PNG", "WEBP", "TIFF"}
# What Pillow's decoders raise on damaged files, beyond OSError.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    OverflowError,
    RuntimeError,
)
_log = logging.getLogger(__name__)


def load_image(source: Source, *, max_pixels: int = MAX_PIXELS, least_side: int | None = None) -> Image:
    """Decode a picture into an upright RGB image.

    Any mode is read: grey, palette, RGBA (laid over white), CMYK, 16-bit grey (scaled to 8 bits by
    255 / 65535). EXIF orientation is applied and an embedded colour profile is converted to sRGB. Of an
    animation the first frame is taken, and a warning is logged that says so.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        max_pixels: Larger pictures are refused before they are decoded.
        least_side: Decode a JPEG at 1/2, 1/4 or 1/8 of its size, which is faster, as long as both its sides
            keep at least so many pixels; other formats are decoded at their own size.

    Raises:
        InputError: If there is no such file, or it is not a whole picture of at most ``max_pixels``.
    """
    return np.asarray(_decode(source, max_pixels, rgb=True, least_side=least_side))


def load_photo(source: Source, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Decode a picture with all that belongs to it.

    Raises:
        InputError: As `load_image`.
    """
    picture = _decode(source, max_pixels, rgb=False)
    if not picture.has_transparency_data:
        return Photo(pixels=np.asarray(_to_rgb(picture, _name(source))))
    both = np.asarray(picture.convert("RGBA"))
    opacity: Alpha = both[..., 3].astype(np.float32) / np.float32(255)
    return Photo(pixels=np.ascontiguousarray(both[..., :3]), alpha=opacity)


def load_alpha(source: Source, *, max_pixels: int = MAX_PIXELS) -> Alpha:
    """Decode a mask that holds opacity, (H, W) float32 in [0, 1]: what is opaque or white is the subject.

    A picture with transparency gives its alpha channel, unless that is opaque everywhere; any other gives its
    grey levels: 1, 8 or 16 bits, or colours whose three channels are equal.

    Raises:
        InputError: As `load_image`, or if the picture has neither transparency nor grey levels.
    """
    name = _name(source)
    picture = _decode(source, max_pixels, rgb=False)
    if picture.mode.startswith("I"):
        picture = _from_16_bit(picture, name)
    if picture.has_transparency_data:
        opacity = picture.convert("RGBA").getchannel("A")
        picture = picture.convert("RGB") if opacity.getextrema() == (255, 255) else opacity
    if picture.mode not in {"1", "L"}:
        first, *others = picture.convert("RGB").split()
        if any(PIL.ImageChops.difference(first, other).getbbox() for other in others):
            raise InputError(
                f"{name} is not a mask: it has colours and no transparency; save it as 8-bit grey, or, "
                "if its colours stand for labels, say which labels are the subject"
            )
        picture = first
    grey: Alpha = np.asarray(picture.convert("L"), np.float32)
    return grey / np.float32(255)


def picture_size(source: Source) -> Size:
    """Size of the upright picture, from its header alone.

    Raises:
        InputError: If there is no such file, or it is not a picture.
    """
    with _opened(source) as picture:
        width, height = picture.size
        turned = picture.getexif().get(PIL.ExifTags.Base.Orientation, 1) >= 5
        return (width, height) if turned else (height, width)


def load_grey(source: Source, *, max_pixels: int = MAX_PIXELS) -> Labels:
    """Decode a one-channel picture (a mask, or label indices) as it is stored, (H, W) uint8.

    A palette picture gives its indices, an RGBA one its alpha channel.

    Raises:
        InputError: As `load_image`, or if the picture has colours and no alpha channel.
    """
    picture = _decode(source, max_pixels, rgb=False)
    if "A" in picture.getbands():
        return np.asarray(picture.getchannel("A"))
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if picture.mode in {"L", "P"}:
        return np.asarray(picture)
    raise InputError(f"{_name(source)} is not a mask: its mode is {picture.mode}; save it as 8-bit grey")


def as_image(image: Source | Pillow | Image) -> Image:
    """Bring a path, bytes, an open file, a Pillow picture or an array to the one form of the package.

    Raises:
        InputError: If it cannot be read, or is an array of another shape or type than (H, W, 3) uint8.
    """
    if isinstance(image, PIL.Image.Image):
        return np.asarray(_to_rgb(PIL.ImageOps.exif_transpose(image), "the picture"))
    if not isinstance(image, np.ndarray):
        return load_image(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(f"an image is (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    return image


def to_pillow(array: Image | Rgba) -> Pillow:
    """The same picture as Pillow holds it: (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8."""
    return PIL.Image.fromarray(array)


def _decode(source: Source, max_pixels: int, *, rgb: bool, least_side: int | None = None) -> Pillow:
    with _opened(source, max_pixels) as picture:
        name = _name(source)
        width, height = picture.size
        if width * height > max_pixels:
            raise InputError(_too_large(name, f"{width} x {height} pixels", max_pixels))
        if picture.format in _ANIMATED and getattr(picture, "is_animated", False):
            _log.warning("%s holds several frames: only the first is used", name)
        if least_side is not None:
            picture.draft(None, (least_side, least_side))
        picture.load()
        PIL.ImageOps.exif_transpose(picture, in_place=True)
        return _to_rgb(picture, name) if rgb else picture


@contextmanager
def _opened(source: Source, max_pixels: int = MAX_PIXELS) -> Iterator[Pillow]:
    """The picture before it is decoded; what Pillow raises inside the block becomes an InputError."""
    name = _name(source)
    data = _read(source, name)
    try:
        with PIL.Image.open(io.BytesIO(data), formats=_READ) as picture:
            if picture.format == "PNG":  # Pillow decodes it whatever its checksums say
                with PIL.Image.open(io.BytesIO(data), formats=["PNG"]) as same:
                    same.verify()
            yield picture
    except PIL.UnidentifiedImageError as error:
        raise InputError(
            f"{name} is not a picture that Limner reads: give a JPEG, PNG, WebP, TIFF, GIF, BMP or AVIF file"
        ) from error
    except PIL.Image.DecompressionBombError as error:
        raise InputError(_too_large(name, "too many pixels", min(max_pixels, MAX_PIXELS))) from error
    except _DAMAGED as error:
        raise InputError(
            f"{name} is damaged and cannot be decoded: {error}; get a whole copy of it"
        ) from error


def _read(source: Source, name: str) -> bytes:
    try:
        if isinstance(source, bytes):
            data = source
        elif isinstance(source, str | Path):
            data = Path(source).read_bytes()
        else:
            data = source.read()
    except FileNotFoundError as error:
        raise InputError(f"no such file: {name}") from error
    except IsADirectoryError as error:
        raise InputError(f"{name} is a directory: give the picture files in it") from error
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from error
    if not data:
        raise InputError(f"{name} is empty: it has no bytes to decode")
    return data


def _to_rgb(picture: Pillow, name: str) -> Pillow:
    """In sRGB, 8 bits a channel, without transparency."""
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I"):
        picture = _from_16_bit(picture, name)
    if picture.mode == "F":
        raise InputError(f"{name} holds floating-point pixels: save it with 8 or 16 bits a channel")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = PIL.Image.new("RGBA", picture.size, "white")
        picture = PIL.Image.alpha_composite(white, picture).convert("RGB")
    if profile:
        picture = to_srgb(picture, profile, name)
    return picture.convert("RGB")


def _from_16_bit(picture: Pillow, name: str) -> Pillow:
    values = np.asarray(picture).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise InputError(f"{name} holds 32-bit pixels: save it with 8 or 16 bits a channel")
    return PIL.Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def _too_large(name: str, found: str, limit: int) -> str:
    return f"{name} is too large ({found}): the limit is {limit / 1e6:.0f} megapixels; make it smaller first"


def _name(source: Source) -> str:
    if isinstance(source, str | os.PathLike):
        return str(source)
    return "the picture" if isinstance(source, bytes) else str(getattr(source, "name", "the picture"))
