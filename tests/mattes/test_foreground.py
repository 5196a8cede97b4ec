import numpy as np
import pytest
from numpy.typing import NDArray

from limner.datasets.synthetic import paint_portrait
from limner.errors import InputError
from limner.mattes.foreground import estimate_foreground
from limner.rendering.backgrounds import composite
from tests.conftest import random_alpha, random_image

BACKGROUNDS = {"white": (255, 255, 255), "green": (40, 200, 60), "black": (0, 0, 0), "painted": None}


def error(found: NDArray[np.integer], true: NDArray[np.integer], alpha: NDArray[np.float32]) -> float:
    band = (alpha > 0.02) & (alpha < 0.98)
    return float(np.abs(found[band].astype(float) - true[band]).mean())


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("seed", range(2))
def test_the_background_goes_out_of_the_edge(background: str, seed: int) -> None:
    layers = paint_portrait(np.random.default_rng(seed), (256, 256))
    colour = BACKGROUNDS[background]
    image = composite(layers.foreground, layers.alpha, layers.background if colour is None else colour)
    raw = error(image, layers.foreground, layers.alpha)
    assert error(estimate_foreground(image, layers.alpha), layers.foreground, layers.alpha) < raw / 2


def test_sixteen_bits_give_the_same_colours() -> None:
    layers = paint_portrait(np.random.default_rng(0), (200, 150))
    image = composite(layers.foreground, layers.alpha, layers.background)
    deep = estimate_foreground(image.astype(np.uint16) * 257, layers.alpha)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - estimate_foreground(image, layers.alpha)).max() <= 0.6


def test_pure_pixels_and_arguments_are_left_alone(rng: np.random.Generator) -> None:
    image, alpha = random_image(rng, 40, 50), random_alpha(rng, 40, 50)
    alpha[:10], alpha[10:20] = 0, 1
    copies = image.copy(), alpha.copy()
    result = estimate_foreground(image, alpha)
    np.testing.assert_array_equal(result[:20], image[:20])
    assert (result[20:] != image[20:]).any()
    np.testing.assert_array_equal(image, copies[0])
    np.testing.assert_array_equal(alpha, copies[1])
    np.testing.assert_array_equal(estimate_foreground(image, np.zeros((40, 50), np.float32)), image)


def test_sizes_must_agree(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="sizes differ"):
        estimate_foreground(random_image(rng, 6, 6), np.zeros((6, 5), np.float32))


def test_colours_that_change_along_the_edge_are_followed() -> None:
    """Of 12 rows a stripe: either window alone is 37 levels off, the wide one and then the narrow one 29."""
    rows, columns = np.mgrid[:256, :256]
    odd = rows // 12 % 2 == 1
    stripes = np.stack([np.where(odd, 220, 40), np.where(odd, 60, 180), np.full(rows.shape, 90)], axis=2)
    alpha = ((columns - 120) / 10 + 0.5).clip(0, 1).astype(np.float32)
    image = composite(stripes.astype(np.uint8), alpha, (20, 200, 30))
    assert error(estimate_foreground(image, alpha), stripes, alpha) < 33
