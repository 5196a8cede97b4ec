"""TIFF files of kinds that Pillow does not read, or reads wrongly, as tifffile writes them."""

import io
import logging
import struct
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import Photo, encode_photo, load_alpha, load_photo, picture_size
from tests.images.profiles import wide_profile
from tests.images.test_decode import encoded
from tests.images.test_photo import noise, tiff

PACKED: list[dict[str, Any]] = [
    {},
    {"compression": "lzw"},
    {"compression": "zlib", "predictor": True},
    {"compression": "zlib", "tile": (16, 32), "predictor": True},
    {"tile": (16, 16)},
    {"bigtiff": True, "byteorder": "<"},
]


def pages(*pictures: NDArray[Any], kinds: tuple[int, ...]) -> bytes:
    """A file of several pages with NewSubfileType as given."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for picture, kind in zip(pictures, kinds, strict=True):
            file.write(picture, photometric="rgb", subfiletype=kind, metadata=None)
    return buffer.getvalue()


@pytest.mark.parametrize("options", PACKED)
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint32])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_floats_and_32_bits_are_read_with_16(
    channels: int, dtype: Any, byteorder: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    shares = rng.random((23, 41, channels)).astype(np.float32)
    shares[0, :2] = [[0] * channels, [1] * channels]
    most = 1 if dtype != np.uint32 else 2**32 - 1
    values = (shares.astype(np.float64) * most).astype(dtype)
    kind: dict[str, Any] = {"photometric": "minisblack" if channels == 1 else "rgb"}
    if channels == 4:
        kind["extrasamples"] = ["unassalpha"]
    photo = load_photo(tiff(values.squeeze(), **({"byteorder": byteorder} | kind | options)))
    assert photo.pixels.dtype == np.uint16
    seen = photo.pixels if channels > 1 else photo.pixels[..., :1]
    np.testing.assert_allclose(seen / 65535, values[..., :3] / most, atol=1.1 / 65535)
    if channels == 4:
        assert photo.alpha is not None
        np.testing.assert_allclose(photo.alpha, values[..., 3] / most, atol=1.1 / 65535)


@pytest.mark.parametrize("options", PACKED)
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.float32])
def test_zero_may_be_white(
    dtype: Any, byteorder: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    shares = rng.random((23, 41))
    most = 1 if dtype == np.float32 else np.iinfo(dtype).max
    values = np.float64(shares * most).astype(dtype)
    data = tiff(values, photometric="miniswhite", **({"byteorder": byteorder} | options))
    photo = load_photo(data)
    seen = photo.pixels[..., 0] / np.iinfo(photo.pixels.dtype).max
    np.testing.assert_allclose(seen, 1 - shares, atol=1.1 / 255 if dtype == np.uint8 else 1e-4)
    np.testing.assert_allclose(load_alpha(data), 1 - shares, atol=1.1 / 255)


def test_grey_of_12_bits_is_as_bright_as_it_is() -> None:
    levels = np.array([[0, 1024, 2048, 4095]], np.uint16)
    data = tiff(levels, photometric="minisblack", bitspersample=12)
    np.testing.assert_allclose(load_photo(data).pixels[..., 0] / 65535, levels / 4095, atol=1e-4)


def test_grey_with_opacity_in_16_bits_is_read_as_it_is_written(rng: np.random.Generator) -> None:
    grey, alpha = noise(rng, 1)[..., 0], rng.random((23, 31), np.float32)
    photo = load_photo(encode_photo(Photo(pixels=grey, alpha=alpha), ".tif"))
    np.testing.assert_array_equal(photo.pixels[..., 1], grey)
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, alpha, atol=1 / 65535)


def test_floats_keep_profile_orientation_and_resolution(caplog: pytest.LogCaptureFixture) -> None:
    values = np.linspace(0, 1, 24 * 36 * 3, dtype=np.float32).reshape(24, 36, 3)
    tags = [
        (274, "H", 1, 6, True),
        (34675, "B", len(wide_profile()), wide_profile(), True),
        (271, "s", 0, "M", True),
    ]
    with caplog.at_level(logging.WARNING):
        photo = load_photo(tiff(values, photometric="rgb", extratags=tags, resolution=(300, 300)))
    assert photo.pixels.shape == (36, 24, 3)
    np.testing.assert_allclose(photo.pixels[0, -1] / 65535, values[0, 0], atol=1e-4)
    assert photo.profile == wide_profile()
    assert photo.exif is not None
    assert photo.dpi is not None
    assert list(photo.dpi) == [300, 300]
    assert "floating-point" in caplog.text


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.full((9, 9, 3), 1.5, np.float32), {"photometric": "rgb"}, "from 1.5 to 1.5.*tone-map"),
        (np.full((9, 9), np.nan, np.float32), {}, "floating-point pixels from nan"),
        (np.full((9, 9), -5, np.int16), {}, "negative"),
        (np.full((9, 9), 5, np.int8), {}, "signed"),
        (np.zeros((3, 9, 9), np.float32), {"photometric": "rgb", "planarconfig": "separate"}, "interleaved"),
        (
            np.zeros((16, 16, 3), np.uint8),
            {"photometric": "rgb", "compression": "webp"},
            "compressed with WebP",
        ),
        (np.zeros((16, 16, 3), np.uint8), {"photometric": "rgb", "compression": "jpegxl"}, "with JPEG XL"),
        (np.zeros((16, 16, 5), np.uint16), {"photometric": "rgb"}, "TIFF of a kind"),
    ],
)
def test_what_has_no_plain_meaning_is_refused_with_the_cure(
    values: NDArray[Any], options: dict[str, Any], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=message):
        load_photo(tiff(values, **options))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("byteorder", "big"), [("<", False), (">", False), ("<", True)])
def test_a_reduced_page_is_not_the_picture(
    byteorder: Any, big: bool, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    photo, small = noise(rng, 3, np.uint8), noise(rng, 3, np.uint8)[:8, :8]
    for order in ((small, photo), (photo, small), (small, photo, small)):
        buffer = io.BytesIO()
        with tifffile.TiffWriter(buffer, byteorder=byteorder, bigtiff=big) as file:
            for page in order:
                file.write(page, photometric="rgb", subfiletype=int(page is small), metadata=None)
        np.testing.assert_array_equal(load_photo(buffer.getvalue()).pixels, photo)
        assert picture_size(buffer.getvalue()) == photo.shape[:2]
    assert caplog.text == ""


def test_two_whole_pages_are_said(rng: np.random.Generator, caplog: pytest.LogCaptureFixture) -> None:
    first, second = noise(rng, 3, np.uint8), noise(rng, 3, np.uint8)
    np.testing.assert_array_equal(load_photo(pages(first[:8], first, second, kinds=(1, 0, 0))).pixels, first)
    assert "only the first is used" in caplog.text


def raw(rng: np.random.Generator, **tags: Any) -> bytes:
    """A thumbnail, and a sensor's picture below it."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(noise(rng, 3, np.uint8), photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        file.write(noise(rng, 1)[..., 0], metadata=None, **tags)
    return buffer.getvalue()


