import numpy as np

from limner.images import finer, moved


def test_whole_pixels(rng: np.random.Generator) -> None:
    image = rng.integers(0, 255, (40, 60, 3), np.uint8)
    shifts = np.zeros((2, 5, 7), np.float32)
    shifts[0], shifts[1] = 3 / 40, -5 / 60
    found = moved(image, shifts)
    assert np.array_equal(found[3:, :-5], image[:-3, 5:])
    assert np.array_equal(found[:3, :-5], np.repeat(image[:1, 5:], 3, axis=0))  # the border repeated
    alpha = rng.random((40, 60), np.float32)
    assert np.allclose(moved(alpha, shifts)[3:, :-5], alpha[:-3, 5:], atol=1e-6)


def test_a_ramp_under_shifts_that_change() -> None:
    """Of a ramp, what is seen at a place is the ramp there less the shift there."""
    ramp = np.tile(np.arange(64, dtype=np.float32), (32, 1))
    shifts = np.zeros((2, 5, 9), np.float32)
    shifts[1] = np.linspace(-4, 4, 9) / 64
    middles = np.arange(64) + 0.5
    wanted = np.arange(64) - np.interp(middles, np.linspace(0, 64, 9), np.linspace(-4, 4, 9))
    assert np.allclose(moved(ramp, shifts)[:, 8:-8], wanted[8:-8], atol=0.05)


def test_only_some_cells(rng: np.random.Generator) -> None:
    alpha = rng.random((40, 60), np.float32)
    shifts = np.full((2, 3, 4), 0.1, np.float32)
    where = np.array([[True, False, False], [False, False, True]])
    inside = where.repeat(20, axis=0).repeat(20, axis=1)
    found = moved(alpha, shifts, where)
    assert np.array_equal(found, np.where(inside, moved(alpha, shifts), alpha))


def test_a_finer_grid_moves_alike(rng: np.random.Generator) -> None:
    alpha = rng.random((64, 96), np.float32)
    shifts = rng.normal(0, 0.02, (2, 5, 3)).astype(np.float32)
    assert finer(shifts).shape == (2, 9, 5)
    assert np.allclose(moved(alpha, finer(shifts)), moved(alpha, shifts), atol=1e-5)
