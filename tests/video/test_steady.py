import numpy as np
import pytest

from limner.images import Alpha, Image
from limner.masks import edge_band
from limner.matting import dtssd
from limner.video.steady import SLOW, Steady


def noisy(rng: np.random.Generator, image: Image) -> Image:
    return (image + rng.normal(0, 3, image.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def room(rng: np.random.Generator) -> Image:
    """Coarse texture, (64, 64, 3)."""
    return rng.integers(40, 200, (16, 16, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)


def test_noise_of_a_still_picture_is_filtered(rng: np.random.Generator, room: Image) -> None:
    truth = [np.full((64, 64), 0.5, np.float32)] * 30
    raw: list[Alpha] = [(0.5 + rng.normal(0, 0.1, (64, 64))).astype(np.float32) for _ in truth]
    steady = Steady()
    filtered = [steady(noisy(rng, room), alpha) for alpha in raw]
    # a first-order recursion with share k has variance k / (2 - k); its steps have k^2 * 2 / (2 - k)
    expected = np.sqrt(SLOW**2 * 2 / (2 - SLOW) / 2)
    assert dtssd(filtered[10:], truth[10:]) / dtssd(raw[10:], truth[10:]) == pytest.approx(expected, rel=0.25)


def test_noise_is_filtered_on_what_moves(rng: np.random.Generator, room: Image) -> None:
    raw, truth, filtered = [], [], []
    steady = Steady()
    texture = rng.integers(40, 200, (12, 8, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    for left in range(0, 30, 2):
        image, alpha = room.copy(), np.zeros((64, 64), np.float32)
        image[12:60, left : left + 32] = texture
        alpha[12:60, left : left + 32] = 1
        shaken = np.where(alpha > 0, 0.8 + 0.4 * rng.random(), 0).clip(0, 1).astype(np.float32)
        truth.append(alpha)
        raw.append(shaken)
        filtered.append(steady(noisy(rng, image), shaken))
    assert dtssd(filtered[3:], truth[3:]) < 0.6 * dtssd(raw[3:], truth[3:])


@pytest.mark.parametrize("colour", [(250, 10, 10), (20, 30, 60)])
@pytest.mark.parametrize("speed", [1, 2, 4])
def test_nothing_trails_behind_what_moves(
    rng: np.random.Generator, room: Image, colour: tuple[int, int, int], speed: int
) -> None:
    steady = Steady()
    for left in range(0, 40, speed):
        image, alpha = room.copy(), np.zeros((64, 64), np.float32)
        image[20:44, left : left + 16] = colour
        alpha[20:44, left : left + 16] = 1
        found = steady(noisy(rng, image), alpha)
        off_edge = ~edge_band(alpha > 0.5, 2)
        assert np.count_nonzero(np.abs(found - alpha)[off_edge] > 0.2) < 20


def test_starts_anew_after_a_cut(rng: np.random.Generator, room: Image) -> None:
    steady = Steady()
    steady(room, np.ones((64, 64), np.float32))
    alpha = rng.random((64, 64), np.float32)
    assert np.array_equal(steady(255 - room, alpha), alpha)


def test_empty_and_full_stay_so(room: Image) -> None:
    for value in (0, 1):
        steady = Steady()
        for shift in range(3):
            found = steady(np.roll(room, shift, axis=1), np.full((64, 64), value, np.float32))
            assert found == pytest.approx(value, abs=1e-6)
