"""Opening encoded pictures: their sources and formats, and errors that name what is wrong with a file."""

import ctypes
import io
import logging
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import PIL._imaging
import PIL.features
import PIL.Image

from limner.errors import InputError, MissingExtraError
from limner.images import jpeg_end, png
from limner.images.arrays import MAX_PIXELS, too_large
from limner.images.png_chunks import read_chunks
from limner.images.unprofiled import nclx_colours, png_colours, tiff_colours
from limner.notices import one_line

Pillow: TypeAlias = PIL.Image.Image
"""A picture as Pillow holds it: accepted as input, and returned where it was given."""
Source: TypeAlias = str | Path | bytes | BinaryIO
"""Where an encoded picture comes from: a path, its bytes, or an open binary file."""

READ = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM")
"""Pillow's names of the formats that are read, besides HEIC; its others are rare, or run other programs."""

# What Pillow's decoders raise on damaged files, beyond OSError.
_DAMAGED = (
    *(OSError, EOFError, SyntaxError, struct.error),
    *(ValueError, TypeError, LookupError, ArithmeticError, RuntimeError),
)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0")  # the last of BigTIFF, which Pillow reads in this order alone
_STARTS = (png.SIGNATURE, jpeg_end.SIGNATURE, b"GIF87a", b"GIF89a")
_RAW = (b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")
"""Of raw files that are no TIFF: Panasonic, Olympus, Fujifilm, Sigma, Minolta; Canon's CR3 has a brand."""
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_NUMBERED = {"AVIF", "HEIF"}  # formats whose colours may be given by numbers
_log = logging.getLogger(__name__)


@contextmanager
def open_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Iterator[Pillow]:
    """The picture before it is decoded; what Pillow raises inside the block becomes an InputError.

    Raises:
        InputError: If it is no picture that is read here, is damaged, or has more than ``max_pixels``.
    """
    formats = _formats(data, name)
    try:
        data, info = _prepared(data, name, max_pixels)
        with PIL.Image.open(io.BytesIO(data), formats=formats) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise InputError(too_large(name, f"{width} x {height} pixels", max_pixels))
            if picture.format == "PNG":  # Pillow decodes it whatever its checksums say
                with PIL.Image.open(io.BytesIO(data), formats=formats) as same:
                    same.verify()
            if picture.format in _NUMBERED and "icc_profile" not in picture.info:
                info = nclx_colours(data, name)
            tags = getattr(picture, "tag_v2", None)  # of TIFF
            if tags is not None and "icc_profile" not in picture.info:
                info = tiff_colours(tags, name)
            for key, value in info.items():
                picture.info.setdefault(key, value)
            yield picture
    except InputError:
        raise
    except PIL.UnidentifiedImageError as error:
        raise InputError(_unknown(data, name)) from error
    except PIL.Image.DecompressionBombError as error:
        raise InputError(too_large(name, "too many pixels", min(max_pixels, MAX_PIXELS))) from error
    except MemoryError as error:
        raise InputError(f"{name} needs more memory than there is: make it smaller first") from error
    except _DAMAGED as error:
        raise InputError(
            f"{name} is damaged and cannot be decoded: {one_line(error)}; get a whole copy of it"
        ) from error


def read_source(source: Source) -> bytes:
    """All bytes of a source.

    Raises:
        InputError: If there is no such file, or it is empty.
    """
    name = name_of(source)
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


def name_of(source: Source) -> str:
    """What messages call a source."""
    if isinstance(source, str | os.PathLike):
        return str(source)
    return "the picture" if isinstance(source, bytes) else str(getattr(source, "name", "the picture"))


def start_heif() -> None:
    """Let Pillow read and write HEIC files.

    Raises:
        MissingExtraError: If the package that does it is not installed.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtraError("heic", "pillow_heif") from error
    pillow_heif.register_heif_opener()


def _prepared(data: bytes, name: str, max_pixels: int) -> tuple[bytes, dict[str, Any]]:
    """The file as Pillow reads it rightly, and what else is to stand in its ``info``."""
    if data.startswith(_TIFF):
        from limner.images.tiff_pages import select_page  # as few pictures are TIFF
        from limner.images.tiff_samples import convert_samples

        _silence_libtiff()
        data, page = select_page(data, name)
        return convert_samples(data, page, name, max_pixels), {}
    if data.startswith(png.SIGNATURE):
        data, found = read_chunks(data, name)
        return data, png_colours(found, name)
    if data.startswith(jpeg_end.SIGNATURE):
        data, added = jpeg_end.repair_end(data, max_pixels)
        if added:
            _log.warning("%s: its end is missing; all of the picture is there", name)
    return data, {}


def _unknown(data: bytes, name: str) -> str:
    """Why Pillow did not open a file, by its first bytes."""
    if data.startswith(_TIFF):
        return (
            f"{name} is a TIFF of a kind that Limner does not read: save it as RGB or grey with 8 or 16 bits"
        )
    if data.startswith(_STARTS):
        return f"{name} is damaged and cannot be decoded: its header is broken; get a whole copy of it"
    return (
        f"{name} is not a picture that Limner reads: give a JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF, HEIC, "
        "JPEG 2000 or PPM file"
    )


@lru_cache
def _silence_libtiff() -> None:
    """Keep the lines of libtiff, which know no file's name, from the terminal: Pillow raises all the same."""
    with suppress(AttributeError, OSError):  # where Pillow is built with it in another way
        ctypes.CDLL(PIL._imaging.__file__).TIFFSetErrorHandler(None)


def _formats(data: bytes, name: str) -> tuple[str, ...]:
    """Those that the file may be; readers that are not always there are started, or their cure is said."""
    if data.startswith(_RAW) or data[4:12] == b"ftypcrx ":
        raise InputError(f"{name} is a camera's raw file: develop it first, and give the JPEG or TIFF")
    if data.startswith(b"MM\0+"):
        raise InputError(
            f"{name} is a big-endian BigTIFF, which Limner does not read: save it as a plain TIFF"
        )
    if data[4:8] != b"ftyp":
        return READ
    brands = {data[place : place + 4] for place in range(8, min(data[3], len(data)), 4)}
    if brands & _AVIF_BRANDS:
        if not PIL.features.check("avif"):
            raise InputError(
                f"{name} is an AVIF picture, which this Pillow cannot read: pip install --upgrade pillow"
            )
        return ("AVIF",)
    if brands & _HEIF_BRANDS:
        start_heif()
        return ("HEIF",)
    return READ
