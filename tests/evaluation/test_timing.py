import time
from pathlib import Path

import numpy as np
import pytest

from limner.errors import InputError, ModelError
from limner.evaluation import timing as module
from limner.evaluation.timing import bench, first_result, measure_stages, time_runs
from limner.images import Image, encode_image, load_image
from limner.models.segmenter import Segmenter
from limner.models.spec import model_path


@pytest.fixture(autouse=True)
def few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 3)


def test_runs_are_timed() -> None:
    calls = []

    def work() -> None:
        calls.append(0)
        time.sleep(0.02 if len(calls) > 1 else 0.3)

    timing = time_runs(work)
    assert (timing["runs"], len(calls)) == (3, 4)  # the first does not count
    assert 20 <= timing["p50_ms"] <= timing["p90_ms"] < 300


def test_every_part_is_measured() -> None:
    parts = dict(bench("unet", threads=1, megapixels=[0.02, 0.05]))
    assert list(parts) == ["model", "machine", "start", "sizes", "batches", "threads"]
    assert (parts["model"]["name"], parts["model"]["threads"]) == ("unet", 1)
    assert parts["model"]["file_mb"] == model_path("unet").stat().st_size / 1e6
    assert parts["machine"]["cores"] >= 1
    assert 0 < parts["start"]["after_python_s"] < parts["start"]["total_s"]
    assert parts["start"]["peak_memory_mb"] > 20
    assert [row["megapixels"] for row in parts["sizes"]] == [0.02, 0.05]
    assert [row["images"] for row in parts["batches"]] == [1, 2, 4, 8, 16]
    assert parts["threads"][0]["threads"] == 1


def test_the_stages_are_those_of_a_cut_out(portrait: Image) -> None:
    rows = measure_stages(Segmenter("unet", device="cpu", threads=1), portrait)
    assert list(rows) == ["decode", "network", "refine", "render", "encode", "total"]
    stages = sum(row["p50_ms"] for name, row in rows.items() if name != "total")
    assert 0.2 < rows["total"]["p50_ms"] / stages < 5  # a whole made of these, on a noisy machine


def test_the_memory_is_that_of_the_new_process(portrait: Image) -> None:
    ballast = np.ones(40_000_000)  # 320 MB in this one
    row = first_result(encode_image(portrait, ".jpg"), model_path("unet"), "cpu", 1)
    assert row["peak_memory_mb"]
    assert 20 < row["peak_memory_mb"] < ballast.nbytes / 1e6


def test_a_new_process_that_fails_is_an_error(tmp_path: Path, portrait: Image) -> None:
    with pytest.raises(ModelError, match=r"a new process could not use the model: .*no model"):
        first_result(encode_image(portrait, ".jpg"), tmp_path / "none.onnx", "cpu", 1)


def test_sizes_must_be_positive() -> None:
    with pytest.raises(InputError, match=r"at least 0\.01 megapixels, got 0"):
        next(bench("unet", megapixels=[0]))


def test_pictures_have_their_size(portrait: Image) -> None:
    image = load_image(encode_image(module._of_size(portrait, 0.3), ".png"))
    height, width = image.shape[:2]
    assert height * width == pytest.approx(0.3e6, rel=0.01)
    assert height / width == pytest.approx(4 / 3, rel=0.01)
