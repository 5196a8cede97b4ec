import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from limner.datasets import read_folder
from limner.errors import InputError
from limner.evaluation.drawing import to_png, to_svg
from limner.evaluation.evaluate import evaluate
from limner.evaluation.examples import EXTRA, MISSING, choose, draw
from limner.evaluation.figures import curves_figure
from limner.evaluation.page import Report, save_figures, save_report
from limner.images import Alpha, Image, load_image
from tests.datasets.test_folders import make_folder
from tests.evaluation.test_evaluate import first_20_columns


def write_metrics(path: Path, encoding: str = "utf-8") -> None:
    rows = [f"{epoch},{1 / epoch},{1.2 / epoch},{1 - 0.1 / epoch},0.001,90,0.1" for epoch in range(1, 9)]
    header = "epoch,loss,holdout_loss,holdout_dice,learning_rate,images_per_s,data_fraction"
    path.write_text("\n".join([header, *rows]), encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_curves_are_drawn(encoding: str, tmp_path: Path) -> None:
    write_metrics(tmp_path / "metrics.csv", encoding)
    image = load_image(to_png(curves_figure(tmp_path / "metrics.csv")))
    assert image.shape[1] > 3 * image.shape[0]
    thirds = np.array_split(image, 3, axis=1)
    assert all((third < 250).any(axis=2).mean() > 0.01 for third in thirds)  # something in each panel


def test_missing_metrics_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*metrics\.csv"):
        curves_figure(tmp_path / "metrics.csv")


def everything(image: Image) -> Alpha:
    return np.ones(image.shape[:2], np.float32)


@pytest.fixture
def make_report(tmp_path: Path) -> Callable[..., Report]:
    """A report of 30 images with the subject on 5 to 34 of 50 columns."""
    make_folder(tmp_path / "a <set>", {f"{width:02}": width for width in range(5, 35)})
    samples = read_folder(tmp_path / "a <set>")
    write_metrics(tmp_path / "metrics.csv")

    def make(**models: Callable[[Image], Alpha]) -> Report:
        return Report(
            data=str(tmp_path / "a <set>"),
            split="val",
            threshold=0.5,
            how="at full size",
            models={name: evaluate(predict, samples) for name, predict in models.items()},
            predict=next(iter(models.values())),
            samples=samples,
            metrics=tmp_path / "metrics.csv",
        )

    return make


class Links(HTMLParser):
    """What a page loads, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def test_the_report_needs_nothing_else(tmp_path: Path, make_report: Callable[..., Report]) -> None:
    save_report(make_report(columns=first_20_columns, all=everything), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert all(source.startswith(("data:", "#")) for source in links.sources)
    assert not re.search(r"@import|url\((?!#)", page)
    assert sum(source.startswith("data:") for source in links.sources) == 3 * 12 * 5
    assert page.count("<svg") == 6  # five of the evaluation, one of the training
    assert "columns and all on a <set>, val" in links.text
    assert "30 images, at full size, threshold 0.5." in links.text
    scores = evaluate(first_20_columns, make_report(columns=first_20_columns).samples).scores()
    for name in ("iou_mean", "iou_pooled", "boundary_iou_mean", "precision_pooled"):
        assert f"{100 * scores[name]:.2f}" in links.text


def test_figures_are_png_files(tmp_path: Path, make_report: Callable[..., Report]) -> None:
    save_figures(make_report(columns=first_20_columns), tmp_path / "new" / "figures")
    names = {path.name for path in (tmp_path / "new" / "figures").iterdir()}
    assert names == {
        f"{name}.png"
        for name in ("iou", "precision-recall", "groups", "thresholds", "calibration", "training")
    }
    for name in names:
        image = load_image(tmp_path / "new" / "figures" / name)
        assert (image < 200).any(axis=2).mean() > 0.005


def test_examples_are_the_worst_the_middle_and_the_best(make_report: Callable[..., Report]) -> None:
    report = make_report(columns=first_20_columns)
    evaluation = report.models["columns"]
    widths = {
        name: [int(evaluation.images[index].id[-2:]) for index in part]
        for name, part in choose(evaluation).items()
    }
    assert widths["Worst"][:2] == [5, 6]  # 20 columns were predicted
    assert widths["Best"][0] == 20
    assert all(len(part) == 12 for part in widths.values())
    ious = evaluation.rows()["iou"]
    middle = ious[choose(evaluation)["Median"]]
    assert middle.min() <= np.median(ious) <= middle.max()


def test_an_example_shows_its_errors(make_report: Callable[..., Report]) -> None:
    report = make_report(columns=first_20_columns)
    too_much = draw(report.samples[0], report.predict, 0.5)["error"][1]  # 5 columns are true
    too_little = draw(report.samples[25], report.predict, 0.5)["error"][1]  # 30
    for data, colour in ((too_much, EXTRA), (too_little, MISSING)):
        wrong = load_image(data)[40:120, 45:55] if colour == EXTRA else load_image(data)[40:120, 90:110]
        np.testing.assert_allclose(wrong.reshape(-1, 3).mean(axis=0), colour, atol=12)


def test_svg_takes_the_colour_of_the_page() -> None:
    figure = Figure(figsize=(2, 2))
    figure.subplots().set_xlabel("x")
    text = to_svg(figure, "name")
    assert text.startswith("<svg")
    assert "currentColor" in text
    assert "#000000" not in text
    assert 'aria-label="name"' in text
