"""Any image -> alpha function over a data set, scored against the true masks at full image size."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from limner.datasets import Sample
from limner.errors import DatasetError
from limner.images import Alpha, Image
from limner.masks import threshold
from limner.metrics import Counts, accuracy, dice, iou


@dataclass(frozen=True)
class Evaluation:
    """The counts of every image of a data set, by the sample's id."""

    counts: dict[str, Counts]

    def scores(self) -> dict[str, float]:
        """IoU, Dice and accuracy, in [0, 1]: the mean over images and, as ``_pooled``, from summed counts."""
        pooled = sum(self.counts.values(), Counts())
        result = {}
        for score in (iou, dice, accuracy):
            result[f"{score.__name__}_mean"] = float(np.mean([score(one) for one in self.counts.values()]))
            result[f"{score.__name__}_pooled"] = score(pooled)
        return result


def evaluate(
    predict: Callable[[Image], Alpha], samples: Iterable[Sample], *, level: float = 0.5
) -> Evaluation:
    """Score predictions against the true masks, both cut at ``level``.

    Args:
        predict: From an image to its alpha, at the image's size.
        samples: What to score on.
        level: Threshold on both alphas.

    Raises:
        DatasetError: If there are no samples, or one cannot be used.
    """
    counts = {}
    for sample in samples:
        image, alpha = sample.load()
        counts[f"{sample.source}/{sample.id}"] = Counts.of(
            threshold(predict(image), level), threshold(alpha, level)
        )
    if not counts:
        raise DatasetError("no samples to evaluate on")
    return Evaluation(counts)
