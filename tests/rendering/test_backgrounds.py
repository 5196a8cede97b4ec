import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from limner.rendering.backgrounds import (
    _gaussian,
    blurred,
    desaturated,
    from_linear,
    lay_out,
    shadow,
    to_linear,
)
from tests.conftest import random_image


def test_cover_keeps_proportions_and_the_middle() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 15:25] = 255
    assert lay_out(wide, (10, 10)).min() == 255
    assert lay_out(wide, (20, 20)).shape == (20, 20, 3)
    assert lay_out(wide, (7, 100)).shape == (7, 100, 3)
    assert lay_out(wide, (10, 10), align=(0.5, 0)).max() == 0


def test_contain_shows_all_of_it_on_white() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    laid = lay_out(wide, (40, 40), fit="contain", align=(1, 0.5))
    assert laid[:30].min() == 255
    assert laid[30:].max() == 0


def test_tiles_start_where_the_picture_stands(rng: np.random.Generator) -> None:
    tile = random_image(rng, 3, 4)
    laid = lay_out(tile, (7, 9), fit="tile", align=(0, 0))
    for row in range(7):
        for column in range(9):
            assert laid[row, column].tolist() == tile[row % 3, column % 4].tolist()
    last = lay_out(tile, (7, 9), fit="tile", align=(1, 1))
    np.testing.assert_array_equal(last[4:, 5:], tile)


@pytest.mark.parametrize("lens", [False, True])
@pytest.mark.parametrize("radius", [3.0, 20.0])
def test_the_subject_leaves_no_trace_in_the_blur(lens: bool, radius: float) -> None:
    image = np.full((80, 90, 3), (40, 90, 160), np.uint8)
    alpha = np.zeros((80, 90), np.float32)
    alpha[30:60, 20:70] = 1
    image[alpha == 1] = (255, 0, 0)
    behind = blurred(image, alpha, radius=radius, lens=lens)
    outside = np.abs(behind.astype(int) - (40, 90, 160))[alpha == 0]
    # Above 8 pixels the blur is made on a smaller copy, where a pixel of the subject's edge holds both.
    assert outside.max() <= (0 if radius < 8 else 2)


def test_small_gaussian_blur_is_the_known_one(rng: np.random.Generator) -> None:
    image = random_image(rng, 40, 50)
    found = to_linear(blurred(image, np.zeros((40, 50), np.float32), radius=4.0))
    exact = gaussian_filter(to_linear(image), (2, 2, 0), mode="nearest", truncate=3)
    np.testing.assert_allclose(found, exact, atol=0.006)


def test_lens_spreads_a_light_over_a_disc() -> None:
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 255
    spread = blurred(image, np.zeros((41, 41), np.float32), radius=6, lens=True)[..., 0] > 0
    rows, columns = np.nonzero(spread)
    distances = np.hypot(rows - 20, columns - 20)
    assert distances.max() <= 6.5
    assert spread.sum() == pytest.approx(np.pi * 6.5**2, rel=0.05)


def test_blur_is_made_in_linear_light() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    image[:, ::2] = 255
    middle = blurred(image, np.zeros((60, 60), np.float32), radius=8)[30, 30, 0]
    assert middle == pytest.approx(188, abs=1)  # half of the light, not half of the value


def test_grey_keeps_the_luminance() -> None:
    grey = desaturated(np.array([[(255, 0, 0), (0, 255, 0), (90, 90, 90)]], np.uint8))[0]
    assert (grey[:, 0] == grey[:, 1]).all()
    assert (grey[:, 0] == grey[:, 2]).all()
    assert grey[2, 0] == 90
    assert to_linear(grey)[0, 0] == pytest.approx(0.2126, abs=0.004)
    assert to_linear(grey)[1, 0] == pytest.approx(0.7152, abs=0.004)


def test_linear_and_back_is_exact() -> None:
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(from_linear(to_linear(values)), values)


def test_shadow_falls_to_the_right_and_below() -> None:
    alpha = np.zeros((200, 200), np.float32)
    alpha[60:120, 60:120] = 1
    fallen = shadow(alpha, opacity=0.6)
    rows, columns = np.indices(fallen.shape)
    assert 0.5 < fallen.max() <= 0.6
    assert (rows * fallen).sum() / fallen.sum() == pytest.approx(89.5 + 3, abs=0.7)
    assert (columns * fallen).sum() / fallen.sum() == pytest.approx(89.5 + 3, abs=0.7)


@pytest.mark.parametrize("sigma", [1.5, 4.0, 8.0])
def test_a_gaussian_is_as_wide_as_it_says(sigma: float) -> None:
    point = np.zeros((1, 101, 101), np.float32)
    point[0, 50, 50] = 1
    soft = _gaussian(point, sigma)[0]
    offsets = np.arange(101) - 50
    assert soft.sum() == pytest.approx(1, rel=1e-4)
    assert np.sqrt((soft.sum(axis=0) * offsets**2).sum()) == pytest.approx(sigma, rel=0.03)
    assert np.sqrt((soft.sum(axis=1) * offsets**2).sum()) == pytest.approx(sigma, rel=0.03)


def test_light_by_hand() -> None:
    """IEC 61966-2-1: half the light is grey level 188, level 128 is 21.6 % of it."""
    assert from_linear(np.full((1, 1, 3), 0.5, np.float32)).tolist() == [[[188] * 3]]
    assert to_linear(np.full((1, 1, 3), 128, np.uint8)) == pytest.approx(0.2159, abs=1e-4)
    values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(from_linear(to_linear(values)), values)


def test_stripes_blur_to_their_mean_light() -> None:
    stripes = np.zeros((80, 80, 3), np.uint8)
    stripes[:, ::2] = 255
    soft = blurred(stripes, np.zeros((80, 80), np.float32), radius=8)  # of more, a smaller copy is blurred
    assert np.abs(soft[20:60, 20:60].astype(int) - 188).max() <= 2
