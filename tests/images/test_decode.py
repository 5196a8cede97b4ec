import io
import logging
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from limner.errors import InputError
from limner.images import (
    FORMATS,
    as_image,
    encode_image,
    load_grey,
    load_image,
    parse_colour,
    save_image,
)
from tests.conftest import PORTRAIT, random_image


def encoded(picture: PIL.Image.Image, name: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, name, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def spoilt_avif() -> bytes:
    """A file whose headers are right and whose picture is not."""
    whole = encoded(PIL.Image.open(PORTRAIT).resize((64, 64)), "AVIF", speed=10)
    start = whole.index(b"mdat") + 4
    return whole[:start] + bytes(len(whole) - start)


def test_path_bytes_stream_and_pillow_agree() -> None:
    image = load_image(PORTRAIT)
    assert image.shape == (512, 512, 3)
    assert image.dtype == np.uint8
    with PORTRAIT.open("rb") as stream:
        np.testing.assert_array_equal(image, load_image(stream))
    np.testing.assert_array_equal(image, load_image(PORTRAIT.read_bytes()))
    with PIL.Image.open(PORTRAIT) as picture:
        np.testing.assert_array_equal(image, as_image(picture))
    np.testing.assert_array_equal(image, as_image(str(PORTRAIT)))


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (PIL.Image.new("L", (4, 3), 77), (77, 77, 77)),
        (PIL.Image.new("1", (4, 3), 1), (255, 255, 255)),
        (PIL.Image.new("LA", (4, 3), (100, 0)), (255, 255, 255)),
        (PIL.Image.new("RGBA", (4, 3), (255, 0, 0, 51)), (255, 204, 204)),
        (PIL.Image.new("I;16", (4, 3), 65535), (255, 255, 255)),
        (PIL.Image.new("I;16", (4, 3), 257 * 77 + 100), (77, 77, 77)),
        (PIL.Image.new("P", (4, 3), 5), None),
    ],
    ids=lambda value: getattr(value, "mode", ""),
)
def test_modes(picture: PIL.Image.Image, expected: tuple[int, int, int] | None) -> None:
    if expected is None:
        picture.putpalette([0, 0, 0] * 5 + [10, 20, 30])
        expected = (10, 20, 30)
    image = load_image(encoded(picture))
    assert image.shape == (3, 4, 3)
    assert np.unique(image.reshape(-1, 3), axis=0).tolist() == [list(expected)]


def test_cmyk() -> None:
    image = load_image(encoded(PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert image[4, 4, 0] > 200
    assert image[4, 4, 1] < 60


def test_32_bits_are_refused() -> None:
    with pytest.raises(InputError, match="32-bit"):
        load_image(encoded(PIL.Image.new("I", (4, 4), 70000), "TIFF"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int, rng: np.random.Generator) -> None:
    stored = random_image(rng, 6, 9)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored),
    }[orientation]
    np.testing.assert_array_equal(load_image(encoded(PIL.Image.fromarray(stored), exif=exif)), upright)


def test_animation_gives_its_first_frame_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with caplog.at_level(logging.WARNING):
        image = load_image(data)
    assert image[0, 0].tolist() == [255, 0, 0]
    assert "only the first is used" in caplog.text


def test_colour_profile_is_converted_to_srgb() -> None:
    picture = PIL.Image.new("RGB", (4, 4), (50, 100, 200))
    lab_like = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB"))
    np.testing.assert_array_equal(
        load_image(encoded(picture, icc_profile=lab_like.tobytes())), load_image(encoded(picture))
    )


def test_unusable_colour_profile_is_said(caplog: pytest.LogCaptureFixture) -> None:
    data = encoded(PIL.Image.new("RGB", (4, 4), "red"), "JPEG", icc_profile=b"nonsense" * 20)
    with caplog.at_level(logging.WARNING):
        load_image(data)
    assert "taken as sRGB" in caplog.text


@pytest.mark.filterwarnings("ignore:Image size")
def test_bad_sources(tmp_path: Path) -> None:
    whole = PORTRAIT.read_bytes()
    files = {
        "empty.jpg": (b"", "is empty"),
        "text.jpg": (b"not a picture at all", "not a picture that Limner reads"),
        "half.jpg": (whole[: len(whole) // 2], "is damaged"),
        "half.png": (encoded(PIL.Image.fromarray(load_image(PORTRAIT)))[:5000], "is damaged"),
        "spoilt.avif": (spoilt_avif(), "is damaged"),
        "huge.png": (png_header(40_000, 40_000), "too large"),
        "large.png": (png_header(10_000, 15_000), "too large"),
    }
    for name, (data, message) in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=message) as caught:
            load_image(tmp_path / name, max_pixels=100_000_000)
        assert name in str(caught.value)
    with pytest.raises(InputError, match=r"no such file: .*none\.jpg"):
        load_image(tmp_path / "none.jpg")
    with pytest.raises(InputError, match="is a directory"):
        load_image(tmp_path)


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 2)), np.zeros((4, 4, 3), np.int64), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused(array: Any) -> None:
    with pytest.raises(InputError, match=r"\(H, W, 3\) uint8"):
        as_image(array)


