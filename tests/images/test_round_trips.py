"""Laws that hold for any picture: out and back through a format; one scene in many files."""

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import InputError
from limner.images import FORMATS, Photo, encode_photo, load_photo
from limner.images.png import encode_png

LOSSLESS = (".png", ".tif", ".tiff")
settings.register_profile("limner", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("limner")


@st.composite
def photos(draw: st.DrawFn, *, depths: tuple[Any, ...] = (np.uint8,), smooth: bool = False) -> Photo:
    """Pictures of 1 to 40 pixels a side, flat, smooth or noisy, with and without an opacity."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    depth = draw(st.sampled_from(depths))
    most = int(np.iinfo(depth).max)
    level = rng.random(3)
    slope = rng.uniform(-0.3, 0.3, (2, 3)) * draw(st.sampled_from([0, 1]))
    rows, columns = np.mgrid[:height, :width] / 40
    values = level + rows[..., None] * slope[0] + columns[..., None] * slope[1]
    if not smooth:
        values = values + rng.normal(0, 1, (height, width, 3)) * draw(st.sampled_from([0, 0.2, 3]))
    pixels = np.rint(values.clip(0, 1) * most).astype(depth)
    alpha = None
    if draw(st.booleans()):
        spread = draw(st.sampled_from([0, 1, 4]))
        alpha = ((rng.random((height, width)) - 0.5) * spread + 0.5).clip(0, 1).astype(np.float32)
    return Photo(pixels=pixels, alpha=alpha)


def assert_alpha_survives(read: Photo, photo: Photo, levels: int) -> None:
    if photo.alpha is None or (read.alpha is None and photo.alpha.min() >= 1 - 0.5 / levels):
        assert read.alpha is None
    else:
        assert read.alpha is not None
        np.testing.assert_allclose(read.alpha, photo.alpha, atol=0.5 / levels + 1e-6)


@pytest.mark.parametrize("extension", LOSSLESS)
@given(photo=photos(depths=(np.uint8, np.uint16)), compress=st.booleans())
def test_lossless_formats_keep_every_level(extension: str, photo: Photo, compress: bool) -> None:
    read = load_photo(encode_photo(photo, extension, compress=compress))
    assert read.pixels.dtype == photo.pixels.dtype
    np.testing.assert_array_equal(read.pixels, photo.pixels)
    assert_alpha_survives(read, photo, np.iinfo(photo.pixels.dtype).max)


@given(photo=photos(smooth=True))
def test_webp_keeps_alpha_and_nearly_all_of_the_colours(photo: Photo) -> None:
    read = load_photo(encode_photo(photo, ".webp"))
    assert_alpha_survives(read, photo, 255)
    assert np.abs(read.pixels.astype(int) - photo.pixels).max() <= 16


@pytest.mark.parametrize("extension", [".avif", ".heic"])
@settings(max_examples=15)
@given(photo=photos(smooth=True))
def test_avif_and_heic_nearly_keep_both(extension: str, photo: Photo) -> None:
    read = load_photo(encode_photo(photo, extension))
    assert np.abs(read.pixels.astype(int) - photo.pixels).mean() <= 3
    opaque = np.ones(photo.pixels.shape[:2], np.float32)
    before, after = (opaque if one.alpha is None else one.alpha for one in (photo, read))
    assert np.abs(after - before).mean() <= 4 / 255
    assert np.abs(after - before).max() <= 20 / 255  # of noise; both formats are lossy in alpha too


@pytest.mark.parametrize("extension", [".jpg", ".bmp"])
@given(photo=photos(smooth=True))
def test_opaque_formats_keep_colours_and_refuse_transparency(extension: str, photo: Photo) -> None:
    if photo.alpha is not None:
        with pytest.raises(InputError, match=r"write \.png"):
            encode_photo(photo, extension)
        return
    read = load_photo(encode_photo(photo, extension))
    assert read.alpha is None
    assert np.abs(read.pixels.astype(int) - photo.pixels).max() <= (6 if extension == ".jpg" else 0)


def upright(stored: Any, orientation: int) -> Any:
    """What a viewer shows of stored pixels; by the table in the EXIF standard, not by Limner."""
    turned = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(stored),
    }
    return turned[orientation]


UNDO = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}

MODES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "RGB in PNG": ("RGB", "PNG", {}),
    "RGBA in PNG": ("RGBA", "PNG", {}),
    "palette in PNG": ("P", "PNG", {}),
    "RGB in TIFF": ("RGB", "TIFF", {}),
    "RGB in TIFF, LZW": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    "RGBA in TIFF": ("RGBA", "TIFF", {"compression": "tiff_deflate"}),
    "palette in TIFF": ("P", "TIFF", {}),
    "RGBX in TIFF": ("RGBX", "TIFF", {}),
    "CMYK in TIFF": ("CMYK", "TIFF", {}),
    "RGBA in TIFF, LZW": ("RGBA", "TIFF", {"compression": "tiff_lzw"}),
    "JPEG 2000": ("RGB", "JPEG2000", {}),
    "PPM": ("RGB", "PPM", {}),
    "AVIF": ("RGB", "AVIF", {"quality": 100, "subsampling": "4:4:4"}),
    "RGB in BMP": ("RGB", "BMP", {}),
    "palette in BMP": ("P", "BMP", {}),
    "lossless WebP": ("RGB", "WEBP", {"lossless": True}),
    "lossless WebP, alpha": ("RGBA", "WEBP", {"lossless": True}),
    "GIF": ("P", "GIF", {}),
    "JPEG": ("RGB", "JPEG", {"quality": 100, "subsampling": 0}),
    "CMYK in JPEG": ("CMYK", "JPEG", {"quality": 100, "subsampling": 0}),
}


def scene(seed: int) -> PIL.Image.Image:
    """Flat patches of 16 x 16 pixels in at most 12 colours: every mode can hold it."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (3, 4, 3), np.uint8)
    return PIL.Image.fromarray(patches.repeat(16, axis=0).repeat(16, axis=1))


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32), orientation=st.integers(1, 8))
def test_one_scene_looks_the_same_in_every_file(mode: str, seed: int, orientation: int) -> None:
    name, kind, options = MODES[mode]
    expected = np.asarray(scene(seed))
    stored = PIL.Image.fromarray(np.ascontiguousarray(upright(expected, UNDO[orientation])))
    picture = stored.quantize(12, dither=PIL.Image.Dither.NONE) if name == "P" else stored.convert(name)
    buffer = io.BytesIO()
    if kind in {"PNG", "JPEG", "WEBP", "TIFF", "AVIF"}:
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        options = options | {"exif": exif}
    else:
        expected = np.asarray(stored)
    picture.save(buffer, kind, **options)
    image = load_photo(buffer.getvalue()).image
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).max() <= (6 if kind in {"JPEG", "AVIF"} else 0)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_grey_looks_the_same_at_every_depth(seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (9, 13), np.uint8)
    for picture, kind in (
        (PIL.Image.fromarray(grey), "PNG"),
        (PIL.Image.fromarray(grey).convert("LA"), "PNG"),
        (PIL.Image.fromarray(grey), "TIFF"),
        (PIL.Image.fromarray(grey.astype(np.uint16) * 257), "PNG"),
        (PIL.Image.fromarray(grey.astype(np.uint16) * 257), "TIFF"),
    ):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        image = load_photo(buffer.getvalue()).image
        expected = grey[..., None].repeat(3, axis=2)
        np.testing.assert_array_equal(image, expected, err_msg=f"{picture.mode} {kind}")


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), orientation=st.integers(1, 8))
def test_colours_look_the_same_at_every_depth(seed: int, orientation: int) -> None:
    expected = np.asarray(scene(seed))
    stored = np.ascontiguousarray(upright(expected, UNDO[orientation]))
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    deep = stored.astype(np.uint16) * np.uint16(257)
    clear = np.zeros(stored.shape[:2], np.float32)
    for photo in (Photo(pixels=stored), Photo(pixels=deep), Photo(pixels=deep, alpha=clear)):
        data = encode_png(photo.pixels, photo.alpha, chunks=[(b"eXIf", exif.tobytes()[6:])])
        image = load_photo(data).image
        np.testing.assert_array_equal(image, expected if photo.alpha is None else np.full_like(expected, 255))


def test_every_format_has_a_law_here() -> None:
    assert set(FORMATS) <= {*LOSSLESS, ".webp", ".jpg", ".jpeg", ".bmp", ".avif", ".heic", ".heif"}