def test_raw_files_are_refused_by_name(rng: np.random.Generator) -> None:
    thumbnail = tiff(noise(rng, 3, np.uint8), photometric="rgb", metadata=None)
    canon = b"II*\0" + struct.pack("<I", 16) + b"CR\2\0" + bytes(4) + thumbnail[8:]
    version = tiff(
        noise(rng, 3, np.uint8), photometric="rgb", extratags=[(50706, "B", 4, (1, 4, 0, 0), True)]
    )
    sensor = raw(rng, photometric=32803, extratags=[(33421, "H", 2, (2, 2), True)])
    others = [b"IIU\0", b"IIRO", b"FUJIFILMCCD-RAW 0201", b"FOVb", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"]
    for data in (canon, version, sensor, *(head + bytes(64) for head in others)):
        with pytest.raises(InputError, match=r"raw file.*develop it first"):
            load_photo(data)
    with pytest.raises(InputError, match="only a reduced picture"):
        load_photo(raw(rng, photometric="minisblack"))


def test_a_tiff_that_ends_early_is_damaged(
    rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    for data in (tiff(noise(rng, 3), photometric="rgb", compression="lzw"), tiff(rng.random((9, 9)))):
        for length in (9, 100, len(data) // 2):
            with pytest.raises(InputError, match="damaged"):
                load_photo(data[:length])
    assert capfd.readouterr().err == ""


def test_the_other_order_of_a_bigtiff_is_refused_by_name(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="is a big-endian BigTIFF"):
        load_photo(tiff(noise(rng, 3), photometric="rgb", bigtiff=True, byteorder=">"))


def test_floats_of_a_hostile_size_are_refused() -> None:
    data = tiff(np.zeros((9, 9), np.float32), metadata=None)
    wide = data.replace(struct.pack("<HHII", 256, 4, 1, 9), struct.pack("<HHII", 256, 4, 1, 2**31))
    assert wide != data
    with pytest.raises(InputError, match="too large"):
        load_photo(wide)


def test_pillow_s_own_floats() -> None:
    photo = load_photo(encoded(PIL.Image.new("F", (4, 4), 0.5), "TIFF"))
    assert photo.pixels[0, 0].tolist() == [32768] * 3
