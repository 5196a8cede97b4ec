"""Scores of a predicted mask against the true one, from four counts that add across images and machines."""

from dataclasses import dataclass

import numpy as np

from limner.errors import InputError
from limner.images import Mask


@dataclass(frozen=True)
class Counts:
    """Pixels by prediction and truth; counts of several images or shards add with ``+``."""

    true_pos: int = 0
    false_pos: int = 0
    false_neg: int = 0
    true_neg: int = 0

    @classmethod
    def of(cls, pred: Mask, target: Mask) -> "Counts":
        """Count one (H, W) mask against another.

        Raises:
            InputError: If the sizes differ.
        """
        if pred.shape != target.shape:
            raise InputError(f"sizes differ: pred {pred.shape}, target {target.shape}")
        true_pos = int(np.count_nonzero(pred & target))
        false_pos = int(np.count_nonzero(pred)) - true_pos
        false_neg = int(np.count_nonzero(target)) - true_pos
        return cls(true_pos, false_pos, false_neg, pred.size - true_pos - false_pos - false_neg)

    def __add__(self, other: "Counts") -> "Counts":
        """The counts of both together."""
        return Counts(
            self.true_pos + other.true_pos,
            self.false_pos + other.false_pos,
            self.false_neg + other.false_neg,
            self.true_neg + other.true_neg,
        )


def iou(counts: Counts) -> float:
    """Intersection over union TP / (TP + FP + FN), in [0, 1]; 1.0 when both masks are empty."""
    union = counts.true_pos + counts.false_pos + counts.false_neg
    return counts.true_pos / union if union else 1.0


def dice(counts: Counts) -> float:
    """Dice's coefficient 2 TP / (2 TP + FP + FN), in [0, 1]; 1.0 when both masks are empty."""
    total = 2 * counts.true_pos + counts.false_pos + counts.false_neg
    return 2 * counts.true_pos / total if total else 1.0


def accuracy(counts: Counts) -> float:
    """Share of pixels that are right, (TP + TN) / all, in [0, 1]; 1.0 when there are none."""
    right = counts.true_pos + counts.true_neg
    total = right + counts.false_pos + counts.false_neg
    return right / total if total else 1.0
