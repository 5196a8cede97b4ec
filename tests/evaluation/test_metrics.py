from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage, stats
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

from limner.datasets import read_folder
from limner.errors import InputError
from limner.evaluation.metrics import (
    SCORES,
    Counts,
    bootstrap,
    boundary_counts,
    boundary_iou,
    dice,
    iou,
    smoothed_jaccard,
    soft_dice,
)
from limner.images import Mask
from limner.mattes.masks import threshold
from limner.models.segmenter import Segmenter
from tests.conftest import shared_data
from tests.mattes.test_masks import mask


@pytest.mark.parametrize(
    ("pred", "target", "counts", "expected"),
    [
        # iou, dice, accuracy, precision, recall
        ("##.", ".##", Counts(1, 1, 1, 0), (1 / 3, 1 / 2, 1 / 3, 1 / 2, 1 / 2)),
        ("##..", "##..", Counts(2, 0, 0, 2), (1, 1, 1, 1, 1)),
        ("....", "....", Counts(0, 0, 0, 4), (1, 1, 1, 1, 1)),
        ("....", "#...", Counts(0, 0, 1, 3), (0, 0, 3 / 4, 1, 0)),
        ("#...", "....", Counts(0, 1, 0, 3), (0, 0, 3 / 4, 0, 1)),
        ("####", "#...", Counts(1, 3, 0, 0), (1 / 4, 2 / 5, 1 / 4, 1 / 4, 1)),
        ("###.....", ".#####..", Counts(2, 1, 3, 2), (2 / 6, 4 / 8, 4 / 8, 2 / 3, 2 / 5)),
        ("##..", "..##", Counts(0, 2, 2, 0), (0, 0, 0, 0, 0)),
    ],
)
def test_by_eye(pred: str, target: str, counts: Counts, expected: tuple[float, ...]) -> None:
    found = Counts.of(mask(pred), mask(target))
    assert found == counts
    assert tuple(score(found) for score in SCORES.values()) == expected


def test_random_masks_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    for fraction in (0.1, 0.5, 0.9):
        pred, target = rng.random((2, 50, 40)) < fraction
        counts = Counts.of(pred, target)
        for name, oracle in ORACLES.items():
            assert SCORES[name](counts) == pytest.approx(oracle(target.ravel(), pred.ravel()), abs=1e-12)
        assert dice(counts) == pytest.approx(2 * iou(counts) / (1 + iou(counts)), abs=1e-12)


ORACLES = {
    "iou": jaccard_score,
    "dice": f1_score,
    "accuracy": accuracy_score,
    "precision": precision_score,
    "recall": recall_score,
}


def test_real_predictions_agree_with_scikit_learn() -> None:
    segmenter = Segmenter(device="cpu")
    for sample in read_folder(shared_data("eg1800"), "val")[:4]:
        image, alpha = sample.load()
        pred, target = threshold(segmenter(image)), threshold(alpha)
        counts = Counts.of(pred, target)
        assert 0.5 < iou(counts) < 1
        for name, oracle in ORACLES.items():
            assert SCORES[name](counts) == pytest.approx(oracle(target.ravel(), pred.ravel()), abs=1e-12)


def test_boundary_iou_by_eye() -> None:
    # a diagonal of 8.2 pixels: the edge is round(0.16) -> at least one pixel wide, and the border is an edge
    pred, target = mask("#####...", "#####...", "#####..."), mask("####....", "####....", "####....")
    # of pred all but (1, 1), (1, 2), (1, 3) and of target all but (1, 1), (1, 2) is edge: 9 of 13 in common
    assert boundary_counts(pred, target) == Counts(9, 3, 1, 11)
    assert boundary_iou(pred, target) == 9 / 13
    assert boundary_iou(mask("...."), mask("....")) == 1
    assert boundary_iou(mask("...."), mask("##..")) == 0


