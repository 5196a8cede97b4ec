from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from limner.images import average_pool, resize, resize_longest, resize_maps, resize_nearest
from tests.conftest import random_alpha, random_image


def as_pillow(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The whole picture at once, by Pillow."""
    height, width = size
    return np.asarray(PIL.Image.fromarray(array).resize((width, height), PIL.Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1500, 900), (128, 128)),
        ((64, 48), (1100, 900)),
        ((700, 500), (1100, 1900)),
        ((9, 2000), (900, 3)),
        ((5, 7), (5, 9)),
    ],
)
def test_strips_give_what_the_whole_gives(
    before: tuple[int, int], after: tuple[int, int], rng: np.random.Generator
) -> None:
    image, alpha = random_image(rng, *before), random_alpha(rng, *before)
    assert np.abs(resize(image, after).astype(int) - as_pillow(image, after)).max() <= 1  # a tie
    np.testing.assert_allclose(resize(alpha, after), as_pillow(alpha, after), atol=2e-5)  # boxes are float32


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((8, 8), (128, 96)),
        ((128, 128), (96, 128)),
        ((256, 192), (128, 128)),
        ((13, 90), (90, 13)),
        ((1, 5), (3, 1)),
    ],
)
def test_fields_give_what_each_gives(
    before: tuple[int, int], after: tuple[int, int], rng: np.random.Generator
) -> None:
    fields = rng.random((2, 3, *before), np.float32)
    found = resize_maps(fields, after)
    assert found.shape == (2, 3, *after)
    for place in np.ndindex(2, 3):
        np.testing.assert_allclose(found[place], as_pillow(fields[place], after), atol=1e-6)


def test_large_fields_are_halved_first(rng: np.random.Generator) -> None:
    alpha = random_alpha(rng, 720, 960)
    expected = as_pillow(average_pool(average_pool(alpha)), (90, 120))
    np.testing.assert_allclose(resize_maps(alpha, (90, 120)), expected, atol=1e-6)
    np.testing.assert_allclose(expected, as_pillow(alpha, (90, 120)), atol=0.05)


def test_average_pool_of_numbers_counted_by_eye() -> None:
    values = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    assert average_pool(values).tolist() == [[[2.5, 4.5], [8.5, 10.5]]]


def test_nearest_repeats_pixels() -> None:
    values = np.array([[0, 1], [2, 3]], np.float32)
    assert resize_nearest(values, (4, 3)).tolist() == [[0, 0, 1], [0, 0, 1], [2, 2, 3], [2, 2, 3]]


def test_float_images_keep_their_type(rng: np.random.Generator) -> None:
    image = rng.random((40, 30, 3), np.float32)
    found = resize(image, (20, 50))
    for channel in range(3):
        np.testing.assert_allclose(found[..., channel], as_pillow(image[..., channel], (20, 50)), atol=2e-5)


def test_16_bits_keep_their_depth(rng: np.random.Generator) -> None:
    deep = rng.integers(0, 65536, (300, 200, 3), np.uint16)
    result = resize(deep, (90, 350))
    assert result.dtype == np.uint16
    for channel in range(3):
        expected = as_pillow(deep[..., channel].astype(np.float32), (90, 350))
        assert np.abs(result[..., channel] - expected).max() <= 0.51


def test_fit_keeps_proportions() -> None:
    assert resize_longest(np.zeros((300, 200), np.float32), 30).shape == (30, 20)
    assert resize_longest(np.zeros((1, 1000, 3), np.uint8), 10).shape == (1, 10, 3)


def test_resize_is_antialiased_and_keeps_type(rng: np.random.Generator) -> None:
    stripes = np.zeros((64, 64), np.float32)
    stripes[:, ::2] = 1
    small = resize(stripes, (8, 8))
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, 0.5, atol=0.07)  # without antialiasing: 0 or 1
    assert resize(random_image(rng, 30, 20), (15, 40)).shape == (15, 40, 3)


def test_resize_keeps_the_range(rng: np.random.Generator) -> None:
    alpha = resize(random_alpha(rng, 7, 5), (70, 50))
    assert alpha.min() >= 0
    assert alpha.max() <= 1
