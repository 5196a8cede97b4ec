"""Scores of a predicted mask against the true one, from four counts that add across images and machines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def soft_dice(probs: NDArray[np.floating], targets: NDArray[np.floating], *, smooth: float = 100.0) -> float:
    """The published Dice ``(2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth)`` over a batch, in [0, 1].

    Probabilities count as they are, without a threshold, and ``smooth`` stands for 100 pixels that are right.

    Args:
        probs: (N, h, w) predicted probabilities of the subject.
        targets: (N, h, w) true masks, in [0, 1].
        smooth: Pixels that are right beforehand.
    """
    overlap = float((probs * targets).sum(dtype=np.float64))
    total = float(probs.sum(dtype=np.float64) + targets.sum(dtype=np.float64))
    return (2 * overlap + smooth) / (total + smooth)


def smoothed_jaccard(
    preds: NDArray[np.floating], targets: NDArray[np.floating], *, smooth: float = 100.0
) -> float:
    """The published "IoU": ``(p t + smooth) / (p + t - p t + smooth)`` of each pixel alone, then the mean.

    With ``smooth`` = 100 a pixel that is wholly wrong still scores 100 / 101, so the mean cannot fall below
    0.990 and says next to nothing: it is ``1 - error rate / 101`` for masks. Kept to compare with the
    published table; for a true score use `iou`.

    Args:
        preds: (N, h, w) predicted masks or probabilities, in [0, 1].
        targets: (N, h, w) true masks, in [0, 1].
        smooth: Added above and below.
    """
    overlap = preds.astype(np.float64) * targets
    return float(np.mean((overlap + smooth) / (preds + targets - overlap + smooth)))


def accuracy(counts: Counts) -> float:
    """Share of pixels that are right, (TP + TN) / all, in [0, 1]; 1.0 when there are none."""
    right = counts.true_pos + counts.true_neg
    total = right + counts.false_pos + counts.false_neg
    return right / total if total else 1.0
