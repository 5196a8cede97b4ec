import io

import numpy as np
import PIL.Image
import pytest

from limner.images import Image
from limner.models.bars import between_bars
from limner.models.segmenter import Segmenter


def put(image: Image, canvas: tuple[int, int], colour: int = 0) -> tuple[Image, tuple[slice, slice]]:
    """The picture in the middle of a canvas of one colour, and its place there."""
    height, width = image.shape[:2]
    top, left = (canvas[0] - height) // 2, (canvas[1] - width) // 2
    place = slice(top, top + height), slice(left, left + width)
    whole = np.full((*canvas, 3), colour, np.uint8)
    whole[place] = image
    return whole, place


@pytest.mark.parametrize("canvas", [(900, 512), (512, 1300), (700, 640)])
@pytest.mark.parametrize("colour", [0, 255, 127])
def test_what_stands_between_bars(portrait: Image, canvas: tuple[int, int], colour: int) -> None:
    whole, place = put(portrait, canvas, colour)
    assert between_bars(whole) == place


def test_bars_after_jpeg(portrait: Image) -> None:
    whole, place = put(portrait, (900, 512))
    file = io.BytesIO()
    PIL.Image.fromarray(whole).save(file, "JPEG", quality=85)
    found = between_bars(np.array(PIL.Image.open(file)))
    for axis, wanted in zip(found, place, strict=True):
        assert abs(axis.start - wanted.start) <= 16
        assert abs(axis.stop - wanted.stop) <= 16


def test_a_backdrop_is_no_bar() -> None:
    rows, columns = np.ogrid[:300, :200]
    studio = np.full((300, 200, 3), 255, np.uint8)
    studio[(rows - 150) ** 2 + (columns - 100) ** 2 < 80**2] = 90  # round, with white on all sides
    assert between_bars(studio) == (slice(0, 300), slice(0, 200))


@pytest.mark.parametrize("shape", [(16, 16), (400, 300)])
def test_one_colour_has_no_bars(shape: tuple[int, int]) -> None:
    assert between_bars(np.zeros((*shape, 3), np.uint8)) == tuple(slice(0, length) for length in shape)


def test_one_bar_stays(portrait: Image) -> None:
    captioned = np.concatenate([portrait, np.zeros((80, 512, 3), np.uint8)])
    assert between_bars(captioned) == (slice(0, 592), slice(0, 512))


def test_the_network_does_not_see_bars(portrait: Image) -> None:
    model = Segmenter("base")
    whole, place = put(portrait, (1536, 512))
    alone, found = model.batch([portrait, whole])
    np.testing.assert_allclose(found[place], alone, atol=1e-5)
    found[place] = 0
    assert not found.any()


def test_two_halves_are_no_bars() -> None:
    halves = np.full((40, 50, 3), 15, np.uint8)
    halves[:, :20] = 240
    assert between_bars(halves) == (slice(0, 40), slice(0, 50))
    assert Segmenter("small", device="cpu")(halves).shape == (40, 50)
