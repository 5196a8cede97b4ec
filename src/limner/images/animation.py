"""Pictures that move: GIF, WebP and APNG, read and written a frame at a time.

Only one frame is held decoded. Each is encoded as a picture of its own and laid into the file by its parts,
so a long animation costs no more memory than its file.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import PIL.GifImagePlugin
import PIL.Image

from limner.errors import InputError
from limner.images.colour import to_8_bit
from limner.images.decode import load_photo, photo_of
from limner.images.encode import encode_photo
from limner.images.opening import MAX_PIXELS, Source, name_of, opened, read_source
from limner.images.photo import Photo
from limner.images.png import FAST, SIGNATURE, SMALL, chunk, header_chunks, image_header, packed_rows

ANIMATED = (".gif", ".webp", ".png", ".apng")
"""Extensions of the formats that hold several frames."""

STILL_MS = 100
"""How long a frame is shown that does not say so itself, as browsers have it."""

_MOVING = {"GIF", "WEBP", "PNG", "AVIF"}
_CLEAR = 255  # index of the colour of a GIF that is not seen
_ALPHA_FLAG, _ANIMATION_FLAG, _PROFILE_FLAG = 0x10, 0x02, 0x20  # of WebP
_MOST_S = 65.535  # that a frame of an APNG or a GIF can be shown


def load_frames(source: Source, *, max_pixels: int = MAX_PIXELS) -> Iterator[tuple[Photo, int]]:
    """The frames of an animation, whole and upright, one after the other; a still picture has one.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        max_pixels: Of a frame; larger ones are refused before they are decoded.

    Yields:
        A frame, at 8 bits a channel, and how long it is shown, milliseconds.

    Raises:
        InputError: As `limner.images.load_photo`; of a damaged frame, when it is reached at the latest.
    """
    name, data = name_of(source), read_source(source)
    with opened(data, name, max_pixels) as picture:
        count = getattr(picture, "n_frames", 1) if picture.format in _MOVING else 1
        first = int(getattr(picture, "default_image", False))  # shown by programs that know no APNG
        for place in range(first, count) if count > 1 else ():
            picture.seek(place)
            picture.load()
            yield photo_of(picture, name), round(picture.info.get("duration", 0)) or STILL_MS
    if count == 1:
        yield load_photo(data, max_pixels=max_pixels), STILL_MS


def encode_frames(frames: Iterable[tuple[Photo, int]], extension: str, *, compress: bool = False) -> bytes:
    """Encode an animation that runs for ever. Frames are taken as they are needed, once.

    WebP and PNG keep opacity and colour profile, at 8 bits a channel. A GIF has 255 colours a frame, in sRGB,
    and its pixels are either seen or not.

    Args:
        frames: Photos, all of one size, and how long each is shown, milliseconds.
        extension: One of `ANIMATED`.
        compress: Take longer for a smaller file (not of a GIF).

    Raises:
        InputError: If the extension is another, the sizes differ, there is no frame, or the format cannot
            hold them.
    """
    extension = extension.lower()
    if extension not in ANIMATED:
        raise InputError(f"'{extension}' holds no animation: use {', '.join(ANIMATED)}")
    checked = _of_one_size(frames)
    if extension == ".gif":
        return _gif(checked)
    return _webp(checked, compress=compress) if extension == ".webp" else _apng(checked, compress=compress)


def _of_one_size(frames: Iterable[tuple[Photo, int]]) -> Iterator[tuple[Photo, int]]:
    shape = None
    for photo, duration_ms in frames:
        shape = shape or photo.pixels.shape
        if photo.pixels.shape != shape:
            raise InputError(f"frames differ in size: {photo.pixels.shape} after {shape}")
        if not 0 < duration_ms <= 1e3 * _MOST_S:
            raise InputError(f"a frame is shown for at most {_MOST_S} s, got {duration_ms} ms")
        yield photo, duration_ms
    if shape is None:
        raise InputError("an animation needs at least one frame")


def _apng(frames: Iterator[tuple[Photo, int]], *, compress: bool) -> bytes:
    """Reference: "Portable Network Graphics (PNG) Specification", third edition, W3C, 2025."""
    parts: list[tuple[bytes, ...]] = []
    count = number = 0
    head: tuple[tuple[bytes, ...], ...] = ()
    for photo, duration_ms in frames:
        pixels = to_8_bit(photo.pixels)
        height, width = pixels.shape[:2]
        alpha = np.ones((height, width), np.float32) if photo.alpha is None else photo.alpha
        control = struct.pack(">IIIIIHHBB", number, width, height, 0, 0, duration_ms, 1000, 0, 0)
        parts.append(chunk(b"fcTL", control))
        body = b"".join(packed_rows(pixels, alpha, SMALL if compress else FAST))
        if count:
            parts.append(chunk(b"fdAT", struct.pack(">I", number + 1) + body))
        else:
            parts.append(chunk(b"IDAT", body))
            profile = photo.profile if pixels.ndim == 3 else None
            before = (image_header(pixels, alpha), *header_chunks(profile, b"", None))
            head = tuple(chunk(*part) for part in before)
        number += 2 if count else 1
        count += 1
    pieces = (*head, chunk(b"acTL", struct.pack(">II", count, 0)), *parts, chunk(b"IEND", b""))
    return b"".join((SIGNATURE, *(piece for part in pieces for piece in part)))


def _webp(frames: Iterator[tuple[Photo, int]], *, compress: bool) -> bytes:
    """Reference: "WebP Container Specification", Google, 2012 to 2024."""
    parts: list[bytes] = []
    size, profile, flags = b"", None, _ANIMATION_FLAG
    for photo, duration_ms in frames:
        still = encode_photo(replace(photo, profile=None), ".webp", compress=compress, metadata="strip")
        body = b"".join(
            _riff(name, data) for name, data in _riff_parts(still) if name in {b"ALPH", b"VP8 ", b"VP8L"}
        )
        if not parts:
            height, width = photo.pixels.shape[:2]
            size, profile = _three(width - 1) + _three(height - 1), photo.profile
        flags |= _ALPHA_FLAG if photo.alpha is not None else 0
        overwrite = b"\x02"  # rather than lay it over the frame before
        parts.append(_riff(b"ANMF", bytes(6) + size + _three(duration_ms) + overwrite + body))
    flags |= _PROFILE_FLAG if profile is not None else 0
    head = _riff(b"VP8X", bytes([flags, 0, 0, 0]) + size)
    colours = b"" if profile is None else _riff(b"ICCP", profile)
    return _riff(b"RIFF", b"".join((b"WEBP", head, colours, _riff(b"ANIM", bytes(6)), *parts)))


def _riff(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _riff_parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(b"RIFF....WEBP")
    while place < len(data):
        name, length = struct.unpack_from("<4sI", data, place)
        yield name, data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _gif(frames: Iterator[tuple[Photo, int]]) -> bytes:
    """Reference: "Graphics Interchange Format, version 89a", CompuServe, 1990."""
    buffer = io.BytesIO()
    for photo, duration_ms in frames:
        height, width = photo.pixels.shape[:2]
        if max(height, width) > 0xFFFF:
            raise InputError(f"GIF cannot hold a picture of {width} x {height}; try .png")
        if not buffer.tell():
            buffer.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0))
            buffer.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")  # again and again
        indexed = PIL.Image.fromarray(replace(photo, alpha=None).image).quantize(_CLEAR)
        palette = (indexed.getpalette() or [])[: 3 * _CLEAR]
        indexed.putpalette(palette + [0] * (768 - len(palette)))
        if photo.alpha is not None:
            hidden = PIL.Image.fromarray(photo.alpha < 0.5)
            indexed.paste(_CLEAR, (0, 0), hidden)
        parts = PIL.GifImagePlugin.getdata(
            indexed, transparency=_CLEAR, duration=duration_ms, disposal=2, include_color_table=True
        )
        buffer.writelines(parts)
    return buffer.getvalue() + b";"
