"""TIFF samples that Pillow has no mode for: floating-point, 32 bits, 16 bits whose zero is white.

Their bytes are what Pillow decodes, as a picture of bytes; NumPy knows what they mean. The result is a TIFF
file of 16-bit samples, which is then read like any other.
"""

import io
import logging
from typing import Any

import numpy as np
import PIL.Image
import PIL.TiffImagePlugin as Tiff
import PIL.TiffTags
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images.arrays import Alpha, too_large
from limner.images.depth import to_depth, unpremultiply
from limner.images.metadata import select_exif, shot_exif
from limner.images.photo import Photo
from limner.images.tiff import encode_tiff
from limner.images.tiff_pages import Page, order_of, pointing_to

_ORIENTATION = 274
_COPIED = (_ORIENTATION, Tiff.X_RESOLUTION, Tiff.Y_RESOLUTION, Tiff.RESOLUTION_UNIT)
_OFFSETS = (Tiff.STRIPOFFSETS, Tiff.STRIPBYTECOUNTS, Tiff.TILEOFFSETS, Tiff.TILEBYTECOUNTS)
_SAMPLE_FORMAT, _TILE_WIDTH, _TILE_LENGTH = 339, 322, 323
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_PREMULTIPLIED, _STRAIGHT = 1, 2
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3  # predictors
_SLACK = 1e-5  # of what rounding does
_log = logging.getLogger(__name__)


def convert_samples(data: bytes, page: Page, name: str, max_pixels: int) -> bytes:
    """A TIFF file, where Pillow knows the samples of its page; else that page as TIFF of 16-bit samples.

    Floating-point samples are in [0, 1]: 0 is black and 1 white, in the curve of the file's profile or sRGB.
    Whole numbers reach from 0 to the largest of their bits. Both are rounded to 16 bits, and this is logged.

    Raises:
        InputError: If its samples have a form without a plain meaning: signed, in planes, beyond [0, 1].
    """
    bits, form = page.tags.get(Tiff.BITSPERSAMPLE, (1,)), page.get(_SAMPLE_FORMAT, _UNSIGNED)
    white_is_zero = page.get(Tiff.PHOTOMETRIC_INTERPRETATION, 0) == _WHITE_IS_ZERO
    known = form == _UNSIGNED and max(bits) <= 16 and bits[0] != 12
    if form == _SIGNED and bits[0] == 8:
        raise InputError(f"{name} holds signed 8-bit pixels: save it with unsigned ones")
    if form == _SIGNED or (known and not (bits[0] == 16 and (white_is_zero or len(bits) == 2))):
        return data
    height, width = page.get(Tiff.IMAGELENGTH, 0), page.get(Tiff.IMAGEWIDTH, 0)
    if not height * width:
        return data
    if height * width > max_pixels:
        raise InputError(too_large(name, f"{width} x {height} pixels", max_pixels))
    deep = _twelve_bits(data) if bits == (12,) else _to_16_bits(_samples(data, page, name), name)
    if white_is_zero:
        deep[..., 0] = 65535 - deep[..., 0]
    return _written(data, deep, page)


