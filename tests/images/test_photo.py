import io
import logging
import struct
import zlib
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import Photo, encode_photo, load_image, load_photo
from limner.images.png import encode_png
from tests.images.profiles import encoded as srgb_curve
from tests.images.profiles import grey_profile, wide_profile, wide_to_srgb
from tests.images.test_decode import encoded
from tests.images.test_png import chunks

GPS, EXIF = 0x8825, 0x8769
BROKEN_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x0f\0\5\0\0\0\1\0\0\0\x1a" + bytes(12)
"""The maker's name as a fraction."""


def noise(rng: np.random.Generator, channels: int, dtype: Any = np.uint16) -> NDArray[Any]:
    values: NDArray[Any] = rng.integers(0, np.iinfo(dtype).max + 1, (23, 31, channels), dtype)
    return values


def tiff(values: NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def shot(orientation: int = 1) -> PIL.Image.Exif:
    """EXIF data with camera, time, place and what is only true of the file."""
    exif = PIL.Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x011A] = "Maker", orientation, 72.0
    exif[EXIF] = {0x9003: "2026:11:23 12:00:00", 0xA002: 9, 0xA003: 6}
    exif[GPS] = {1: "N", 2: (50.0, 30.0, 0.0)}
    return exif


def read_exif(data: bytes) -> PIL.Image.Exif:
    with PIL.Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.getexif()


def test_16_bit_png_is_read_at_full_depth(rng: np.random.Generator) -> None:
    grey, both, colours, four = (noise(rng, channels) for channels in (1, 2, 3, 4))
    np.testing.assert_array_equal(load_photo(encode_png(grey[..., 0])).pixels, grey.repeat(3, axis=2))
    np.testing.assert_array_equal(load_photo(encode_png(colours)).pixels, colours)
    assert load_photo(encode_png(colours)).alpha is None
    photo = load_photo(encode_png(both))
    np.testing.assert_array_equal(photo.pixels, both[..., :1].repeat(3, axis=2))
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, both[..., 1] / 65535, atol=1e-7)
    photo = load_photo(encode_png(four))
    np.testing.assert_array_equal(photo.pixels, four[..., :3])
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, four[..., 3] / 65535, atol=1e-7)


