import numpy as np
import pytest

from limner.evaluation.mattes import dtssd
from limner.images import Alpha, Image, resize
from limner.mattes.masks import edge_band
from limner.video.motion_features import MotionTracker
from limner.video.temporal import TemporalFilter, edge_grid


def filtered(frames: list[Image], found: list[Alpha], *, refine: bool = False) -> list[Alpha]:
    """Of a clip that a network saw at its own size."""
    temporal, tracker = TemporalFilter(refine=refine), MotionTracker(edge_grid((64, 64)))
    return [
        temporal(frame, frame, alpha, tracker(frame, alpha))
        for frame, alpha in zip(frames, found, strict=True)
    ]


def noisy(rng: np.random.Generator, image: Image) -> Image:
    return (image + rng.normal(0, 3, image.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def room(rng: np.random.Generator) -> Image:
    """Coarse texture, (64, 64, 3)."""
    return rng.integers(40, 200, (16, 16, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)


def test_noise_of_a_still_picture_is_filtered(rng: np.random.Generator, room: Image) -> None:
    truth = [np.full((64, 64), 0.5, np.float32)] * 30
    raw: list[Alpha] = [(0.5 + rng.normal(0, 0.1, (64, 64))).astype(np.float32) for _ in truth]
    after = filtered([noisy(rng, room) for _ in truth], raw)
    assert dtssd(after[10:], truth[10:]) < 0.2 * dtssd(raw[10:], truth[10:])


def test_noise_is_filtered_on_what_moves(rng: np.random.Generator, room: Image) -> None:
    raw, truth, frames = [], [], []
    texture = rng.integers(40, 200, (12, 8, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    for left in range(0, 30, 2):
        image, alpha = room.copy(), np.zeros((64, 64), np.float32)
        image[12:60, left : left + 32] = texture
        alpha[12:60, left : left + 32] = 1
        truth.append(alpha)
        raw.append(np.where(alpha > 0, 0.8 + 0.4 * rng.random(), 0).clip(0, 1).astype(np.float32))
        frames.append(noisy(rng, image))
    assert dtssd(filtered(frames, raw)[3:], truth[3:]) < 0.6 * dtssd(raw[3:], truth[3:])


@pytest.mark.parametrize("colour", [(250, 10, 10), (20, 30, 60)])
@pytest.mark.parametrize("speed", [1, 2, 4])
@pytest.mark.parametrize("refine", [False, True])
def test_nothing_trails_behind_what_moves(
    rng: np.random.Generator, room: Image, colour: tuple[int, int, int], speed: int, refine: bool
) -> None:
    frames, alphas = [], []
    for left in range(0, 40, speed):
        image, alpha = room.copy(), np.zeros((64, 64), np.float32)
        image[20:44, left : left + 16] = colour
        alpha[20:44, left : left + 16] = 1
        frames.append(noisy(rng, image))
        alphas.append(alpha)
    for found, alpha in zip(filtered(frames, alphas, refine=refine), alphas, strict=True):
        off_edge = ~edge_band(alpha > 0.5, 2)
        assert np.count_nonzero(np.abs(found - alpha)[off_edge] > 0.2) < 20


@pytest.mark.parametrize("refine", [False, True])
def test_starts_anew_after_a_cut(rng: np.random.Generator, room: Image, refine: bool) -> None:
    other, alphas = 255 - room, [rng.random((64, 64), np.float32) for _ in range(2)]
    after = filtered([room, other], alphas, refine=refine)[1]
    np.testing.assert_array_equal(after, filtered([other], alphas[1:], refine=refine)[0])


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize("value", [0, 1])
def test_empty_and_full_stay_so(room: Image, value: int, refine: bool) -> None:
    frames = [np.roll(room, shift, axis=1) for shift in range(3)]
    for found in filtered(frames, [np.full((64, 64), value, np.float32)] * 3, refine=refine):
        assert found == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("size", [(33, 64), (75, 133), (600, 801)])
def test_the_alpha_has_the_size_of_the_frame(
    rng: np.random.Generator, room: Image, size: tuple[int, int]
) -> None:
    temporal, tracker = TemporalFilter(), MotionTracker(edge_grid(size))
    found = np.zeros((64, 64), np.float32)
    found[16:, 20:44] = 1
    for _ in range(3):
        seen = noisy(rng, room)
        alpha = temporal(resize(seen, size), seen, found, tracker(seen, found))
        assert alpha.shape == size
        assert alpha.dtype == np.float32
        assert 0 <= alpha.min() <= alpha.max() <= 1
    expected = resize(found, size)
    off_edge = ~edge_band(expected > 0.5, max(2, max(size) // 32))
    assert np.abs(alpha - expected)[off_edge].max() < 0.1
