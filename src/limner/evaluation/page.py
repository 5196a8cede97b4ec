"""The report of an evaluation: one HTML file that needs nothing else."""

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from matplotlib.figure import Figure

from limner import files
from limner.datasets import Sample
from limner.evaluation.drawing import to_png, to_svg
from limner.evaluation.evaluate import Evaluation, ImageScore, Predict, compare
from limner.evaluation.examples import Panels, choose, draw
from limner.evaluation.figures import (
    calibration_figure,
    curves_figure,
    groups_figure,
    ious_figure,
    precision_recall_figure,
    thresholds_figure,
)
from limner.evaluation.metrics import Interval

ERROR_UNITS = {
    "sad": "thousand pixels",
    "mad": "per pixel",
    "mse": "per pixel",
    "gradient": "thousands",
    "connectivity": "thousands",
}
"""Name of a score that is an error -> what it counts; the other scores are percentages."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a report tells of."""

    data: str  # folder of the data set
    split: str | None
    threshold: float
    how: str  # the scores were measured, such as "at full size"
    models: Mapping[str, Evaluation]  # one, or two of the same samples
    predict: Predict  # of the first model, to draw the examples
    samples: Sequence[Sample]  # in the order of the evaluations
    metrics: Path | None = None  # metrics.csv of a training run


def save_report(report: Report, target: str | Path) -> None:
    """Write the report as one HTML file.

    Raises:
        OutputError: If it cannot be written.
        InputError: If ``metrics`` cannot be read.
    """
    template = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    first = next(iter(report.models.values()))
    data = Path(report.data).resolve().name
    where = f"{data}, {report.split}" if report.split else data
    page = template.substitute(
        title=html.escape(f"{' and '.join(report.models)} on {where}"),
        summary=html.escape(f"{len(first.images):,} images, {report.how}, threshold {report.threshold:g}."),
        scores=_table(report),
        figures="\n".join(
            f"<figure class='{kind}'><figcaption>{caption}</figcaption>{to_svg(figure, name)}</figure>"
            for name, caption, kind, figure in _figures(report)
        ),
        examples="\n".join(_examples(report)),
    )
    files.write_bytes(target, page.encode())


def save_figures(report: Report, folder: str | Path) -> None:
    """Write the report's plots as PNG files into a folder, which is made.

    Raises:
        OutputError: If they cannot be written.
    """
    files.make_folder(folder)
    for name, _, _, figure in _figures(report):
        files.write_bytes(Path(folder) / f"{name}.png", to_png(figure))


def _figures(report: Report) -> Iterator[tuple[str, str, str, Figure]]:
    """Name, caption, CSS class and figure of every plot."""
    models, threshold = report.models, report.threshold
    yield "iou", "How many images reach which IoU", "plot", ious_figure(models)
    caption = "Precision over recall, pooled over all pixels, as the threshold moves"
    yield "precision-recall", caption, "plot", precision_recall_figure(models, threshold)
    if groups := groups_figure(models):
        caption = "Mean IoU by what the images show: none, little or much of it (number of images)"
        yield "groups", caption, "plot tall", groups
    yield "thresholds", "Mean IoU over the threshold", "plot", thresholds_figure(models, threshold)
    caption = (
        "How often a pixel is the subject, over the alpha it got; on the diagonal alpha is a probability"
    )
    yield "calibration", caption, "plot", calibration_figure(models)
    if report.metrics:
        yield "training", "Training", "plot wide", curves_figure(report.metrics)


def _table(report: Report) -> str:
    """The scores as an HTML table."""
    evaluations = list(report.models.values())
    heads = "".join(f"<th class=model colspan=3>{html.escape(name)}</th>" for name in report.models)
    subheads = "<th>mean</th><th>95 % interval</th><th>pooled</th>" * len(evaluations)
    differences = compare(*evaluations) if len(evaluations) == 2 else {}
    if differences:
        heads += "<th class=model colspan=2>second less first</th>"
        subheads += "<th>mean</th><th>95 % interval</th>"
    rows = []
    totals = [(one.scores(), one.intervals()) for one in evaluations]
    for name in evaluations[0].rows():
        cells = ""
        for scores, intervals in totals:
            pooled = scores.get(f"{name}_pooled")
            cells += _cells(name, scores[f"{name}_mean"], intervals[f"{name}_mean"])
            cells += f"<td>{'' if pooled is None else _number(name, pooled)}</td>"
        if differences:
            cells += _cells(name, differences[name].mean, differences[name].interval, sign="+")
        label = name.replace("_", " ").replace("iou", "IoU").replace("dice", "Dice")
        label = label.upper() if name in {"sad", "mad", "mse"} else label[0].upper() + label[1:]
        unit = ERROR_UNITS.get(name, "%")
        rows.append(f"<tr><th scope=row>{label} <small>{unit}</small></th>{cells}</tr>")
    return (
        f"<table><thead><tr><th></th>{heads}</tr><tr><th></th>{subheads}</tr></thead>{''.join(rows)}</table>"
    )


def _cells(name: str, mean: float, interval: Interval, *, sign: str = "") -> str:
    value, low, high = (_number(name, one, sign=sign) for one in (mean, interval.low, interval.high))
    return f"<td class=main>{value}</td><td>{low} to {high}</td>"


def _number(name: str, value: float, *, sign: str = "") -> str:
    return f"{value:{sign}#.3g}" if name in ERROR_UNITS else f"{100 * value:{sign}.2f}"


def _examples(report: Report) -> Iterator[str]:
    evaluation = next(iter(report.models.values()))
    for title, indices in choose(evaluation).items():
        yield f"<h2>{title}</h2>"
        for index in indices:
            panels = draw(report.samples[index], report.predict, report.threshold)
            yield _example(evaluation.images[index], panels)


def _example(image: ImageScore, panels: Panels) -> str:
    scores = image.scores()
    pictures = "".join(
        f"<figure class={caption}><img loading=lazy alt='{caption}' "
        f"src='data:image/{kind};base64,{base64.b64encode(data).decode()}'>"
        f"<figcaption>{caption}</figcaption></figure>"
        for caption, (kind, data) in panels.items()
    )
    return (
        f"<section class=example><p>{html.escape(image.id)} "
        f"<b>IoU {100 * scores['iou']:.1f} %</b>, boundary IoU {100 * scores['boundary_iou']:.1f} %</p>"
        f"<div class=panels>{pictures}</div></section>"
    )
