"""Any image -> alpha function over a data set, scored against the true masks, per image and pooled."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from limner.datasets import Sample
from limner.errors import DatasetError, InputError
from limner.evaluation.mattes import ERRORS
from limner.evaluation.metrics import (
    SCORES,
    Counts,
    Interval,
    bootstrap,
    boundary_counts,
    iou,
    precision,
    recall,
)
from limner.images import Alpha, Image, Size, resize, to_uint8
from limner.mattes.masks import threshold
from limner.models.spec import to_input
from limner.parallel import thread_map

Predict = Callable[[Image], Alpha]
"""From an image to the alpha of its subject, at the image's size."""

QUICK_ERRORS = ("sad", "mad", "mse")
"""Those of `ERRORS` that are always measured; the others cost more than the network."""

SWEEP = tuple(step / 20 for step in range(1, 20))
"""Thresholds that `Evaluation.sweep` tries."""


@dataclass(frozen=True, kw_only=True)
class ImageScore:
    """How one image came out."""

    id: str  # source/id of the sample
    counts: Counts
    edges: Counts  # of the inner edges: `boundary_counts`
    errors: Mapping[str, float]  # of the alpha, by the names in `ERRORS`
    attributes: Mapping[str, float]  # subject, parts: fractions of the picture; brightness in [0, 1]

    def scores(self) -> dict[str, float]:
        """All scores of the image by name, those of `SCORES` with ``boundary_iou`` and the errors."""
        return {
            **{name: score(self.counts) for name, score in SCORES.items()},
            "boundary_iou": iou(self.edges),
            **self.errors,
        }


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The scores of every image of a data set, and the sums that curves are drawn from."""

    images: Sequence[ImageScore]
    pixels: NDArray[np.int64]  # (2, 256): background and subject pixels by the alpha they got, 0..255
    ious: NDArray[np.float64]  # (256,): mean IoU over images where alphas >= k / 255 are the subject

    def scores(self) -> dict[str, float]:
        """Every score as ``NAME_mean``, the mean over images; those from counts as ``NAME_pooled`` too."""
        rows = self.rows()
        result = {f"{name}_mean": float(np.mean(values)) for name, values in rows.items()}
        pooled = sum((image.counts for image in self.images), Counts())
        edges = sum((image.edges for image in self.images), Counts())
        result |= {f"{name}_pooled": score(pooled) for name, score in SCORES.items()}
        return {**result, "boundary_iou_pooled": iou(edges)}

    def intervals(self) -> dict[str, Interval]:
        """95 % intervals of the means, by bootstrap over the images."""
        return {f"{name}_mean": bootstrap(values, np.mean) for name, values in self.rows().items()}

    def sweep(self) -> list[dict[str, float]]:
        """Mean IoU, pooled precision and recall at the thresholds of `SWEEP`, to the nearest 1 / 255."""
        false_pos, true_pos = counts_by_level(self.pixels)
        result = []
        for level in SWEEP:
            k = round(level * 255)
            counts = Counts(int(true_pos[k]), int(false_pos[k]), int(true_pos[0] - true_pos[k]))
            result.append(
                {
                    "threshold": level,
                    "iou_mean": float(self.ious[k]),
                    "precision_pooled": precision(counts),
                    "recall_pooled": recall(counts),
                }
            )
        return result

    def rows(self) -> dict[str, NDArray[np.float64]]:
        """Name of a score -> (N,) its value for every image."""
        rows = [image.scores() for image in self.images]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def evaluate(
    predict: Predict,
    samples: Iterable[Sample],
    *,
    level: float = 0.5,
    network_size: Callable[[Size], Size] | None = None,
    errors: Sequence[str] = QUICK_ERRORS,
    threads: int | None = None,
) -> Evaluation:
    """Score predictions against the true masks.

    Args:
        predict: From an image to its alpha, at the image's size; called from several threads at once.
        samples: What to score on.
        level: Threshold that makes a mask of a predicted alpha; a true one is cut at 0.5.
        network_size: From an image's size to the one to score it at, both resized to that; by default each
            image is scored at its own.
        errors: Which of `ERRORS` to measure.
        threads: How many images are worked on at a time; by default one a core.

    Raises:
        DatasetError: If there are no samples, or one cannot be used.
        InputError: If ``level`` is not in (0, 1].
    """
    if not 0 < level <= 1:
        raise InputError(f"a threshold is above 0 and at most 1, got {level}")
    samples = list(samples)
    if not samples:
        raise DatasetError("no samples to evaluate on")

    def measure(sample: Sample) -> tuple[ImageScore, NDArray[np.int64]]:
        image, alpha = sample.load()
        if network_size is not None:
            size = network_size(alpha.shape)
            image, alpha = to_input(image, size), resize(alpha, size)
        return _measure(sample, image, predict(image), alpha, level=level, errors=errors)

    images = []
    pixels = np.zeros((2, 256), np.int64)
    ious = np.zeros(256)
    measured = thread_map(measure, samples, threads=threads)
    for image, histogram in tqdm(measured, "evaluating", len(samples), unit="image", disable=None):
        images.append(image)
        pixels += histogram
        ious += iou_by_level(histogram)
    return Evaluation(images=images, pixels=pixels, ious=ious / len(images))


def flip_averaged(predict: Predict) -> Predict:
    """A prediction that is the mean of those of the image and of its mirror image."""

    def predict_both(image: Image) -> Alpha:
        mirrored = predict(np.ascontiguousarray(image[:, ::-1]))
        return (predict(image) + mirrored[:, ::-1]) * np.float32(0.5)

    return predict_both


def counts_by_level(pixels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """False and true positives, each (256,), where alphas >= k / 255 are the subject.

    Args:
        pixels: As `Evaluation.pixels`.
    """
    false_pos, true_pos = np.cumsum(pixels[:, ::-1], axis=1)[:, ::-1]
    return false_pos, true_pos


def iou_by_level(pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """IoU where alphas >= k / 255 are the subject, (256,); 1 where both masks are empty."""
    false_pos, true_pos = counts_by_level(pixels)
    union = pixels[1].sum() + false_pos
    return np.where(union, true_pos / np.maximum(union, 1), 1.0)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a score differs between two models on the same images."""

    mean: float  # second less first
    interval: Interval
    higher: int  # images on which the second model's is higher
    lower: int


