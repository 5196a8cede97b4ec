"""Pictures that move: GIF, WebP and APNG, read and written a frame at a time.

Only one frame is held decoded. Each is encoded as a picture of its own, whose parts go into the file,
so a long animation costs no more memory than its file.
"""

import io
import logging
import struct
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import PIL.GifImagePlugin
import PIL.Image

from limner.errors import InputError
from limner.images.arrays import MAX_PIXELS, too_large
from limner.images.decode import decode_photo, photo_from_pillow
from limner.images.depth import to_uint8
from limner.images.encode import encode_photo
from limner.images.opening import Pillow, Source, name_of, open_picture, read_source
from limner.images.photo import Photo
from limner.images.png import SIGNATURE, chunk, header_chunks, image_header, packed_rows

ANIMATED = (".gif", ".webp", ".png", ".apng")
"""Extensions of the formats that hold several frames."""

STILL_MS = 100
"""How long a frame is shown that does not say so itself, as browsers have it."""

_MOVING = {"GIF", "WEBP", "PNG", "AVIF"}
_CLEAR = 255  # index of the colour of a GIF that is not seen
_ALPHA_FLAG, _ANIMATION_FLAG, _PROFILE_FLAG = 0x10, 0x02, 0x20  # of WebP
_MOST_MS = {".gif": 655_350, ".webp": 2**24 - 1, ".png": 65_535_000, ".apng": 65_535_000}
"""How long a frame can be shown."""
_MOST_PLAYS = 65_535  # that WebP has a place for; GIF has one more
_log = logging.getLogger(__name__)


class Animation(NamedTuple):
    """A picture that moves, or a still one."""

    frames: Iterator[tuple[Photo, int]]  # at 8 bits a channel, and how long each is shown, milliseconds
    plays: int  # how often it is played, 0 for ever


def load_animation(source: Source, *, max_pixels: int = MAX_PIXELS, max_all: int | None = None) -> Animation:
    """The frames of an animation, whole and upright, one after the other; a still picture has one.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        max_pixels: Of a frame; larger ones are refused before they are decoded.
        max_all: Pixels of all frames together, likewise.

    Raises:
        InputError: As `limner.images.load_photo`; of a damaged frame, when it is reached at the latest.
    """
    name, data = name_of(source), read_source(source)
    with open_picture(data, name, max_pixels) as picture:
        count = getattr(picture, "n_frames", 1)
        if picture.format not in _MOVING or count == 1:
            return Animation(iter([(decode_photo(picture, name), STILL_MS)]), 0)
        width, height = picture.size
        if max_all is not None and count * height * width > max_all:
            raise InputError(too_large(name, f"{count:,} frames of {width} x {height} pixels", max_all))
        plays = _plays(picture)
    return Animation(_frames(data, name, max_pixels), plays)


def _plays(picture: Pillow) -> int:
    """How often an animation is played. A GIF says how often it is played again, or nothing for once."""
    repeats = picture.info.get("loop")
    if picture.format != "GIF":
        return int(repeats or 0)
    return 1 if repeats is None else int(repeats) and int(repeats) + 1


def _frames(data: bytes, name: str, max_pixels: int) -> Iterator[tuple[Photo, int]]:
    with open_picture(data, name, max_pixels) as picture:
        first = int(getattr(picture, "default_image", False))  # shown by programs that know no APNG
        for number in range(first, getattr(picture, "n_frames", 1)):
            picture.seek(number)
            picture.load()
            yield photo_from_pillow(picture, name), round(picture.info.get("duration", 0)) or STILL_MS


def encode_frames(
    frames: Iterable[tuple[Photo, int]], extension: str, *, plays: int = 0, compress: bool = False
) -> bytes:
    """Encode an animation. Frames are taken as they are needed, once.

    WebP and PNG keep opacity and colour profile, at 8 bits a channel. A GIF has 255 colours a frame, in sRGB,
    and its pixels are either seen or not.

    Args:
        frames: Photos, all of one size, and how long each is shown, milliseconds. A time that the format
            has no number for becomes the nearest one; of a shorter one than asked for, a warning is logged.
        extension: One of `ANIMATED`.
        plays: How often it is played, 0 for ever; at most 65,535.
        compress: Take longer for a smaller file (not of a GIF).

    Raises:
        InputError: If the extension is another, the sizes differ, there is no frame, or the format cannot
            hold them.
    """
    extension = extension.lower()
    if extension not in ANIMATED:
        raise InputError(f"'{extension}' holds no animation: use {', '.join(ANIMATED)}")
    plays = min(plays, _MOST_PLAYS)
    checked = _checked(frames, extension)
    if extension == ".gif":
        return _gif(checked, plays)
    write = _webp if extension == ".webp" else _apng
    return write(checked, plays, compress=compress)


