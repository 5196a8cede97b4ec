import io
from typing import Any

import numpy as np
import PIL.Image
import pytest

from limner.errors import InputError
from limner.images import encode_image, load_alpha, load_image, picture_size
from tests.datasets.layouts import box, picture

LEVELS = np.array([[0, 51], [204, 255]], np.uint8)


def encoded(image: PIL.Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def grey_palette() -> PIL.Image.Image:
    indexed = PIL.Image.fromarray(np.array([[3, 2], [1, 0]], np.uint8))
    indexed.putpalette([channel for level in (255, 204, 51, 0) for channel in (level,) * 3])
    return indexed


@pytest.mark.parametrize(
    "mask",
    [
        PIL.Image.fromarray(LEVELS),
        PIL.Image.fromarray(np.dstack([LEVELS] * 3)),
        PIL.Image.fromarray(LEVELS.astype(np.uint16) * 257),
        PIL.Image.fromarray(np.dstack([np.full((2, 2, 3), 7, np.uint8), LEVELS])),
        PIL.Image.fromarray(np.dstack([LEVELS] * 3 + [np.full((2, 2), 255, np.uint8)])),
        PIL.Image.merge("LA", (PIL.Image.new("L", (2, 2), 9), PIL.Image.fromarray(LEVELS))),
        grey_palette(),
    ],
    ids=["grey", "rgb", "16 bit", "rgba", "opaque rgba", "la", "palette"],
)
def test_opacity_in_every_form(mask: PIL.Image.Image) -> None:
    alpha = load_alpha(encoded(mask))
    assert alpha.dtype == np.float32
    assert alpha == pytest.approx(LEVELS / 255)


def test_one_bit_is_all_or_nothing() -> None:
    assert load_alpha(encoded(PIL.Image.fromarray(LEVELS > 100))).tolist() == [[0, 0], [1, 1]]


def test_a_coloured_picture_is_no_mask() -> None:
    with pytest.raises(InputError, match="the picture is not a mask: it has colours"):
        load_alpha(encode_image(picture(1), ".png"))


def test_a_jpeg_is_decoded_smaller_but_not_too_small() -> None:
    image = picture(1, 256)
    data = encode_image(image, ".jpg")
    assert load_image(data, least_side=257).shape == (256, 256, 3)
    small = load_image(data, least_side=64)
    assert small.shape == (64, 64, 3)
    means = image.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - means).mean() < 1.5
    assert load_image(data, least_side=65).shape == (128, 128, 3)
    assert load_image(encode_image(image, ".png"), least_side=64).shape == (256, 256, 3)


@pytest.mark.parametrize(("turn", "size"), [(1, (20, 30)), (3, (20, 30)), (6, (30, 20)), (8, (30, 20))])
def test_picture_size_is_that_of_the_upright_picture(turn: int, size: tuple[int, int]) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = turn
    data = encoded(PIL.Image.new("RGB", (30, 20)), exif=exif)
    assert picture_size(data) == size == load_image(data).shape[:2]


def test_one_wrong_byte_in_a_png_is_noticed() -> None:
    data = encoded(PIL.Image.fromarray(np.where(box(20, 30, 200, 220, side=256), np.uint8(255), np.uint8(0))))
    first = data.index(b"IDAT") + 4
    for position in range(first, data.index(b"IEND") - 4, 11):
        broken = bytearray(data)
        broken[position] ^= 0x10
        with pytest.raises(InputError, match="damaged"):
            load_alpha(bytes(broken))
