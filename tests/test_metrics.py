import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from limner.datasets import read_folder
from limner.errors import InputError
from limner.metrics import Counts, accuracy, dice, iou, smoothed_jaccard, soft_dice
from tests.conftest import shared_data
from tests.test_masks import mask


@pytest.mark.parametrize(
    ("pred", "target", "counts", "expected"),
    [
        ("##.", ".##", Counts(1, 1, 1, 0), (1 / 3, 1 / 2, 1 / 3)),
        ("##..", "##..", Counts(2, 0, 0, 2), (1, 1, 1)),
        ("....", "....", Counts(0, 0, 0, 4), (1, 1, 1)),
        ("....", "#...", Counts(0, 0, 1, 3), (0, 0, 3 / 4)),
        ("####", "#...", Counts(1, 3, 0, 0), (1 / 4, 2 / 5, 1 / 4)),
    ],
)
def test_by_eye(pred: str, target: str, counts: Counts, expected: tuple[float, float, float]) -> None:
    found = Counts.of(mask(pred), mask(target))
    assert found == counts
    assert (iou(found), dice(found), accuracy(found)) == expected


def test_random_masks_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    for share in (0.1, 0.5, 0.9):
        pred, target = rng.random((2, 50, 40)) < share
        counts = Counts.of(pred, target)
        flat = target.ravel(), pred.ravel()
        assert iou(counts) == pytest.approx(jaccard_score(*flat), abs=1e-12)
        assert dice(counts) == pytest.approx(f1_score(*flat), abs=1e-12)
        assert accuracy(counts) == pytest.approx(accuracy_score(*flat), abs=1e-12)
        assert dice(counts) == pytest.approx(2 * iou(counts) / (1 + iou(counts)), abs=1e-12)


def test_parts_add_up_to_the_whole(rng: np.random.Generator) -> None:
    pred, target = rng.random((2, 60, 40)) < 0.5
    parts = [Counts.of(pred[i : i + 20], target[i : i + 20]) for i in (0, 20, 40)]
    assert sum(parts, Counts()) == Counts.of(pred, target)


def test_published_scores_by_hand() -> None:
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


def test_sizes_must_agree() -> None:
    with pytest.raises(InputError, match="sizes differ"):
        Counts.of(mask("##"), mask("###"))