def _checked(frames: Iterable[tuple[Photo, int]], extension: str) -> Iterator[tuple[Photo, int]]:
    """Frames of one size, none of them shown for longer than the format can say."""
    most_ms = _MOST_MS[extension]
    shape = None
    for photo, duration_ms in frames:
        shape = shape or photo.pixels.shape
        if photo.pixels.shape != shape:
            raise InputError(f"frames differ in size: {photo.pixels.shape} after {shape}")
        if duration_ms <= 0:
            raise InputError(f"a frame is shown for at least 1 ms, got {duration_ms} ms")
        if duration_ms > most_ms:
            seconds = duration_ms / 1e3, most_ms / 1e3
            _log.warning("a frame of %g s is shown for %g s, the longest in %s", *seconds, extension)
        yield photo, min(duration_ms, most_ms)
    if shape is None:
        raise InputError("an animation needs at least one frame")


def _apng(frames: Iterator[tuple[Photo, int]], plays: int, *, compress: bool) -> bytes:
    """Reference: "Portable Network Graphics (PNG) Specification", third edition, W3C, 2025."""
    head, parts = b"", list[bytes]()
    count = 0
    for count, (photo, duration_ms) in enumerate(frames, 1):
        pixels = to_uint8(photo.pixels)
        height, width = pixels.shape[:2]
        alpha = np.ones((height, width), np.float32) if photo.alpha is None else photo.alpha
        number = max(0, 2 * count - 3)  # chunks of both kinds are numbered together
        frame = (number, width, height, 0, 0, *_fraction(duration_ms), 0, 0)
        parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", *frame)))
        body = b"".join(packed_rows(pixels, alpha, compress=compress))
        if count == 1:
            profile = photo.profile if pixels.ndim == 3 else None
            before = (image_header(pixels, alpha), *header_chunks(profile, PIL.Image.Exif(), None))
            head = b"".join(chunk(*part) for part in before)
            parts.append(chunk(b"IDAT", body))
        else:
            parts.append(chunk(b"fdAT", struct.pack(">I", number + 1) + body))
    control = chunk(b"acTL", struct.pack(">II", count, plays))
    return b"".join((SIGNATURE, head, control, *parts, chunk(b"IEND", b"")))


def _fraction(duration_ms: int) -> tuple[int, int]:
    """A time in seconds as the finest fraction of numbers of 16 bits that can hold it."""
    parts = next(parts for parts in (1000, 100, 10, 1) if duration_ms * parts <= 65_535_000)
    return round(duration_ms * parts / 1000), parts


def _webp(frames: Iterator[tuple[Photo, int]], plays: int, *, compress: bool) -> bytes:
    """Reference: "WebP Container Specification", Google, 2012 to 2024."""
    parts: list[bytes] = []
    size, profile, flags = b"", None, _ANIMATION_FLAG
    for photo, duration_ms in frames:
        still = encode_photo(replace(photo, profile=None), ".webp", compress=compress, metadata="strip")
        kept = (part for part in _riff_parts(still) if part[0] in {b"ALPH", b"VP8 ", b"VP8L"})
        body = b"".join(_riff(*part) for part in kept)
        if not parts:
            height, width = photo.pixels.shape[:2]
            size, profile = _three(width - 1) + _three(height - 1), photo.profile
        flags |= _ALPHA_FLAG if photo.alpha is not None else 0
        overwrite = b"\x02"  # rather than blend it with the frame before
        parts.append(_riff(b"ANMF", bytes(6) + size + _three(duration_ms) + overwrite + body))
    flags |= _PROFILE_FLAG if profile is not None else 0
    head = _riff(b"VP8X", bytes([flags, 0, 0, 0]) + size)
    colours = b"" if profile is None else _riff(b"ICCP", profile)
    loop = _riff(b"ANIM", bytes(4) + struct.pack("<H", plays))
    return _riff(b"RIFF", b"".join((b"WEBP", head, colours, loop, *parts)))


def _riff(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _riff_parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = len(b"RIFF....WEBP")
    while offset < len(data):
        name, length = struct.unpack_from("<4sI", data, offset)
        yield name, data[offset + 8 : offset + 8 + length]
        offset += 8 + length + length % 2


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _gif(frames: Iterator[tuple[Photo, int]], plays: int) -> bytes:
    """Reference: "Graphics Interchange Format, version 89a", CompuServe, 1990."""
    buffer = io.BytesIO()
    for photo, duration_ms in frames:
        height, width = photo.pixels.shape[:2]
        if max(height, width) > 0xFFFF:
            raise InputError(f"GIF cannot hold a picture of {width} x {height}; try .png")
        if not buffer.tell():
            buffer.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0))
            if plays != 1:
                repeats = max(plays - 1, 0)  # 0: again and again
                buffer.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", repeats) + b"\0")
        indexed = PIL.Image.fromarray(replace(photo, alpha=None).image).quantize(_CLEAR)
        palette = (indexed.getpalette() or [])[: 3 * _CLEAR]
        indexed.putpalette(palette + [0] * (768 - len(palette)))
        if photo.alpha is not None:
            indexed.paste(_CLEAR, (0, 0), PIL.Image.fromarray(photo.alpha < 0.5))
        shown: Any = {"transparency": _CLEAR, "duration": duration_ms, "disposal": 2}
        buffer.writelines(PIL.GifImagePlugin.getdata(indexed, include_color_table=True, **shown))
    return buffer.getvalue() + b";"
