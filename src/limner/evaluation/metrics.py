"""Scores of a predicted mask against the true one, from four counts that add across images and machines.

A mean score is the mean over images of each one's own; a pooled one comes from the summed counts.
"""

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import Mask
from limner.mattes.masks import erode


@dataclass(frozen=True)
class Counts:
    """Pixels by prediction and truth; counts of several images or shards add with ``+``.

    Example:
        >>> pred, target = np.array([[True, True, False]]), np.array([[False, True, True]])
        >>> limner.Counts.of(pred, target)
        Counts(true_pos=1, false_pos=1, false_neg=1, true_neg=0)
    """

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
        check_sizes(pred, target)
        if pred.dtype != np.bool_:
            raise InputError(f"masks are (H, W) bool, got {pred.dtype}: threshold the alphas first")
        true_pos = int(np.count_nonzero(pred & target))
        false_pos = int(np.count_nonzero(pred)) - true_pos
        false_neg = int(np.count_nonzero(target)) - true_pos
        return cls(true_pos, false_pos, false_neg, pred.size - true_pos - false_pos - false_neg)

    def __add__(self, other: "Counts") -> "Counts":
        """The counts of both together."""
        return Counts(*map(sum, zip(astuple(self), astuple(other), strict=True)))


def iou(counts: Counts) -> float:
    """Intersection over union TP / (TP + FP + FN), in [0, 1]; 1.0 when both masks are empty.

    Example:
        >>> limner.iou(limner.Counts(true_pos=3, false_pos=1, false_neg=2))
        0.5
    """
    return _ratio(counts.true_pos, counts.true_pos + counts.false_pos + counts.false_neg)


def dice(counts: Counts) -> float:
    """Dice's coefficient 2 TP / (2 TP + FP + FN), in [0, 1]; 1.0 when both masks are empty.

    Example:
        >>> limner.dice(limner.Counts(true_pos=3, false_pos=1, false_neg=1))
        0.75
    """
    return _ratio(2 * counts.true_pos, 2 * counts.true_pos + counts.false_pos + counts.false_neg)


def accuracy(counts: Counts) -> float:
    """Fraction of pixels that are right, (TP + TN) / all, in [0, 1]; 1.0 when there are none.

    Example:
        >>> limner.accuracy(limner.Counts(true_pos=1, true_neg=2, false_neg=1))
        0.75
    """
    right = counts.true_pos + counts.true_neg
    return _ratio(right, right + counts.false_pos + counts.false_neg)


def precision(counts: Counts) -> float:
    """Fraction of the prediction that is right, TP / (TP + FP), in [0, 1]; 1.0 when nothing is predicted."""
    return _ratio(counts.true_pos, counts.true_pos + counts.false_pos)


def recall(counts: Counts) -> float:
    """Fraction of the true subject that is found, TP / (TP + FN), in [0, 1]; 1.0 when there is none."""
    return _ratio(counts.true_pos, counts.true_pos + counts.false_neg)


SCORES: dict[str, Callable[[Counts], float]] = {
    "iou": iou,
    "dice": dice,
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
}
"""Name -> score of one image's counts, or of pooled ones."""


def boundary_counts(pred: Mask, target: Mask, *, fraction: float = 0.02) -> Counts:
    """Counts of the inner edges alone; ``iou(boundary_counts(...))`` is Boundary IoU.

    The inner edge of a mask is what of it lies within ``fraction`` of the picture's diagonal (rounded, at
    least one pixel; Chebyshev) of its outline. The border of the picture is an outline too, as in the
    authors' code.

    Args:
        pred: (H, W) predicted mask.
        target: (H, W) true mask.
        fraction: Width of the edge as a fraction of the diagonal.

    Raises:
        InputError: If the sizes differ, or one is no mask.

    Reference:
        Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR 2021.
    """
    check_sizes(pred, target)
    radius = max(1, round(fraction * math.hypot(*target.shape)))
    return Counts.of(
        pred & ~erode(pred, radius, outside=False), target & ~erode(target, radius, outside=False)
    )


def boundary_iou(pred: Mask, target: Mask, *, fraction: float = 0.02) -> float:
    """Intersection over union of the inner edges (`boundary_counts`), in [0, 1]; 1.0 when both are empty.

    Args:
        pred: (H, W) bool, predicted mask.
        target: (H, W) bool, true mask.
        fraction: Width of the edges, as a fraction of the diagonal.

    Raises:
        InputError: If the sizes differ.

    Example:
        >>> square = np.pad(np.ones((4, 4), bool), 2)
        >>> limner.boundary_iou(square, square)
        1.0
    """
    return iou(boundary_counts(pred, target, fraction=fraction))


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


@dataclass(frozen=True)
class Interval:
    """Where a score may be expected to lie, with 95 % confidence."""

    low: float
    high: float


RESAMPLES = 1000
"""How often `bootstrap` draws the images again."""


def bootstrap(rows: NDArray[Any], score: Callable[[NDArray[Any]], float]) -> Interval:
    """Percentile interval, 2.5 to 97.5 %, of a score over images drawn again with replacement.

    Args:
        rows: (N, ...) one row an image.
        score: From such rows to the score, such as ``np.mean``.

    Raises:
        InputError: If there are no rows.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    if not len(rows):
        raise InputError("no images to draw from")
    rng = np.random.default_rng(0)  # the same images give the same interval
    values = [score(rows[rng.integers(len(rows), size=len(rows))]) for _ in range(RESAMPLES)]
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def check_sizes(pred: NDArray[Any], target: NDArray[Any]) -> None:
    """Refuse arrays of different sizes, and masks beside alphas.

    Raises:
        InputError: If they are.
    """
    if (pred.dtype == np.bool_) != (target.dtype == np.bool_):
        raise InputError(
            f"a mask cannot be compared with an alpha: pred is {pred.dtype}, target {target.dtype}"
        )
    if pred.shape != target.shape:
        raise InputError(f"sizes differ: pred {pred.shape}, target {target.shape}")