@pytest.mark.parametrize("fraction", [0.01, 0.05])
def test_boundary_iou_agrees_with_repeated_erosion(fraction: float, rng: np.random.Generator) -> None:
    pred, target = (blob(rng, 90, 70) for _ in range(2))
    steps = round(fraction * (90**2 + 70**2) ** 0.5)
    square = np.ones((3, 3), bool)
    edges = [one & ~ndimage.binary_erosion(one, square, iterations=steps) for one in (pred, target)]
    expected = jaccard_score(edges[1].ravel(), edges[0].ravel())
    assert boundary_iou(pred, target, fraction=fraction) == pytest.approx(expected, abs=1e-12)


def blob(rng: np.random.Generator, height: int, width: int) -> Mask:
    found: Mask = ndimage.gaussian_filter(rng.standard_normal((height, width)), 5) > 0
    return found


def test_bootstrap_agrees_with_scipy(rng: np.random.Generator) -> None:
    values = rng.beta(9, 1, 400)
    found = bootstrap(values, np.mean)
    oracle = stats.bootstrap((values,), np.mean, method="percentile", rng=rng).confidence_interval
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-3)
    assert found.high - found.low > 0.01
    assert bootstrap(values, np.mean) == found


def test_bootstrap_draws_whole_rows(rng: np.random.Generator) -> None:
    tops = rng.random(50)
    rows = np.column_stack([tops, 2 * tops])
    ratio = bootstrap(rows, lambda drawn: float(drawn[:, 0].sum() / drawn[:, 1].sum()))
    assert (ratio.low, ratio.high) == pytest.approx((0.5, 0.5))
    with pytest.raises(InputError, match="no images"):
        bootstrap(np.zeros((0, 2)), np.mean)


def test_parts_add_up_to_the_whole(rng: np.random.Generator) -> None:
    pred, target = rng.random((2, 60, 40)) < 0.5
    parts = [Counts.of(pred[i : i + 20], target[i : i + 20]) for i in (0, 20, 40)]
    assert sum(parts, Counts()) == Counts.of(pred, target)


def test_published_scores() -> None:
    preds = mask("##..").astype(float)[None]
    targets = mask(".##.").astype(float)[None]
    # of four pixels one is rightly on, one rightly off and two are wrong
    assert smoothed_jaccard(preds, targets) == pytest.approx((1 + 1 + 2 * 100 / 101) / 4)
    assert soft_dice(preds, targets) == pytest.approx((2 + 100) / (4 + 100))
    assert soft_dice(0 * preds, 0 * targets) == 1


def test_published_iou_is_one_less_a_hundredth_of_the_error(rng: np.random.Generator) -> None:
    preds, targets = (rng.random((2, 3, 40, 40)) < 0.5).astype(float)
    error = np.mean(preds != targets)
    assert error > 0.4
    assert smoothed_jaccard(preds, targets) == pytest.approx(1 - error / 101)


def test_all_foreground_scores_99_6_percent_of_the_published_iou() -> None:
    samples = read_folder(shared_data("celebamask-hq-5k"), "val")
    targets = np.stack([sample.load_at((128, 128))[1] for sample in samples]) >= 128
    everything = np.ones_like(targets)
    assert smoothed_jaccard(everything.astype(float), targets.astype(float)) > 0.996
    assert np.mean([iou(Counts.of(*pair)) for pair in zip(everything, targets, strict=True)]) < 0.73


def of_masks(score: Callable[[Counts], float]) -> Callable[[Mask, Mask], float]:
    def metric(pred: Mask, target: Mask) -> float:
        return score(Counts.of(pred, target))

    return metric


METRICS = {
    **{name: of_masks(score) for name, score in SCORES.items()},
    "boundary_iou": boundary_iou,
}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_any_metric_of_any_masks(metric: Callable[[Mask, Mask], float], rng: np.random.Generator) -> None:
    pred, target = blob(rng, 40, 50), blob(rng, 40, 50)
    assert metric(target, target) == metric(~pred, ~pred) == 1
    assert 0 < metric(pred, target) < 1
    turned = metric(pred[::-1].T, target[::-1].T)
    assert metric(pred, target) == metric(pred[:, ::-1], target[:, ::-1]) == turned
    with pytest.raises(InputError, match="sizes differ"):
        metric(pred, target[1:])
    with pytest.raises(InputError, match="a mask cannot be compared with an alpha"):
        metric(pred, target.astype(np.float32))
