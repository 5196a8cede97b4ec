import io

import numpy as np
import PIL.Image
import pytest

from limner.images import encode_image, to_uint8
from limner.rendering.backgrounds import composite
from limner.rendering.render import render
from tests.conftest import random_alpha, random_image


def test_straight_alpha_by_hand() -> None:
    image = np.full((1, 1, 3), (200, 100, 50), np.uint8)
    alpha = np.full((1, 1), 128 / 255, np.float32)
    assert render(image, alpha).tolist() == [[[200, 100, 50, 128]]]
    assert composite(image, alpha, (0, 0, 0)).tolist() == [[[100, 50, 25]]]
    assert composite(image, alpha, (255, 255, 255)).tolist() == [[[227, 177, 152]]]


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (12, 200, 99)])
def test_a_saved_cutout_renders_as_the_equation(
    colour: tuple[int, int, int], rng: np.random.Generator
) -> None:
    image, alpha = random_image(rng, 64, 48), random_alpha(rng, 64, 48)
    cut = np.dstack((image, to_uint8(alpha)))
    picture = PIL.Image.open(io.BytesIO(encode_image(cut, ".png")))
    background = PIL.Image.new("RGBA", picture.size, colour)
    rendered = np.asarray(PIL.Image.alpha_composite(background, picture).convert("RGB")).astype(int)
    exact = alpha[..., None] * image + (1 - alpha[..., None]) * np.array(colour)
    assert np.abs(rendered - exact).max() <= 1.5  # one level, and half a level of rounding
    ours = composite(image, alpha, colour).astype(int)
    assert np.abs(ours - exact).max() <= 0.5 + 1e-3
    assert np.abs(rendered - ours).max() <= 1


def test_ends_of_the_range_are_exact(rng: np.random.Generator) -> None:
    image, behind = random_image(rng, 8, 8), random_image(rng, 8, 8)
    np.testing.assert_array_equal(composite(image, np.ones((8, 8), np.float32), behind), image)
    np.testing.assert_array_equal(composite(image, np.zeros((8, 8), np.float32), behind), behind)


def test_arguments_are_left_alone(rng: np.random.Generator) -> None:
    image, alpha = random_image(rng, 6, 6), random_alpha(rng, 6, 6)
    copies = image.copy(), alpha.copy()
    render(image, alpha)
    composite(image, alpha, (1, 2, 3))
    np.testing.assert_array_equal(image, copies[0])
    np.testing.assert_array_equal(alpha, copies[1])
