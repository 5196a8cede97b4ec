"""Pictures in every format, ways in which files get damaged, and what must hold for what comes out.

`benchmarks/fuzz.py` runs many thousand cases of it, `tests/test_fuzz.py` a few hundred.
"""

import io
import itertools
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import tifffile
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import (
    ANIMATED,
    FORMATS,
    Photo,
    encode_frames,
    encode_photo,
    load_alpha,
    load_animation,
    load_grey,
    load_image,
    load_photo,
    picture_size,
)
from tests.images.profiles import wide_profile

MAX_PIXELS = 1_000_000
"""Limit that the cases are read with: a damaged header may well announce more."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_FRAMES = 6
"""Frames of an animation that are read: a damaged header may announce billions."""
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

Bytes = NDArray[np.uint8]


def specimens() -> dict[str, bytes]:
    """Small whole files of every format, mode and kind of metadata, by name."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:36, :48]
    smooth = np.stack([rows * 5, columns * 4, rows + columns], axis=2)
    colours = PIL.Image.fromarray((smooth + rng.integers(0, 40, smooth.shape)).clip(0, 255).astype(np.uint8))
    opaque = PIL.Image.fromarray((255 * (rows + columns > 40)).astype(np.uint8))
    clear = colours.copy()
    clear.putalpha(opaque)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turned
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8825)[1] = "N"  # a place
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    extras: dict[str, Any] = {"exif": exif, "icc_profile": profile, "dpi": (300, 300)}
    indexed = colours.quantize(32)
    deep = PIL.Image.fromarray((smooth[..., 1] * 257).astype(np.uint16))
    frames = {
        "save_all": True,
        "append_images": [clear.rotate(90), clear.rotate(180)],
        "duration": 40,
    }
    wanted: list[tuple[str, PIL.Image.Image, str, dict[str, Any]]] = [
        ("rgb.png", colours, "PNG", extras),
        ("rgba.png", clear, "PNG", {}),
        ("grey.png", colours.convert("L"), "PNG", {"transparency": 9}),
        ("grey-alpha.png", clear.convert("LA"), "PNG", {}),
        ("palette.png", indexed, "PNG", {"transparency": bytes(range(0, 256, 8))}),
        ("bits.png", opaque.convert("1"), "PNG", {}),
        ("grey-16.png", deep, "PNG", {}),
        ("animated.png", clear, "PNG", frames),
        ("rgb.jpg", colours, "JPEG", extras),
        ("grey.jpg", colours.convert("L"), "JPEG", {}),
        ("cmyk.jpg", colours.convert("CMYK"), "JPEG", {}),
        ("progressive.jpg", colours, "JPEG", {"progressive": True}),
        ("lossy.webp", clear, "WEBP", extras | {"quality": 60}),
        ("lossless.webp", clear, "WEBP", {"lossless": True}),
        ("animated.webp", clear, "WEBP", frames),
        ("palette.gif", indexed, "GIF", {}),
        ("animated.gif", clear, "GIF", frames | {"disposal": 2}),
        ("plain.tif", colours, "TIFF", extras),
        ("alpha.tif", clear, "TIFF", {"compression": "tiff_deflate"}),
        ("cmyk.tif", colours.convert("CMYK"), "TIFF", {"compression": "tiff_lzw"}),
        ("lab.tif", PIL.Image.merge("LAB", colours.split()), "TIFF", {}),
        ("jpeg.tif", colours, "TIFF", {"compression": "jpeg"}),
        ("grey-16.tif", deep, "TIFF", {}),
        ("pages.tif", clear, "TIFF", frames),
        ("rgb.bmp", colours, "BMP", {}),
        ("rgba.bmp", clear, "BMP", {}),
        ("palette.bmp", indexed, "BMP", {}),
        ("rgba.avif", clear, "AVIF", {"speed": 10, "exif": exif, "icc_profile": profile}),
        ("rgb.ppm", colours, "PPM", {}),
        ("rgba.jp2", clear, "JPEG2000", {}),
    ]
    files = {}
    for name, picture, kind, options in wanted:
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        files[name] = buffer.getvalue()
    photo = Photo(
        pixels=(smooth * 257).astype(np.uint16),
        alpha=np.asarray(opaque, np.float32) / np.float32(255),
        profile=wide_profile(),
        exif=exif.tobytes(),
        dpi=(300, 300),
    )
    for extension in (".png", ".tif", ".heic"):
        files[f"rgba-16{extension}"] = encode_photo(photo, extension, metadata="keep")
    stored = np.dstack([photo.pixels // 2, photo.pixels[..., :1] // 2 + 9000])
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, stored, photometric="rgb", extrasamples=["assocalpha"], compression="zlib")
    files["premultiplied-16.tif"] = buffer.getvalue()
    return files


def damaged(files: dict[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """Case ``number``: the name of the file it was made from, and its bytes. Always the same ones."""
    rng = np.random.default_rng([seed, number])
    names = sorted(files)
    name = names[rng.integers(len(names))]
    other = np.frombuffer(files[names[rng.integers(len(names))]], np.uint8)
    data = np.frombuffer(files[name], np.uint8)
    for _ in range(min(rng.geometric(0.6), 4)):
        change = CHANGES[rng.integers(len(CHANGES))]
        data = change(data.copy(), other, rng)
    result = data.tobytes()
    if result.startswith(PNG_SIGNATURE) and rng.random() < 0.7:
        result = b"".join(_with_right_sums(result))
    return name, result


def _place(data: Bytes, rng: np.random.Generator) -> int:
    """Somewhere in the file, every other time near its beginning, where the headers are."""
    return int(rng.integers(max(1, min(len(data), 300) if rng.random() < 0.5 else len(data))))


def _part(data: Bytes, rng: np.random.Generator) -> slice:
    start = _place(data, rng)
    return slice(start, start + int(2 ** rng.uniform(0, 12)))


def _flip(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    for _ in range(rng.integers(1, 9)):
        place = _place(data, rng)
        data[place : place + 1] ^= np.uint8(1 << rng.integers(8))
    return data


def _spoil(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    for _ in range(rng.integers(1, 9)):
        place = _place(data, rng)
        data[place : place + 1] = rng.integers(256)
    return data


def _overwrite(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    """A number of 1, 2 or 4 bytes, as lengths, counts and sizes are, becomes an extreme one."""
    width = int(rng.choice([1, 2, 4]))
    value = int(EXTREMES[rng.integers(len(EXTREMES))]) & (256**width - 1)
    number = np.frombuffer(value.to_bytes(width, "big" if rng.random() < 0.5 else "little"), np.uint8)
    place = _place(data, rng)
    data[place : place + width] = number[: len(data) - place]
    return data


def _cut_off(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    return data[: _place(data, rng)]


def _remove(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    part = _part(data, rng)
    return np.concatenate([data[: part.start], data[part.stop :]])


def _repeat(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    part = _part(data, rng)
    again = np.tile(data[part], rng.integers(1, 50))
    return np.concatenate([data[: part.stop], again, data[part.stop :]])


def _insert(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    place = _place(data, rng)
    noise = rng.integers(256, size=rng.integers(1, 64), dtype=np.uint8)
    return np.concatenate([data[:place], noise, data[place:]])


def _blank(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    data[_part(data, rng)] = rng.choice([0, 255])
    return data


def _join(data: Bytes, other: Bytes, rng: np.random.Generator) -> Bytes:
    return np.concatenate([data[: _place(data, rng)], other[_place(other, rng) :]])


Change = Callable[[Bytes, Bytes, np.random.Generator], Bytes]
CHANGES: tuple[Change, ...] = (
    _flip,
    _spoil,
    _overwrite,
    _overwrite,
    _cut_off,
    _remove,
    _repeat,
    _insert,
    _blank,
    _join,
)


def _with_right_sums(data: bytes) -> Iterator[bytes]:
    """A damaged PNG whose checksums fit again, so that the damage gets past them."""
    yield data[:8]
    place = 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 8 + length
        if end + 4 > len(data):
            break
        yield data[place:end] + struct.pack(">I", zlib.crc32(data[place + 4 : end]))
        place = end + 4
    yield data[place:]


def check(data: bytes) -> bool:
    """Read damaged bytes by every door, and write what came in; True if it could be read as a photo.

    Raises:
        AssertionError: If a result has another form than it should, or an error says too little.
        Exception: Any that is not Limner's own is what the run looks for.
    """
    doors: tuple[Callable[[], Any], ...] = (
        lambda: load_image(data, max_pixels=MAX_PIXELS),
        lambda: load_alpha(data, max_pixels=MAX_PIXELS),
        lambda: load_grey(data, max_pixels=MAX_PIXELS),
        lambda: np.empty(0) if min(picture_size(data)) > 0 else None,
    )
    for door in doors:
        try:
            result = door()
        except InputError as error:
            _check_message(error)
        else:
            assert result.size <= 3 * MAX_PIXELS, result.shape
    try:
        photo = load_photo(data, max_pixels=MAX_PIXELS)
        _check_photo(photo)
    except InputError as error:
        _check_message(error)
        return False
    if photo.pixels.size > 50_000:
        return True
    try:
        frames = list(itertools.islice(load_animation(data, max_pixels=MAX_PIXELS).frames, 5))
        for frame, duration_ms in frames:
            _check_photo(frame)
            assert duration_ms > 0, duration_ms
        encode_frames(frames, ANIMATED[len(data) % len(ANIMATED)])
    except InputError as error:
        _check_message(error)
    for place in range(2):  # all formats have their turn, in some case or other
        extension = sorted(FORMATS)[zlib.crc32(data, place) % len(FORMATS)]
        try:
            encode_photo(photo, extension, metadata="keep")
        except InputError as error:
            _check_message(error)
    _check_frames(data, ANIMATED[zlib.crc32(data) % len(ANIMATED)])
    return True


def _check_frames(data: bytes, extension: str) -> None:
    try:
        frames = list(islice(load_animation(data, max_pixels=MAX_PIXELS).frames, MOST_FRAMES))
        encode_frames(frames, extension)
    except InputError as error:
        _check_message(error)


def _check_photo(photo: Photo) -> None:
    height, width = photo.pixels.shape[:2]
    assert 0 < height * width <= MAX_PIXELS, photo.pixels.shape
    assert photo.pixels.dtype in (np.uint8, np.uint16), photo.pixels.dtype
    assert photo.image.shape == (height, width, 3), photo.image.shape
    assert photo.image.dtype == np.uint8, photo.image.dtype
    if photo.alpha is not None:
        assert photo.alpha.shape == (height, width), photo.alpha.shape
        assert photo.alpha.dtype == np.float32, photo.alpha.dtype
        assert 0 <= photo.alpha.min() <= photo.alpha.max() <= 1


def _check_message(error: InputError) -> None:
    message = str(error)
    assert 10 < len(message) < 600, message
    assert "\n" not in message, message
