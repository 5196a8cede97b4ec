"""How good a matte probably is."""

import numpy as np
import pytest

from limner.evaluation.metrics import Counts, iou
from limner.mattes.confidence import EXPONENT, expected_iou


def test_is_the_ratio_of_expected_areas() -> None:
    alpha = np.array([[0.9, 0.7], [0.4, 0.0]], np.float32)
    assert expected_iou(alpha) == pytest.approx((1.6 / 2.4) ** EXPONENT, abs=1e-6)


def test_runs_from_no_subject_to_certainty() -> None:
    assert expected_iou(np.full((4, 5), 0.49, np.float32)) == 0
    assert expected_iou(np.eye(4, dtype=np.float32)) == 1


def test_a_ghost_costs_as_much_as_a_hole(rng: np.random.Generator) -> None:
    alpha = np.zeros((20, 20), np.float32)
    alpha[5:15, 5:15] = 1
    ghost, hole = alpha.copy(), alpha.copy()
    ghost[:2, :10] = 0.4
    hole[8:10, 5:15] = 0.6
    assert expected_iou(ghost) < expected_iou(alpha)
    assert expected_iou(ghost) == pytest.approx((100 / 108) ** EXPONENT, abs=1e-6)
    assert expected_iou(hole) == pytest.approx((92 / 100) ** EXPONENT, abs=1e-6)


def test_is_near_the_mean_iou_of_masks_drawn_by_its_alpha(rng: np.random.Generator) -> None:
    prob = rng.random((100, 100), np.float32) ** 0.2
    drawn = [Counts.of(prob >= 0.5, rng.random(prob.shape) < prob) for _ in range(20)]
    assert expected_iou(prob) == pytest.approx(
        np.mean([iou(counts) for counts in drawn]) ** EXPONENT, abs=0.01
    )
