import csv
import json
from pathlib import Path
from typing import Any

import pytest

from limner.cli import main
from limner.models.spec import model_path
from tests.datasets.test_folders import make_folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_folder(tmp_path / "set", {f"{width:02}": width for width in range(10, 34)})
    return tmp_path / "set"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["evaluate", *map(str, arguments), "--model", "unet", "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_totals(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, data)
    assert (result["images"], result["model"], result["size"], result["threshold"]) == (
        24,
        "unet",
        "full",
        0.5,
    )
    scores, interval = result["scores"], result["intervals"]["iou_mean"]
    assert 0 <= interval["low"] < scores["iou_mean"] < interval["high"] <= 1
    assert scores["iou_mean"] <= scores["dice_mean"]
    assert len(result["sweep"]) == 19
    assert [group["images"] for group in result["groups"]["subject"]] == [12, 12]
    assert result["worst_group"]["iou_mean"] < result["best_group"]["iou_mean"]


def test_network_size_and_flip_change_the_scores(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = run(capsys, data)["scores"]
    assert run(capsys, data, "--network-size")["scores"]["sad_mean"] > 3 * full["sad_mean"]  # 128 x 128
    assert run(capsys, data, "--flip")["scores"]["mad_mean"] != full["mad_mean"]
    assert run(capsys, data, "--threads", 1)["scores"] == full


def test_matting_errors_on_request(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "gradient_mean" not in run(capsys, data)["scores"]
    scores = run(capsys, data, "--matting")["scores"]
    assert scores["gradient_mean"] > 0
    assert scores["connectivity_mean"] > 0


def test_two_models(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(model_path("unet").read_bytes())
    copy.with_suffix(".json").write_bytes(model_path("unet").with_suffix(".json").read_bytes())
    result = run(capsys, data, "--compare", copy, "--per-image", tmp_path / "rows.csv")
    assert (result["model"], result["compare"]["model"]) == (
        "unet",
        str(copy),
    )  # told apart: both say the same
    assert result["compare"]["scores"] == result["scores"]
    step = result["compare"]["differences"]["iou"]
    assert (step["mean"], step["higher"], step["lower"]) == (0, 0, 0)
    with (tmp_path / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == ["unet"] * 24 + [str(copy)] * 24


@pytest.mark.parametrize("extension", [".csv", ".jsonl"])
def test_a_row_for_every_image(
    data: Path, tmp_path: Path, extension: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"rows{extension}"
    result = run(capsys, data, "--per-image", path)
    with path.open() as file:
        rows = list(csv.DictReader(file)) if extension == ".csv" else [json.loads(line) for line in file]
    assert [row["id"] for row in rows] == [f"set/{width}" for width in range(10, 34)]
    mean = sum(float(row["iou"]) for row in rows) / 24
    assert mean == pytest.approx(result["scores"]["iou_mean"])
    assert all(sum(int(row[name]) for name in COUNTS) == 40 * 50 for row in rows)
    assert float(rows[0]["subject"]) == 0.2


COUNTS = ("true_pos", "false_pos", "false_neg", "true_neg")


def test_labels_get_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_folder(tmp_path / "set", {f"{width:02}": width for width in range(10, 34)}, masks="labels")
    for names, label in (("hair,hat", "hair"), ("celebamask", "skin"), (None, "label 1")):
        options = ["--label-names", names] if names else []
        groups = run(capsys, tmp_path / "set", *options)["groups"]
        assert [group["name"] for group in groups[label]] == ["little", "much"]


def test_a_total_that_falls_short_fails(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, data, "--min-iou", 0)["images"] == 24
    assert main(["evaluate", str(data), "--min-iou", "0.999", "--json"]) == 1
    captured = capsys.readouterr()
    assert "is below --min-iou 0.999" in captured.err
    assert json.loads(captured.out)["images"] == 24


def test_report_and_figures(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, data, "--report", tmp_path / "report.html", "--figures", tmp_path / "figures")
    assert "unet on set" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "figures" / "iou.png").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threshold", "0"], "--threshold is above 0 and at most 1, got 0.0"),
        (["--min-iou", "93"], "--min-iou is from 0 to 1, got 93.0"),
        (
            ["--threads", "0"],
            "--threads: must be a whole number, at least 1, got 0; see limner evaluate --help",
        ),
        (["--per-image", "rows.txt"], "--per-image writes .jsonl or .csv, got rows.txt"),
        (["--training", "runs/unet"], "--training shows its curves in the --report or --figures: give one"),
    ],
)
def test_usage(data: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(data), *options]) == 2
    assert capsys.readouterr().err == f"limner: error: {message}\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--report", "none/report.html"], "cannot write none/report.html: its folder does not exist"),
        (["--per-image", "none/rows.csv"], "cannot write none/rows.csv: its folder does not exist"),
        (["--report", "report.html", "--training", "none"], "none is not the folder of a training run"),
    ],
)
def test_what_cannot_be_written_or_read_is_refused_before_the_work(
    data: Path,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "limner.evaluation.evaluate.evaluate", lambda *args, **options: pytest.fail("work was done")
    )
    assert main(["evaluate", str(data), *options]) == 1
    assert message in capsys.readouterr().err


def test_without_matplotlib_the_cure_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["evaluate", str(data), "--report", "report.html"]) == 1
    assert "this needs matplotlib: pip install 'matplotlib>=" in capsys.readouterr().err


def test_the_table_is_for_people(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, data, "--compare", "base")
    assert main(["evaluate", str(data), "--model", "unet", "--compare", "base"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{data}: 24 images at full size, threshold 0.5"
    assert lines[2].split() == ["mean", "unet", "base", "difference"]
    (row,) = (line for line in lines if line.startswith("iou "))
    assert f"{100 * result['scores']['iou_mean']:.2f} [" in row
    assert f"{100 * result['compare']['differences']['iou']['mean']:+.2f} [" in row
    (row,) = (line for line in lines if line.startswith("sad "))
    assert "(1000 pixels)" in row
    assert f"{result['scores']['sad_mean']:.2f} [" in row
    assert lines[-2].startswith("worst group: ")
