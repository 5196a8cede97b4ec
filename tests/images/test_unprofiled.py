"""Colours that a file gives by numbers, against the standards' matrices and curves computed by hand."""

import io
import logging
import struct
import zlib
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from limner.images import Photo, encode_photo, load_photo
from limner.images.cicp import PRIMARIES, make_profile, to_xyz
from limner.images.png import encode_png
from tests.images.profiles import P3, SRGB, encoded, wide_profile
from tests.images.test_photo import noise, tiff

RED = np.array((230, 40, 40), np.uint8)
SRGB_CHRM = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3_CHRM = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)


def chrm(values: tuple[float, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(1e5 * value) for value in values))


def gama(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(1e5 * gamma))


def cicp(primaries: int, transfer: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes((primaries, transfer, 0, 1))


def flat(*chunks: tuple[bytes, bytes], colour: Any = RED, dtype: Any = np.uint8) -> bytes:
    pixels = np.empty((4, 5, 3), dtype)
    pixels[:] = colour
    return encode_png(pixels, chunks=chunks)


def heic(primaries: int, transfer: int, colour: Any = RED) -> bytes:
    heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    picture = heif.from_pillow(PIL.Image.new("RGB", (64, 64), tuple(map(int, colour))))
    picture.save(
        buffer,
        quality=100,
        chroma=444,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=6,
        full_range_flag=1,
    )
    return buffer.getvalue()


def avif(primaries: int, transfer: int, colour: Any = RED) -> bytes:
    pixels = np.empty((64, 64, 3), np.uint8)
    pixels[:] = colour
    return bytes(imagecodecs.avif_encode(pixels, level=100, primaries=primaries, transfer=transfer, matrix=6))


def to_srgb(pixels: NDArray[np.uint8], curve: Any) -> NDArray[np.float64]:
    """Display P3's primaries with a curve, by hand."""
    linear = curve(pixels / 255) @ P3.T @ np.linalg.inv(SRGB).T
    return encoded(linear.clip(0, 1)) * 255


def srgb_light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("chunks", "curve"),
    [
        ([cicp(12, 13)], srgb_light),
        ([gama(1 / 2.2), chrm(P3_CHRM)], srgb_light),
        ([chrm(P3_CHRM)], srgb_light),
        ([gama(1 / 1.8), chrm(P3_CHRM)], lambda values: values**1.8),
        ([cicp(12, 8)], lambda values: values),
        ([(b"iCCP", b"x\0\0" + zlib.compress(wide_profile())), cicp(12, 13)], srgb_light),
        ([gama(1.0), (b"sRGB", b"\0"), cicp(12, 13)], srgb_light),
    ],
)
def test_colours_of_a_png_go_with_its_pixels(
    chunks: list[tuple[bytes, bytes]], curve: Any, dtype: Any, rng: np.random.Generator
) -> None:
    pixels = noise(rng, 3, dtype)
    photo = load_photo(encode_png(pixels, chunks=chunks))
    np.testing.assert_array_equal(photo.pixels, pixels)
    shallow = pixels if dtype == np.uint8 else np.rint(pixels / 257).astype(np.uint8)
    assert np.abs(photo.image - to_srgb(shallow, curve)).max() <= 2
    again = load_photo(encode_photo(photo, ".png"))
    np.testing.assert_array_equal(again.image, photo.image)


def test_display_p3_s_red_in_srgb() -> None:
    for data in (flat(cicp(12, 13)), heic(12, 13), avif(12, 13)):
        photo = load_photo(data)
        assert photo.profile is not None
        assert np.abs(photo.image[2, 2].astype(int) - (251, 0, 18)).max() <= 3