@pytest.mark.parametrize("options", [{}, {"compression": "lzw", "predictor": True}, {"compression": "zlib"}])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_tiff_is_read_at_full_depth(
    channels: int, byteorder: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    values = noise(rng, channels)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    kind = "minisblack" if channels == 1 else "rgb"
    data = tiff(
        values[..., 0] if channels == 1 else values, byteorder=byteorder, photometric=kind, **extra, **options
    )
    photo = load_photo(data)
    np.testing.assert_array_equal(photo.pixels, values[..., :3] if channels > 1 else values.repeat(3, axis=2))
    if channels == 4:
        assert photo.alpha is not None
        np.testing.assert_allclose(photo.alpha, values[..., 3] / 65535, atol=1e-7)


def test_premultiplied_16_bit_colours_are_divided() -> None:
    values = np.array([[[30000, 10000, 0, 30000], [0, 0, 0, 0], [65535, 1, 2, 65535]]], np.uint16)
    photo = load_photo(tiff(values, photometric="rgb", extrasamples=["assocalpha"]))
    assert photo.pixels.tolist() == [[[65535, 21845, 0], [0, 0, 0], [65535, 1, 2]]]


def test_16_bit_channels_that_lie_apart_are_refused(rng: np.random.Generator) -> None:
    data = tiff(noise(rng, 3).transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate")
    with pytest.raises(InputError, match="interleaved"):
        load_photo(data)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_and_shallow_pictures_are_turned_alike(orientation: int, rng: np.random.Generator) -> None:
    values = noise(rng, 4)
    exif = shot(orientation).tobytes()[6:]
    deep = load_photo(encode_png(values, chunks=[(b"eXIf", exif)]))
    shallow = load_photo(encode_png((values >> 8).astype(np.uint8), chunks=[(b"eXIf", exif)]))
    np.testing.assert_array_equal(deep.pixels >> 8, shallow.pixels)
    assert deep.alpha is not None
    assert shallow.alpha is not None
    np.testing.assert_allclose(deep.alpha, shallow.alpha, atol=1 / 255)
    assert load_photo(encode_photo(deep, ".png")).pixels.shape == deep.pixels.shape  # turned once


def test_a_16_bit_colour_named_transparent() -> None:
    values = np.array([[[1, 2, 3], [1, 2, 4]]], np.uint16)
    data = encode_png(values, chunks=[(b"tRNS", struct.pack(">HHH", 1, 2, 3))])
    alpha = load_photo(data).alpha
    assert alpha is not None
    assert alpha.tolist() == [[0, 1]]
    grey = encode_png(values[..., 0], chunks=[(b"tRNS", struct.pack(">H", 1))])
    alpha = load_photo(grey).alpha
    assert alpha is not None
    assert alpha.tolist() == [[0, 0]]


def test_image_is_8_bit_rounded(rng: np.random.Generator) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(-1, 64, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(Photo(pixels=values).image, np.rint(values / 257))


def test_image_lies_over_white_where_it_is_transparent() -> None:
    pixels = np.full((1, 3, 3), (200, 100, 0), np.uint8)
    photo = Photo(pixels=pixels, alpha=np.array([[0, 0.5, 1]], np.float32))
    assert photo.image.tolist() == [[[255, 255, 255], [228, 178, 128], [200, 100, 0]]]


def test_image_is_the_pixels_where_they_are_it(rng: np.random.Generator) -> None:
    pixels = noise(rng, 3, np.uint8)
    assert Photo(pixels=pixels).image is pixels


def test_opaque_pictures_have_no_alpha(rng: np.random.Generator) -> None:
    four = noise(rng, 4, np.uint8)
    four[..., 3] = 255
    assert load_photo(encode_png(four)).alpha is None
    assert load_photo(encode_png(four * np.uint16(257))).alpha is None


def test_palette_with_transparency() -> None:
    picture = PIL.Image.new("P", (3, 1))
    picture.putpalette([0, 0, 0, 200, 100, 50, 9, 9, 9])
    picture.putdata([0, 1, 2])
    photo = load_photo(encoded(picture, transparency=bytes([255, 128, 0])))
    assert photo.pixels.tolist() == [[[0, 0, 0], [200, 100, 50], [9, 9, 9]]]
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, [[1, 128 / 255, 0]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_wide_colours_are_kept_and_shown_as_srgb(dtype: Any, rng: np.random.Generator) -> None:
    pixels = noise(rng, 3, dtype)
    photo = load_photo(encode_png(pixels, chunks=[(b"iCCP", b"x\0\0" + zlib.compress(wide_profile()))]))
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.profile == wide_profile()
    exact = wide_to_srgb(pixels if dtype == np.uint8 else np.rint(pixels / 257).astype(np.uint8))
    assert np.abs(photo.image - exact).max() <= 2
    again = load_photo(encode_photo(photo, ".tif"))
    np.testing.assert_array_equal(again.pixels, pixels)
    assert again.profile == wide_profile()


def test_another_picture_in_the_colours_of_this_one(rng: np.random.Generator) -> None:
    behind = noise(rng, 3, np.uint8)
    wide = Photo(pixels=np.zeros((1, 1, 3), np.uint16), profile=wide_profile())
    there = wide.from_srgb(behind)
    assert there.dtype == np.uint16
    assert np.abs(wide_to_srgb((there // 257).astype(np.uint8)) - behind).mean() < 1
    plain = Photo(pixels=np.zeros((1, 1, 3), np.uint8))
    assert plain.from_srgb(behind) is behind


def test_grey_profile_becomes_srgb() -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    expected = srgb_curve((levels / 255) ** 1.8) * 255
    for picture in (PIL.Image.fromarray(levels), PIL.Image.fromarray(levels.astype(np.uint16) * 257)):
        photo = load_photo(encoded(picture, "TIFF", icc_profile=grey_profile(1.8)))
        assert photo.profile is None
        assert np.abs(photo.pixels[..., 1] - expected).max() <= 2


def test_lab_becomes_srgb() -> None:
    lab = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("LAB")).tobytes()
    for level in (0, 60, 128, 255):  # of L, 0..255, on the axis of greys
        light = level / 255 * 100
        linear = ((light + 16) / 116) ** 3 if light > 8 else light / 903.3
        picture = PIL.Image.new("LAB", (2, 2), (level, 128, 128))
        photo = load_photo(encoded(picture, "TIFF", icc_profile=lab))
        assert photo.profile is None
        assert np.abs(photo.pixels - srgb_curve(np.array(linear)) * 255).max() <= 2


def test_profile_of_another_kind_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        photo = load_photo(encoded(PIL.Image.new("RGB", (2, 2), "red"), icc_profile=grey_profile(1.0)))
    assert photo.profile is None
    assert "it is for GRAY pictures" in caplog.text


@pytest.mark.parametrize("extension", [".png", ".jpg", ".tif", ".webp", ".avif", ".heic"])
def test_what_is_kept_of_the_shot(extension: str) -> None:
    if extension == ".heic":
        pytest.importorskip("pillow_heif")
    photo = load_photo(
        encoded(PIL.Image.new("RGB", (30, 20), "red"), "JPEG", exif=shot(6), icc_profile=wide_profile())
    )
    assert photo.pixels.shape == (30, 20, 3)
    by_default, whole, none = (
        encode_photo(photo, extension),
        encode_photo(photo, extension, metadata="keep"),
        encode_photo(photo, extension, metadata="strip"),
    )
    for data, place, maker in (
        (by_default, {}, "Maker"),
        (whole, {1: "N", 2: (50.0, 30.0, 0.0)}, "Maker"),
        (none, {}, None),
    ):
        exif = read_exif(data)
        assert exif.get_ifd(GPS) == place
        assert exif.get(0x010F) == maker
        assert exif.get_ifd(EXIF).get(0x9003) == (maker and "2026:11:23 12:00:00")
        assert not {0xA002, 0xA003} & set(exif.get_ifd(EXIF))
        again = load_photo(data)
        assert again.pixels.shape == (30, 20, 3)  # not turned twice
        assert again.profile == wide_profile()
    assert b"Maker" not in none


def test_embedded_thumbnail_is_left_out() -> None:
    exif = shot().tobytes()
    small = encoded(PIL.Image.new("RGB", (16, 16), "blue"), "JPEG")
    data = encoded(PIL.Image.new("RGB", (30, 20), "red"), "JPEG", exif=exif + small)
    assert small[20:200] in data
    assert small[20:200] not in encode_photo(load_photo(data), ".jpg", metadata="keep")


def test_broken_exif_is_said_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    data = encoded(PIL.Image.new("RGB", (4, 4)), "JPEG", exif=BROKEN_EXIF)
    with caplog.at_level(logging.WARNING):
        assert load_photo(data).exif is None
    assert "EXIF data is damaged" in caplog.text


@pytest.mark.parametrize("extension", [".png", ".jpg", ".tif", ".bmp"])
def test_resolution_is_kept(extension: str) -> None:
    photo = Photo(pixels=np.zeros((4, 4, 3), np.uint8), dpi=(300.0, 150.0))
    assert load_photo(encode_photo(photo, extension)).dpi == (300, 150)
    assert load_photo(encode_photo(Photo(pixels=photo.pixels), ".png")).dpi is None


def test_png_chunks_are_whole(rng: np.random.Generator) -> None:
    photo = Photo(pixels=noise(rng, 3), profile=wide_profile(), exif=shot().tobytes(), dpi=(300.0, 300.0))
    names = dict.fromkeys(name for name, _ in chunks(encode_photo(photo, ".png")))
    assert list(names) == [b"IHDR", b"iCCP", b"pHYs", b"eXIf", b"IDAT", b"IEND"]


def test_what_cannot_be_asked_for() -> None:
    photo = Photo(pixels=np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(InputError, match="unknown choice of metadata 'all'"):
        encode_photo(photo, ".png", metadata="all")  # type: ignore[arg-type]


def test_image_of_a_photo_is_what_load_image_gives(rng: np.random.Generator) -> None:
    data = encode_png(noise(rng, 4), chunks=[(b"eXIf", shot(6).tobytes()[6:])])
    np.testing.assert_array_equal(load_image(data), load_photo(data).image)


def test_programs_that_pillow_would_start_are_not() -> None:
    with pytest.raises(InputError, match="not a picture that Limner reads"):
        load_photo(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")


def test_resolution_that_cannot_be_true_is_left_out() -> None:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (4, 4)).save(buffer, "TIFF", dpi=(4e9, 4e9))
    photo = load_photo(buffer.getvalue())
    assert photo.dpi is None
    assert encode_photo(photo, ".bmp")


def test_noise_fits_into_an_optimised_jpeg(rng: np.random.Generator) -> None:
    photo = Photo(pixels=rng.integers(0, 256, (200, 300, 3), np.uint8))
    small, plain = (encode_photo(photo, ".jpg", compress=compress) for compress in (True, False))
    np.testing.assert_array_equal(load_image(small), load_image(plain))
    assert len(small) < len(plain)


def test_profile_whose_name_cannot_be_read_still_counts() -> None:
    pixels = np.full((4, 4, 3), (200, 50, 100), np.uint8)
    named, nameless = (
        load_photo(encode_photo(Photo(pixels=pixels, profile=profile), ".png"))
        for profile in (wide_profile(), wide_profile().replace(b"hand\0", b"hand\xfd"))
    )
    np.testing.assert_array_equal(nameless.image, named.image)
    assert (named.image != pixels).any()