def _samples(data: bytes, page: Page, name: str) -> NDArray[Any]:
    """(H, W, C) of the type that the file has."""
    bits = page.tags[Tiff.BITSPERSAMPLE]
    form = page.get(_SAMPLE_FORMAT, _UNSIGNED)
    kind = {_UNSIGNED: "u", _FLOAT: "f"}.get(form)
    planes = len(bits) > 1 and page.get(Tiff.PLANAR_CONFIGURATION, 1) != 1
    colours = page.get(Tiff.PHOTOMETRIC_INTERPRETATION, 0)
    right = colours in ((_WHITE_IS_ZERO, _BLACK_IS_ZERO) if len(bits) < 3 else (_RGB,))
    if kind is None or planes or not right or len(bits) > 4 or set(bits) - {16, 32, 64} or len(set(bits)) > 1:
        what = "floating-point pixels" if kind == "f" else f"{max(bits)}-bit pixels"
        raise InputError(
            f"{name} holds {what} in a form that Limner does not read: save it as RGB or grey with 8 or 16 "
            "bits a channel, interleaved"
        )
    size = bits[0] // 8
    width = page.get(Tiff.IMAGEWIDTH, 0)
    block = page.get(_TILE_WIDTH, width) or width
    across = -(-width // block) * block  # tiles are whole at the right border too
    rows = _bytes(data, page, len(bits) * size, across)
    predictor = page.get(Tiff.PREDICTOR, 1)
    values = np.empty((len(rows), across, len(bits)), f"{kind}{size}")
    for start in range(0, across, block):
        part = rows[:, start : start + block].reshape(len(rows), -1, len(bits), size)
        values[:, start : start + block] = _undone(part, predictor, order_of(data), kind)
    return values[:, :width]


def _bytes(data: bytes, page: Page, stride: int, across: int) -> NDArray[np.uint8]:
    """The decoded bytes of the picture, (H, ``across``, ``stride``), in the order of the file."""
    channels = 4 if stride % 4 == 0 else 3 if stride % 3 == 0 else 1
    whole = _directory(data, page)
    head = pointing_to(len(pointing_to(0, data)), data)
    tags = Tiff.ImageFileDirectory_v2(head)
    for tag in (*_OFFSETS, Tiff.COMPRESSION, Tiff.ROWSPERSTRIP, Tiff.IMAGELENGTH, _TILE_LENGTH):
        if tag in whole:
            if tag in _OFFSETS:
                tags.tagtype[tag] = PIL.TiffTags.LONG8 if len(head) > 8 else PIL.TiffTags.LONG
            tags[tag] = whole[tag]
    tags[Tiff.IMAGEWIDTH] = across * stride // channels
    if _TILE_WIDTH in whole:
        tags[_TILE_WIDTH] = whole[_TILE_WIDTH] * stride // channels
    tags[Tiff.BITSPERSAMPLE] = (8,) * channels
    tags[Tiff.SAMPLESPERPIXEL] = channels
    tags[Tiff.PHOTOMETRIC_INTERPRETATION] = _RGB if channels > 1 else _BLACK_IS_ZERO
    if channels == 4:
        tags[Tiff.EXTRASAMPLES] = _STRAIGHT
    if Tiff.TILEOFFSETS in tags:  # Pillow adds the directory's length to the offsets of strips alone
        length = len(head) + len(tags.tobytes(len(head)))
        offsets = whole[Tiff.TILEOFFSETS]
        tags[Tiff.TILEOFFSETS] = tuple(offset + length for offset in np.atleast_1d(offsets).tolist())
    buffer = io.BytesIO(head + tags.tobytes(len(head)) + data)
    with PIL.Image.open(buffer, formats=("TIFF",)) as picture:
        return np.asarray(picture).reshape(page.get(Tiff.IMAGELENGTH, 0), -1, stride)


def _directory(data: bytes, page: Page) -> Tiff.ImageFileDirectory_v2:
    stream = io.BytesIO(data)
    stream.seek(page.offset)
    tags = Tiff.ImageFileDirectory_v2(pointing_to(page.offset, data))
    tags.load(stream)
    return tags


def _undone(part: NDArray[np.uint8], predictor: int, order: str, kind: str) -> NDArray[Any]:
    """Samples (H, W, C) of the bytes (H, W, C, size) of a strip or a column of tiles.

    Reference:
        Adobe Photoshop TIFF Technical Note 3, 2005; TIFF 6.0, section 14.
    """
    height, width, channels, size = part.shape
    if predictor == _FLOAT_DIFFERENCES:  # of bytes, the highest of all samples first
        flat = part.reshape(height, width * size, channels).cumsum(axis=1, dtype=np.uint8)
        planes = flat.reshape(height, size, width * channels)
        part, order = np.ascontiguousarray(planes.swapaxes(1, 2)).reshape(part.shape), ">"
    numbers = np.ascontiguousarray(part).view(f"{order}u{size}")[..., 0]
    if predictor == _DIFFERENCES:
        numbers = numbers.cumsum(axis=1, dtype=f"u{size}")
        order = "="
    return numbers.view(f"{order}{kind}{size}")


def _twelve_bits(data: bytes) -> NDArray[np.uint16]:
    """Grey in 12 bits, which Pillow leaves in the lower ones, (H, W, 1)."""
    with PIL.Image.open(io.BytesIO(data), formats=("TIFF",)) as picture:
        values = np.asarray(picture, np.uint16)[..., None]
    spread: NDArray[np.uint16] = np.bitwise_or(values << 4, values >> 8, dtype=np.uint16)
    return spread


def _to_16_bits(values: NDArray[Any], name: str) -> NDArray[np.uint16]:
    deep: NDArray[np.uint16]
    if values.dtype.kind == "f":
        least, most = float(values.min()), float(values.max())
        if not (least >= -_SLACK and most <= 1 + _SLACK):  # with a NaN, too
            raise InputError(
                f"{name} holds floating-point pixels from {least:.4g} to {most:.4g}, of which Limner reads 0 "
                "(black) to 1 (white): tone-map it to these, or save it with 8 or 16 bits a channel"
            )
        _log.warning("%s: its floating-point pixels, 0 black and 1 white, are read with 16 bits", name)
        deep = to_depth(values, np.uint16)
        return deep
    bits = 8 * values.dtype.itemsize
    if bits > 16:
        _log.warning("%s: its %d-bit pixels are read with 16 bits", name, bits)
    deep = (values >> values.dtype.type(bits - 16)).astype(np.uint16)
    return deep


def _written(data: bytes, deep: NDArray[np.uint16], page: Page) -> bytes:
    """The samples in a TIFF file with what the other one says of them."""
    alpha: Alpha | None = None
    if deep.shape[2] in (2, 4):
        extra = page.get(Tiff.EXTRASAMPLES, 0)
        if extra == _PREMULTIPLIED:
            unpremultiply(deep)
        if extra in (_PREMULTIPLIED, _STRAIGHT):
            alpha = deep[..., -1].astype(np.float32) / np.float32(65535)
        deep = deep[..., :-1]
    if deep.shape[2] == 1 and alpha is not None:
        deep = deep.repeat(3, axis=2)
    tags = _directory(data, page)
    exif = PIL.Image.Exif()
    if len(pointing_to(0, data)) == 8:  # Pillow reads it from no BigTIFF
        exif.load(data)
    kept = select_exif(shot_exif(exif), "keep")
    for tag in _COPIED:
        if tag in tags:
            kept[tag] = tags[tag]
    pixels = deep if deep.shape[2] > 1 else deep[..., 0]
    photo = Photo(pixels=pixels, alpha=alpha, profile=tags.get(Tiff.ICCPROFILE))
    return encode_tiff(photo, compress=False, exif=kept)
