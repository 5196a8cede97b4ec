import numpy as np
import pytest
from scipy import ndimage

from limner import masks
from limner.errors import InputError
from limner.images import Mask
from tests.conftest import random_alpha


def mask(*rows: str) -> Mask:
    return np.array([[character == "#" for character in row] for row in rows])


def test_from_labels() -> None:
    labels = np.array([[0, 1], [17, 18]], np.uint8)
    assert masks.from_labels(labels).tolist() == [[False, True], [True, True]]
    assert masks.from_labels(labels, [17]).tolist() == [[False, False], [True, False]]


def test_threshold_includes_its_level() -> None:
    assert masks.threshold(np.array([[0.49, 0.5, 1.0]], np.float32)).tolist() == [[False, True, True]]


def test_to_uint8_rounds_and_clips() -> None:
    values = np.array([[-0.1, 0.0, 128 / 255, 127.6 / 255, 1.0, 1.2]], np.float32)
    assert masks.to_uint8(values).tolist() == [[0, 0, 128, 128, 255, 255]]


def test_edge_band_by_eye() -> None:
    band = masks.edge_band(mask("..####", "..####", "..####"), 1)
    np.testing.assert_array_equal(band, mask(".##...", ".##...", ".##..."))


@pytest.mark.parametrize("radius", [1, 3])
def test_edge_band_agrees_with_dilation_and_erosion(radius: int, rng: np.random.Generator) -> None:
    blob = ndimage.gaussian_filter(rng.standard_normal((40, 30)), 3) > 0
    square = np.ones((2 * radius + 1,) * 2, bool)
    grown = ndimage.binary_dilation(blob, square)
    shrunk = ndimage.binary_erosion(blob, square, border_value=1)
    np.testing.assert_array_equal(masks.edge_band(blob, radius), grown & ~shrunk)


@pytest.mark.parametrize("radius", [1, 2, 7, 50])
def test_dilate_and_erode_agree_with_scipy(radius: int, rng: np.random.Generator) -> None:
    blob = ndimage.gaussian_filter(rng.standard_normal((40, 31)), 3) > 0
    square = np.ones((2 * radius + 1,) * 2, bool)
    np.testing.assert_array_equal(masks.dilate(blob, radius), ndimage.binary_dilation(blob, square))
    for outside in (True, False):
        expected = ndimage.binary_erosion(blob, square, border_value=outside)
        np.testing.assert_array_equal(masks.erode(blob, radius, outside=outside), expected)
        expected = ndimage.binary_dilation(blob, square, border_value=outside)
        np.testing.assert_array_equal(masks.dilate(blob, radius, outside=outside), expected)


def test_no_band_without_an_edge() -> None:
    assert not masks.edge_band(np.ones((5, 5), bool), 2).any()
    assert not masks.edge_band(np.zeros((5, 5), bool), 2).any()


def test_trimap_by_eye() -> None:
    assert masks.trimap(mask("...####"), 1).tolist() == [[0, 0, 128, 128, 255, 255, 255]]


def test_feather_agrees_with_scipy_away_from_the_border(rng: np.random.Generator) -> None:
    alpha = random_alpha(rng, 30, 40)
    once = ndimage.uniform_filter(alpha.astype(np.float64), 5)
    expected = ndimage.uniform_filter(once, 5)[4:-4, 4:-4]
    np.testing.assert_allclose(masks.feather(alpha, 2)[4:-4, 4:-4], expected, atol=1e-6)


def test_feather_keeps_a_subject_opaque_at_the_border() -> None:
    alpha = np.zeros((20, 20), np.float32)
    alpha[:, 10:] = 1
    soft = masks.feather(alpha, 2)
    assert soft[:, -1].tolist() == [1.0] * 20
    np.testing.assert_allclose(soft[10, 9] + soft[10, 10], 1, atol=1e-6)


def test_radius_must_be_positive() -> None:
    with pytest.raises(InputError, match="at least 1"):
        masks.edge_band(np.ones((3, 3), bool), 0)
