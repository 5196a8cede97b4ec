from pathlib import Path

import numpy as np
import pytest

from limner.datasets import read_folder
from limner.errors import DatasetError
from limner.evaluation import evaluate
from limner.images import Alpha, Image
from tests.datasets.test_folders import make_folder


def first_20_columns(image: Image) -> Alpha:
    alpha = np.zeros(image.shape[:2], np.float32)
    alpha[:, :20] = 1
    return alpha


def test_mean_and_pooled_by_hand(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a": 10, "b": 40})  # of 50 columns each; predicted: 20
    scores = evaluate(first_20_columns, read_folder(tmp_path)).scores()
    assert scores == {
        "iou_mean": pytest.approx((10 / 20 + 20 / 40) / 2),
        "iou_pooled": pytest.approx(30 / 60),
        "dice_mean": pytest.approx((20 / 30 + 40 / 60) / 2),
        "dice_pooled": pytest.approx(60 / 90),
        "accuracy_mean": pytest.approx((40 / 50 + 30 / 50) / 2),
        "accuracy_pooled": pytest.approx(70 / 100),
    }


def test_ids_carry_their_source(tmp_path: Path) -> None:
    make_folder(tmp_path / "set", {"a": 10})
    assert list(evaluate(first_20_columns, read_folder(tmp_path / "set")).counts) == ["set/a"]


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(DatasetError, match="no samples"):
        evaluate(first_20_columns, [])