def test_load_grey_keeps_indices_and_alpha() -> None:
    palette = PIL.Image.fromarray(np.array([[0, 3], [18, 7]], np.uint8), "L").copy()
    indexed = PIL.Image.new("P", (2, 2))
    indexed.putpalette(list(range(57)))
    indexed.putdata([0, 3, 18, 7])
    assert load_grey(encoded(palette)).tolist() == [[0, 3], [18, 7]]
    assert load_grey(encoded(indexed)).tolist() == [[0, 3], [18, 7]]
    assert load_grey(encoded(PIL.Image.new("RGBA", (2, 1), (9, 9, 9, 200)))).tolist() == [[200, 200]]
    assert load_grey(encoded(PIL.Image.new("1", (2, 1), 1))).tolist() == [[255, 255]]
    with pytest.raises(InputError, match="not a mask"):
        load_grey(PORTRAIT)


@pytest.mark.parametrize("extension", [name for name in FORMATS if name not in {".jpg", ".jpeg", ".bmp"}])
def test_straight_alpha_survives(extension: str, rng: np.random.Generator) -> None:
    picture = np.dstack((random_image(rng, 16, 24), rng.integers(0, 256, (16, 24), dtype=np.uint8)))
    picture[3, 5] = (200, 100, 50, 128)
    with PIL.Image.open(io.BytesIO(encode_image(picture, extension))) as read:
        decoded = np.asarray(read.convert("RGBA"))
    lossy = 8 if extension in {".avif", ".heic", ".heif"} else 0
    assert np.abs(decoded[..., 3].astype(int) - picture[..., 3]).max() <= lossy
    if extension in {".png", ".tif", ".tiff"}:
        np.testing.assert_array_equal(decoded, picture)


def test_targets_that_cannot_be(tmp_path: Path, rng: np.random.Generator) -> None:
    rgba = np.dstack((random_image(rng, 4, 4), np.zeros((4, 4), np.uint8)))
    with pytest.raises(InputError, match=r"a\.xyz: unknown picture format"):
        save_image(tmp_path / "a.xyz", rgba)
    with pytest.raises(InputError, match="JPEG has no transparency"):
        save_image(tmp_path / "a.jpg", rgba)
    with pytest.raises(InputError, match="WEBP cannot hold"):
        encode_image(np.zeros((1, 20_000, 3), np.uint8), ".webp")
    assert list(tmp_path.iterdir()) == []


def test_colours() -> None:
    assert parse_colour("white") == (255, 255, 255, 255)
    assert parse_colour("#c8643280") == (200, 100, 50, 128)
    assert parse_colour("rgb(1, 2, 3)") == (1, 2, 3, 255)
    assert parse_colour("rgba(1, 2, 3, 128)") == (1, 2, 3, 128)
    assert parse_colour("rgba(1, 2, 3, 0.4)") == (1, 2, 3, 102)
    assert parse_colour("rgba(1, 2, 3, 1.0)") == (1, 2, 3, 255)
    for high in ("rgb(256, 0, 0)", "rgba(0, 0, 0, 999)"):
        with pytest.raises(InputError, match="end at 255"):
            parse_colour(high)
    with pytest.raises(InputError, match="'whit' is not a colour"):
        parse_colour("whit")


def test_formats_that_start_other_programs_are_not_opened() -> None:
    with pytest.raises(InputError, match="not a picture that Limner reads"):
        load_image(encoded(PIL.Image.new("RGB", (4, 4)), "EPS"))
