from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from limner.images import Mask
from limner.mattes import masks
from tests.conftest import random_alpha


def mask(*rows: str) -> Mask:
    return np.array([[character == "#" for character in row] for row in rows])


def test_from_labels() -> None:
    labels = np.array([[0, 1], [17, 18]], np.uint8)
    assert masks.from_labels(labels).tolist() == [[False, True], [True, True]]
    assert masks.from_labels(labels, [17]).tolist() == [[False, False], [True, False]]


def test_threshold_includes_its_level() -> None:
    assert masks.threshold(np.array([[0.49, 0.5, 1.0]], np.float32)).tolist() == [[False, True, True]]


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


@pytest.mark.parametrize("radius", [0, 1, 2, 7, 50])
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


@pytest.mark.parametrize("radius", [1, 2, 3, 4, 7, 12])
def test_growing_takes_the_greatest_within_an_octagon(radius: int, rng: np.random.Generator) -> None:
    dot = np.zeros((4 * radius + 1,) * 2, np.float32)
    dot[2 * radius, 2 * radius] = 1
    reached = masks.shift_edge(dot, radius) > 0
    rows, columns = np.nonzero(reached)
    distance = np.hypot(rows - 2 * radius, columns - 2 * radius)
    assert reached[radius, 2 * radius]
    assert not reached[radius - 1].any()
    assert distance.max() <= max(1.42 * radius if radius < 3 else 1.2 * radius, 1.5)
    assert reached[np.hypot(*np.indices(dot.shape) - 2 * radius) <= 0.9 * radius].all()
    footprint = reached[radius : 3 * radius + 1, radius : 3 * radius + 1]
    alpha = random_alpha(rng, 600, 31)
    alpha[250:400] = 0.25
    expected = ndimage.grey_dilation(alpha, footprint=footprint, mode="constant", cval=0)
    np.testing.assert_array_equal(masks.shift_edge(alpha, radius), expected)
    expected = ndimage.grey_erosion(alpha, footprint=footprint, mode="constant", cval=1)
    np.testing.assert_allclose(masks.shift_edge(alpha, -radius), expected, atol=1e-7)


def test_a_straight_edge_moves_by_fractions() -> None:
    step = np.zeros((5, 20), np.float32)
    step[:, 10:] = 1
    for pixels in (-2.75, -1, 0, 0.25, 1.5, 3):
        assert masks.shift_edge(step, pixels).sum(axis=1) == pytest.approx([10 + pixels] * 5)


@pytest.mark.parametrize("value", [0, 1])
def test_nothing_moves_where_nothing_ends(value: float) -> None:
    alpha = np.full((30, 20), value, np.float32)
    for pixels in (-3, 2.5):
        np.testing.assert_array_equal(masks.shift_edge(alpha, pixels), alpha)
    np.testing.assert_array_equal(masks.feather(alpha, 4), alpha)


def test_strips_leave_no_seams(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = random_alpha(rng, 90, 20)
    whole = masks.feather(alpha, 5), masks.shift_edge(alpha, 2.5)
    monkeypatch.setattr(masks, "STRIP", 7)
    np.testing.assert_allclose(masks.feather(alpha, 5), whole[0], atol=1e-6)
    np.testing.assert_array_equal(masks.shift_edge(alpha, 2.5), whole[1])


def test_components_are_those_of_scipy(rng: np.random.Generator) -> None:
    for density in (0.3, 0.5, 0.6, 0.9):
        noise = rng.random((37, 53)) < density
        found = masks.connected_components(noise)
        expected, count = ndimage.label(noise)
        assert found.max() == count
        pairs = {(int(a), int(b)) for a, b in zip(found.ravel(), expected.ravel(), strict=True)}
        assert len(pairs) == count + 1  # one to one
    assert not masks.connected_components(np.zeros((4, 5), bool)).any()


def test_largest_keeps_the_soft_edge_of_what_it_keeps() -> None:
    alpha = np.zeros((10, 20), np.float32)
    alpha[2:8, 2:8], alpha[2:8, 8] = 1, 0.3
    alpha[4:6, 14:16] = 1
    np.testing.assert_array_equal(masks.keep_largest(alpha, 1)[:, :10], alpha[:, :10])
    assert not masks.keep_largest(alpha, 1)[:, 10:].any()
    np.testing.assert_array_equal(masks.keep_largest(alpha, 5), alpha)
    assert not masks.keep_largest(np.zeros((3, 3), np.float32), 1).any()


def test_a_speck_is_no_subject_and_is_taken_away() -> None:
    alpha = np.zeros((50, 60), np.float32)
    alpha[10:40, 10:40], alpha[10:40, 40] = 1, 0.3
    clean = alpha.copy()
    alpha[2, 50] = 0.9
    for found in (masks.keep_largest(alpha, 2), masks.remove_specks(alpha)):
        np.testing.assert_array_equal(found, clean)
    np.testing.assert_array_equal(masks.remove_small_parts(alpha >= 0.5), clean >= 0.5)
    assert masks.remove_small_parts(alpha >= 0.5, 0.001)[2, 50]
    assert not masks.remove_small_parts(np.zeros((3, 3), bool)).any()


@pytest.mark.parametrize("scale", [1, 20])  # the larger one is looked at on a grid
def test_what_no_certain_core_supports_is_taken_away(scale: int) -> None:
    small = np.zeros((50, 100), np.float32)
    small[10:40, 5:30], small[10:40, 30] = 1, 0.3  # a subject and its soft edge
    kept = small.copy()
    kept[20:40, 60:70] = 0.8  # a second person, certain in the middle
    kept[25:35, 63:67] = 0.97
    alpha = kept.copy()
    alpha[5:25, 80:95] = 0.9  # a ghost
    alpha[:3, 60:80] = 0.2  # a smear
    alpha, kept = (values.repeat(scale, 0).repeat(scale, 1) for values in (alpha, kept))
    np.testing.assert_array_equal(masks.remove_specks(alpha), kept)
    assert masks.remove_specks(kept) is kept


def test_an_unsure_subject_stays_if_there_is_no_other() -> None:
    alpha = np.zeros((20, 30), np.float32)
    alpha[5:15, 5:15] = 0.6
    assert masks.remove_specks(alpha) is alpha
    assert not masks.remove_specks(alpha * 0.5).any()


@pytest.mark.parametrize("radius", [1, 2, 3, 4, 7, 12, 40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_box_mean_is_the_mean_of_the_square(radius: int, dtype: Any) -> None:
    values: Any = np.random.default_rng(radius).normal(100, 30, (2, 19, 23)).astype(dtype)
    means = masks.box_mean(values, radius)
    assert means.dtype == dtype
    for y, x in np.ndindex(19, 23):
        square = values[:, max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        np.testing.assert_allclose(means[:, y, x], square.mean(axis=(1, 2), dtype=float), rtol=1e-5)
    assert (masks.box_mean(np.ones((19, 23), dtype), radius) == 1).all()