def compare(first: Evaluation, second: Evaluation) -> dict[str, Difference]:
    """Paired differences of every score, ``second - first``, with 95 % intervals by bootstrap over images.

    Raises:
        InputError: If the two are not of the same images.
    """
    if [image.id for image in first.images] != [image.id for image in second.images]:
        raise InputError("only evaluations of the same images can be compared")
    rows = first.rows(), second.rows()
    result = {}
    for name in rows[0]:
        steps = rows[1][name] - rows[0][name]
        result[name] = Difference(
            mean=float(steps.mean()),
            interval=bootstrap(steps, np.mean),
            higher=int((steps > 0).sum()),
            lower=int((steps < 0).sum()),
        )
    return result


def _measure(
    sample: Sample, image: Image, pred: Alpha, target: Alpha, *, level: float, errors: Sequence[str]
) -> tuple[ImageScore, NDArray[np.int64]]:
    """The scores of one image, and its histogram as in `Evaluation.pixels`."""
    found, true = threshold(pred, level), threshold(target)
    cells = true * np.uint16(256) + to_uint8(pred)
    score = ImageScore(
        id=f"{sample.source}/{sample.id}",
        counts=Counts.of(found, true),
        edges=boundary_counts(found, true),
        errors={name: ERRORS[name](pred, target) for name in errors},
        attributes={
            "subject": np.count_nonzero(true) / true.size,
            "brightness": float(image[::4, ::4].mean()) / 255,  # of every fourth pixel each way
            **sample.measure_parts(),
        },
    )
    return score, np.bincount(cells.ravel(), minlength=512).reshape(2, 256)