def test_a_gamma_of_one_is_light_itself() -> None:
    image = load_photo(flat(gama(1.0))).image[0, 0]
    assert np.abs(image.astype(int) - (244, 110, 110)).max() <= 1
    grey = encode_png(np.full((3, 3), 40, np.uint8), chunks=[gama(1.0)])
    assert np.abs(load_photo(grey).image.astype(int) - 110).max() <= 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: flat(gama(0.45455), chrm(SRGB_CHRM)),
        lambda: flat(gama(0.45455)),
        lambda: flat(gama(1.0), chrm(P3_CHRM), (b"sRGB", b"\0")),
        lambda: flat(cicp(1, 13)),
        lambda: flat(cicp(1, 1), gama(1.0)),
        lambda: flat(cicp(2, 2)),
        lambda: flat((b"iCCP", b"x\0\0" + zlib.compress(wide_profile())), cicp(1, 13)),
        lambda: heic(1, 13),
        lambda: avif(1, 13),
        lambda: avif(1, 1),
    ],
)
def test_what_means_srgb_changes_nothing_and_says_nothing(
    make: Callable[[], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    photo = load_photo(make())
    assert photo.profile is None
    assert np.abs(photo.pixels[2, 2].astype(int) - RED).max() <= 2
    assert caplog.text == ""


def test_primaries_of_a_tiff_go_with_its_pixels(rng: np.random.Generator) -> None:
    pixels = noise(rng, 3, np.uint8)
    wide, narrow = (
        tiff(
            pixels,
            photometric="rgb",
            extratags=[chromaticities(319, values[2:]), chromaticities(318, values[:2])],
        )
        for values in (P3_CHRM, SRGB_CHRM)
    )
    np.testing.assert_array_equal(load_photo(wide).pixels, pixels)
    assert np.abs(load_photo(wide).image - to_srgb(pixels, srgb_light)).max() <= 2
    assert load_photo(narrow).profile is None


def chromaticities(tag: int, values: tuple[float, ...]) -> tuple[int, str, int, tuple[int, ...], bool]:
    """A tag of fractions, for tifffile."""
    parts = tuple(part for value in values for part in (round(value * 1e4), 10_000))
    return tag, "2I", len(values), parts, True


def test_adobe_rgb_of_a_camera_goes_with_its_pixels() -> None:
    """Adobe RGB (1998), 4.3.6: its green, (0, 255, 0), lies outside sRGB; grey is grey, gamma 2.2."""
    exif = PIL.Image.Exif()
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03", 2: b"0100"}}
    picture = PIL.Image.new("RGB", (16, 16), (219, 0, 0))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=100, subsampling=0, exif=exif)
    photo = load_photo(buffer.getvalue())
    assert photo.profile is not None
    assert np.abs(photo.image[8, 8].astype(int) - (255, 0, 0)).max() <= 2  # sRGB's red is (219, 0, 0) there
    again = load_photo(encode_photo(photo, ".jpg"))
    assert again.profile == photo.profile


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_tone_mapped_and_said(transfer: int, caplog: pytest.LogCaptureFixture) -> None:
    """BT.2408: white, 203 cd/m2, has the value 58 % in PQ and 75 % in HLG."""
    white = np.full(3, round(255 * {16: 0.5807, 18: 0.75}[transfer]))
    expected = 255 * encoded(np.array(1 - 0.25 * np.exp(-1)))
    with caplog.at_level(logging.WARNING):
        for data in (
            flat(cicp(9, transfer), colour=white),
            flat(cicp(9, transfer), colour=white * 257, dtype=np.uint16),
            heic(9, transfer, white),
            avif(9, transfer, white),
        ):
            caplog.clear()
            photo = load_photo(data)
            assert photo.profile is None
            assert np.abs(photo.image[2, 2] - expected).max() <= 2
            assert "(HDR); they are tone-mapped to sRGB" in caplog.text
    levels = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    curve = load_photo(encode_png(levels, chunks=[cicp(9, transfer)])).pixels[0, :, 0].astype(int)
    assert curve[0] == 0
    assert curve[-1] in (254, 255)
    assert (np.diff(curve) >= 0).all()


def test_colours_that_cannot_be_right_are_said(caplog: pytest.LogCaptureFixture) -> None:
    for chunks in ([cicp(12, 9)], [cicp(77, 13)], [chrm((0.0,) * 8)], [chrm((0.3,) * 8)], [gama(0)]):
        caplog.clear()
        photo = load_photo(flat(*chunks))
        assert photo.profile is None
        assert photo.pixels[0, 0].tolist() == RED.tolist()
        assert "taken as sRGB" in caplog.text


def test_a_narrow_range_is_said(caplog: pytest.LogCaptureFixture) -> None:
    load_photo(flat((b"cICP", bytes((1, 13, 0, 0)))))
    assert "narrow range" in caplog.text


@pytest.mark.parametrize("gamma", [None, 1.0, 2.2])
@pytest.mark.parametrize("code", sorted(PRIMARIES))
def test_white_is_white_under_every_primaries(code: int, gamma: float | None) -> None:
    assert to_xyz(PRIMARIES[code]).sum(axis=1)[1] == pytest.approx(1)
    white = np.full((2, 2, 3), 255, np.uint8)
    assert Photo(pixels=white, profile=make_profile(PRIMARIES[code], gamma, "x")).image.min() >= 254
