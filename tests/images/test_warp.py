import numpy as np
import pytest

from limner.images import sample_bilinear, warp


def test_whole_pixels(rng: np.random.Generator) -> None:
    values = rng.random((3, 40, 60), np.float32)
    shifts = np.zeros((2, 5, 7), np.float32)
    shifts[0], shifts[1] = 3 / 40, -5 / 60
    found = warp(values, shifts)
    assert np.allclose(found[:, 3:, :-5], values[:, :-3, 5:], atol=1e-5)
    assert np.allclose(found[:, :3, :-5], values[:, :1, 5:], atol=1e-5)  # the border repeated
    assert np.array_equal(warp(values[0], shifts), found[0])


def test_several_ways_at_once(rng: np.random.Generator) -> None:
    values, shifts = rng.random((32, 48), np.float32), rng.uniform(-0.1, 0.1, (2, 2, 4, 4)).astype(np.float32)
    found = warp(values, shifts)
    assert found.shape == (2, 32, 48)
    for one, shift in zip(found, shifts, strict=True):
        np.testing.assert_allclose(one, warp(values, shift), atol=1e-6)


def test_a_ramp_under_shifts_that_change() -> None:
    """Of a ramp, what is seen at a place is the ramp there less the shift there."""
    ramp = np.tile(np.arange(64, dtype=np.float32), (32, 1))
    shifts = np.zeros((2, 4, 8), np.float32)
    shifts[1] = np.linspace(-3.5, 3.5, 8) / 64
    pixels = np.arange(64)
    wanted = pixels - np.interp(pixels + 0.5, np.arange(4, 64, 8), np.linspace(-3.5, 3.5, 8))
    assert np.allclose(warp(ramp, shifts)[:, 8:-8], wanted[8:-8], atol=1e-4)


def test_between_pixels_and_beyond_the_border() -> None:
    values = np.array([[0, 1], [2, 5]], np.float32)
    rows = np.array([0.5, 1, 0.25, -3, 9], np.float32)
    columns = np.array([0.5, 0.25, 1, 0.5, 9], np.float32)
    assert sample_bilinear(values, rows, columns) == pytest.approx([2, 2.75, 2, 0.5, 5])
    assert sample_bilinear(values[:1, :1], rows, columns) == pytest.approx(0)
