"""Files whose pixels are all there though something is wrong, and long notes, which are no damage."""

import logging
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest

from limner.errors import InputError
from limner.images import Photo, encode_photo, load_image, load_photo, picture_size
from limner.images.png import chunk, encode_png
from tests.images.profiles import wide_profile
from tests.images.test_decode import encoded
from tests.images.test_photo import noise, read_exif, shot

JPEGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimised, 4:4:4": {"optimize": True, "subsampling": 0},
    "restarts": {"restart_marker_rows": 1},
}


def smooth(rng: np.random.Generator, mode: str = "RGB") -> PIL.Image.Image:
    small = PIL.Image.fromarray(rng.integers(0, 256, (6, 9, 3), np.uint8))
    return small.resize((90, 60)).convert(mode)


def long_profile(count: int) -> bytes:
    """A profile with so many bytes at its end that no tag names."""
    profile = wide_profile() + bytes(count)
    return struct.pack(">I", len(profile)) + profile[4:]


def with_chunk(data: bytes, *more: bytes) -> bytes:
    """A PNG with further chunks before its pixels."""
    place = data.index(b"IDAT") - 4
    return data[:place] + b"".join(more) + data[place:]


def broken(name: bytes, body: bytes) -> bytes:
    """A chunk whose checksum is wrong."""
    data = chunk(name, body)
    return data[:-4] + bytes(byte ^ 255 for byte in data[-4:])


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_without_its_end_is_read_if_every_pixel_is_there(
    kind: str, mode: str, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    data = encoded(smooth(rng, mode), "JPEG", quality=90, **JPEGS[kind])
    expected = load_image(data)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(load_image(data[:-2]), expected)
    assert "its end is missing" in caplog.text
    np.testing.assert_array_equal(load_image(data[:-2], least_side=20), load_image(data, least_side=20))
    for length in (*range(len(data) - 60, len(data) - 3), *range(700, len(data) - 60, 97)):
        try:
            found = load_image(data[:length])
        except InputError:
            continue
        np.testing.assert_array_equal(found, expected)


def test_a_progressive_jpeg_that_lacks_scans_is_refused(rng: np.random.Generator) -> None:
    data = encoded(smooth(rng), "JPEG", quality=90, progressive=True)
    scans = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xda"]
    tables = data.rindex(b"\xff\xc4", 0, scans[-1])
    for length in (scans[-1], tables):
        with pytest.raises(InputError, match="damaged"):
            load_image(data[:length])


def test_a_thumbnail_s_end_is_not_the_picture_s(rng: np.random.Generator) -> None:
    thumbnail = encoded(smooth(rng).resize((16, 16)), "JPEG")
    data = encoded(smooth(rng), "JPEG", exif=shot().tobytes() + thumbnail)
    np.testing.assert_array_equal(load_image(data[:-2]), load_image(data))
    with pytest.raises(InputError, match="damaged"):
        load_image(data[: len(data) * 2 // 3])


@pytest.mark.parametrize(
    "name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"gAMA", b"pHYs", b"tIME", b"teSt"]
)
def test_a_wrong_checksum_beside_the_pixels_is_said(
    name: bytes, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    pixels = noise(rng, 3, np.uint8)
    with caplog.at_level(logging.WARNING):
        photo = load_photo(with_chunk(encode_png(pixels), broken(name, b"Comment\0by hand")))
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert f"its {name.decode()} chunk is damaged" in caplog.text


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"PLTE", b"tRNS"])
def test_a_wrong_checksum_of_pixels_is_damage(name: bytes, rng: np.random.Generator) -> None:
    indexed = smooth(rng).quantize(8)
    data = bytearray(encoded(indexed, transparency=3))
    place = data.index(name)
    (length,) = struct.unpack_from(">I", data, place - 4)
    data[place + 4 + length] ^= 255
    with pytest.raises(InputError, match="damaged"):
        load_photo(bytes(data))


def test_a_png_without_its_end_is_read_if_every_pixel_is_there(
    rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    pixels = noise(rng, 3, np.uint8)
    data = encode_png(pixels)
    for count in range(1, 13):
        with caplog.at_level(logging.WARNING):
            np.testing.assert_array_equal(load_photo(data[:-count]).pixels, pixels)
        assert "its end is missing" in caplog.text
    pillow = encoded(PIL.Image.fromarray(rng.integers(0, 256, (300, 300, 3), np.uint8)))
    assert pillow.count(b"IDAT") > 2
    starts = [place - 4 for place in range(len(pillow)) if pillow[place : place + 4] == b"IDAT"]
    cuts = [data[:-count] for count in range(13, 200)]
    for cut in (*cuts, *(pillow[: start + more] for start in starts for more in (0, 3, 4, 6, 8, 20))):
        try:
            found = load_photo(cut).pixels
        except InputError:
            continue
        np.testing.assert_array_equal(found, pixels)  # but for a checksum, it is whole


@pytest.mark.parametrize("profile", [wide_profile(), long_profile(1_400_000)])
@pytest.mark.parametrize("extension", [".png", ".tif", ".jpg", ".webp", ".avif"])
def test_what_limner_writes_it_reads(extension: str, profile: bytes, rng: np.random.Generator) -> None:
    photo = Photo(pixels=noise(rng, 3, np.uint8), profile=profile, exif=shot().tobytes())
    assert load_photo(encode_photo(photo, extension)).profile == profile


def test_long_notes_are_no_damage(rng: np.random.Generator) -> None:
    pixels = noise(rng, 3, np.uint8)
    info = PIL.PngImagePlugin.PngInfo()
    info.add_text("Comment", "a workflow " * 150_000, zip=True)
    info.add_text("prompt", "x" * 1_300_000)
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>" + " " * 1_500_000, zip=True)
    data = encoded(PIL.Image.fromarray(pixels), pnginfo=info)
    np.testing.assert_array_equal(load_photo(data).pixels, pixels)
    assert picture_size(data) == pixels.shape[:2]


def test_a_note_that_unpacks_to_gigabytes_costs_little(
    rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    deflate = zlib.compressobj(9)
    bomb = b"".join(deflate.compress(bytes(2**20)) for _ in range(300)) + deflate.flush()
    pixels = noise(rng, 3, np.uint8)
    for body in (b"Comment\0\0" + bomb, b"Raw profile type exif\0\0" + bomb):
        tracemalloc.start()
        np.testing.assert_array_equal(
            load_photo(with_chunk(encode_png(pixels), chunk(b"zTXt", body))).pixels, pixels
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 150e6
    assert "more than 64 MB" in caplog.text


def raw_profile(kind: str, block: bytes) -> str:
    """As ImageMagick writes it."""
    hexed = block.hex()
    lines = "\n".join(hexed[place : place + 72] for place in range(0, len(hexed), 72))
    return f"\n{kind}\n{len(block):8d}\n{lines}\n"


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("key", ["exif", "APP1", "app1"])
def test_raw_profiles_turn_the_picture(key: str, long: bool, rng: np.random.Generator) -> None:
    pixels = noise(rng, 3, np.uint8)
    block = shot(6).tobytes() + bytes(900_000 if long else 0)
    info = PIL.PngImagePlugin.PngInfo()
    info.add_text(f"Raw profile type {key}", raw_profile(key.lower(), block), zip=True)
    photo = load_photo(encoded(PIL.Image.fromarray(pixels), pnginfo=info))
    np.testing.assert_array_equal(photo.pixels, np.rot90(pixels, -1))
    assert read_exif(encode_photo(photo, ".png"))[0x010F] == "Maker"


def test_xmp_turns_the_picture_however_long_it_is(rng: np.random.Generator) -> None:
    pixels = noise(rng, 3, np.uint8)
    for padding in (0, 1_500_000):
        info = PIL.PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>' + " " * padding, zip=bool(padding))
        photo = load_photo(encoded(PIL.Image.fromarray(pixels), pnginfo=info))
        np.testing.assert_array_equal(photo.pixels, np.rot90(pixels, -1))


def exif_of_type(kind: int, value: bytes) -> bytes:
    """Orientation alone, as a number of this type."""
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHI", 1, 0x112, kind, 1) + value + bytes(4)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (1, b"\6\0\0\0"),
        (3, b"\6\0\0\0"),
        (4, b"\6\0\0\0"),
        (7, b"\6\0\0\0"),
        (8, b"\6\0\0\0"),
        (9, b"\6\0\0\0"),
        (2, b"6\0\0\0"),
    ],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_orientation_of_any_type_turns_the_picture(form: str, kind: int, value: bytes) -> None:
    data = encoded(PIL.Image.new("RGB", (30, 20)), form, exif=exif_of_type(kind, value))
    assert load_photo(data).pixels.shape == (30, 20, 3)
    assert picture_size(data) == (30, 20)


@pytest.mark.parametrize("value", [b"\0\0\0\0", b"\x09\0\0\0", b"\xff\xff\0\0"])
def test_orientation_that_means_nothing_turns_nothing(value: bytes) -> None:
    data = encoded(PIL.Image.new("RGB", (30, 20)), "JPEG", exif=exif_of_type(3, value))
    assert load_photo(data).pixels.shape == (20, 30, 3)


@pytest.mark.parametrize("form", ["GIF", "BMP", "WEBP", "PPM", "TIFF"])
def test_other_files_that_end_early_are_damaged_or_whole(form: str, rng: np.random.Generator) -> None:
    data = encoded(PIL.Image.fromarray(noise(rng, 3, np.uint8)), form)
    expected = load_image(data)
    for length in (*range(len(data) - 40, len(data)), len(data) // 2):
        try:
            found = load_image(data[:length])
        except InputError:
            continue
        np.testing.assert_array_equal(found, expected)
