import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from limner.errors import InputError
from limner.metrics import Counts, accuracy, dice, iou
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


def test_sizes_must_agree() -> None:
    with pytest.raises(InputError, match="sizes differ"):
        Counts.of(mask("##"), mask("###"))
