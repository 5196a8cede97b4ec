"""The leaderboard takes any function by an adapter, scores it, and says where others are better."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from limner.datasets.synthetic import synthetic_portrait
from limner.images import save_image
from tests.conftest import ROOT

BOARD = ROOT / "benchmarks"
ADAPTER = """
import numpy as np

NAME = "Right half"
LICENCE = "MIT"
FILES = ["weights.bin"]


def load():
    def predict(image):
        alpha = np.zeros(image.shape[:2], np.float32)
        alpha[:, image.shape[1] // 2 :] = 1
        return alpha

    return predict
"""


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BOARD))
    return importlib.import_module("leaderboard_page")


def test_an_adapter_is_scored(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "foreign" / "thumbnails"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(3):
        image, _ = synthetic_portrait(rng, (40, 30))
        alpha = np.zeros((40, 30), np.float32)
        alpha[10 * number :, 15:] = 1
        save_image(folder / "images" / f"{number}.png", image)
        save_image(folder / "masks" / f"{number}.png", alpha)
    adapter = tmp_path / "half.py"
    adapter.write_text(ADAPTER)
    (tmp_path / "weights.bin").write_bytes(bytes(1000))
    command = [sys.executable, str(BOARD / "leaderboard.py"), "score", str(adapter)]
    command += ["--data", str(tmp_path / "data"), "--results", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    row = json.loads((tmp_path / "half.json").read_text())
    assert (row["name"], row["licence"], row["ours"], row["bytes"]) == ("Right half", "MIT", False, 1000)
    assert row["cpu_ms"] > 0
    found = row["lists"]["thumbnails"]
    assert found["pictures"] == 3
    assert found["scores"]["iou_mean"] == pytest.approx((1 + 30 / 40 + 20 / 40) / 3, abs=1e-5)
    assert found["scores"]["sad_mean"] == pytest.approx((0 + 150 + 300) / 3 / 1000)
    assert {"gradient_mean", "connectivity_mean", "mse_mean", "boundary_iou_mean"} <= set(found["scores"])
    low, high = found["intervals"]["iou_mean"]
    assert low < found["scores"]["iou_mean"] < high


def row(page: ModuleType, name: str, *, ours: bool, iou: float, sad: float, cpu_ms: float) -> dict[str, Any]:
    scores = {"iou_mean": iou, "boundary_iou_mean": iou, "sad_mean": sad, "mse_mean": 0.0}
    lists = {key: {"pictures": 1, "scores": scores} for key in page.LISTS}
    return {"name": name, "ours": ours, "cpu_ms": cpu_ms, "lists": lists}


def test_it_says_where_others_are_better(page: ModuleType) -> None:
    rows = [
        row(page, "ours", ours=True, iou=0.9, sad=2.0, cpu_ms=5),
        row(page, "theirs", ours=False, iou=0.8, sad=1.0, cpu_ms=7),
    ]
    lost = page.losses(rows)
    assert {loss[1] for loss in lost} == {page.SCORES["sad"]}
    assert len(lost) == len(page.LISTS)
    assert lost[0][2:] == ("theirs: 1.00", "ours: 2.00")
    assert [one["name"] for one in page.front(rows, "iou")] == ["ours"]


def test_the_table_is_that_of_the_results(page: ModuleType) -> None:
    rows = [json.loads(path.read_text()) for path in (BOARD / "leaderboard" / "results").glob("*.json")]
    rows.sort(key=lambda one: page.overall(one, "iou"), reverse=True)
    assert page.summary(rows) in (BOARD / "leaderboard" / "README.md").read_text(encoding="utf-8")
