from collections.abc import Callable

import numpy as np
import pytest

from limner.errors import InputError
from limner.evaluation.mattes import ERRORS, connectivity, dtssd, gradient, mad, mse, sad
from limner.images import Alpha, Mask
from tests.conftest import random_alpha


def test_small_cases() -> None:
    pred = np.array([[0.0, 0.5, 1.0, 1.0]], np.float32)
    target = np.array([[0.0, 0.0, 0.75, 1.0]], np.float32)
    assert sad(pred, target) == 0.75 / 1000
    assert mad(pred, target) == 0.75 / 4
    assert mse(pred, target) == (0.25 + 0.0625) / 4
    region = np.array([[True, False, True, False]])
    assert sad(pred, target, region) == 0.25 / 1000
    assert mad(pred, target, region) == 0.25 / 2
    assert mse(pred, target, region) == 0.0625 / 2


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_no_error_without_difference_or_pixels(error: Callable[..., float], rng: np.random.Generator) -> None:
    pred, target = random_alpha(rng, 20, 30), random_alpha(rng, 20, 30)
    assert error(pred, pred) == 0
    assert error(pred, target) > 0
    assert error(pred, target, np.zeros((20, 30), bool)) == 0
    with pytest.raises(InputError, match="sizes differ"):
        error(pred, target[1:])


def test_gradient_agrees_with_a_loop(rng: np.random.Generator) -> None:
    pred, target = random_alpha(rng, 14, 11), random_alpha(rng, 14, 11)
    sigma, radius = 1.4, 4

    def kernel(v: int, u: int) -> float:
        return float(u * np.exp(-(u**2 + v**2) / (2 * sigma**2)))

    span = range(-radius, radius + 1)
    norm = np.sqrt(sum(kernel(v, u) ** 2 for v in span for u in span))

    def length(alpha: Alpha, y: int, x: int) -> float:
        across = down = 0.0
        for v in span:
            for u in span:
                value = alpha[min(max(y + v, 0), 13), min(max(x + u, 0), 10)]
                across += kernel(v, u) / norm * value
                down += kernel(u, v) / norm * value
        return float(np.hypot(across, down))

    expected = sum((length(pred, y, x) - length(target, y, x)) ** 2 for y in range(14) for x in range(11))
    assert gradient(pred, target) == pytest.approx(expected / 1000, rel=1e-6)


def test_connectivity_of_small_cases() -> None:
    whole = np.array([[1, 1, 1, 1, 1, 0]], np.float32)
    torn = np.array([[1, 1, 0, 1, 1, 0]], np.float32)
    # where both reach a threshold there are two pieces of two pixels; the second one is loose in both, and
    # the pixel that is missing has level 0: whole exceeds it by 1
    assert connectivity(torn, whole) == 1 / 1000
    faint = np.array([[1, 1, 1, 1, 0.3, 0]], np.float32)
    # the fifth pixel hangs on up to 0.3 and its truth, 1, exceeds that by 0.7
    assert connectivity(faint, whole) == pytest.approx(0.7 / 1000)
    close = np.array([[1, 1, 1, 1, 0.95, 0]], np.float32)
    assert connectivity(close, whole) == 0  # its truth exceeds its level, 0.9, by less than the tolerance


def test_connectivity_agrees_with_a_loop(rng: np.random.Generator) -> None:
    pred, target = random_alpha(rng, 12, 15), random_alpha(rng, 12, 15)
    level = np.full(pred.shape, -1.0)
    for step in range(1, 11):
        both = (pred >= step / 10) & (target >= step / 10)
        inside = largest_piece(both)
        level[(level == -1) & ~inside] = (step - 1) / 10
    level[level == -1] = 1

    def phi(alpha: float, at: float) -> float:
        return 1.0 - (alpha - at if alpha - at >= 0.15 else 0.0)

    expected = 0.0
    for at, here in zip(level.ravel(), np.column_stack([pred.ravel(), target.ravel()]), strict=True):
        expected += abs(phi(float(here[0]), at) - phi(float(here[1]), at))
    assert connectivity(pred, target) == pytest.approx(expected / 1000, rel=1e-6)


def largest_piece(both: Mask) -> Mask:
    """The first of the largest 4-connected pieces, by flood filling."""
    seen = np.zeros_like(both)
    best: list[tuple[int, int]] = []
    for top, left in np.argwhere(both):
        piece, todo = [], [(int(top), int(left))]
        while todo:
            y, x = todo.pop()
            if 0 <= y < both.shape[0] and 0 <= x < both.shape[1] and both[y, x] and not seen[y, x]:
                seen[y, x] = True
                piece.append((y, x))
                todo += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        best = max(best, piece, key=len)
    inside = np.zeros_like(both)
    for place in best:
        inside[place] = True
    return inside


def test_dtssd_counts_what_changes_between_frames() -> None:
    still = [np.full((2, 2), 0.5, np.float32)] * 3
    truth = [np.zeros((2, 2), np.float32)] * 3
    assert dtssd(still, truth) == 0  # wrong, and steady
    flicker = [np.full((2, 2), value, np.float32) for value in (0.0, 0.5, 0.0)]
    assert dtssd(flicker, truth) == 0.5
    one = [np.array([[value, 0], [0, 0]], np.float32) for value in (0.0, 1.0)]
    assert dtssd(one, truth[:2]) == 0.5  # sqrt(1 / 4)
    assert dtssd(one, one) == 0  # moves as the truth does
    assert dtssd(one[:1], one[:1]) == 0
    with pytest.raises(InputError, match="numbers of frames differ"):
        dtssd(one, truth)
