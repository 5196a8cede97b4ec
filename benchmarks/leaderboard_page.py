"""The page and the tables of the leaderboard, from its results; `leaderboard.py page` calls this."""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from leaderboard import HERE, LISTS
from limner import files
from limner.evaluation.drawing import COLOURS, new_figure, to_svg, trim

Row = dict[str, Any]
PAGE = HERE.parents[1] / "docs" / "board.html"
README = HERE / "README.md"
BEGIN, END = "<!-- made by benchmarks/leaderboard.py page -->\n", "<!-- end of what is made -->\n"
SCORES = {
    "iou": "IoU, %",
    "boundary_iou": "boundary IoU, %",
    "sad": "SAD, thousands",
    "mse": "MSE, 1/1000",
    "gradient": "gradient, thousands",
    "connectivity": "connectivity, thousands",
}
"""Name of a score -> the head of its column; of the first two more is better, of the errors less."""
FACTORS = {"iou": 100.0, "boundary_iou": 100.0, "mse": 1000.0}
BETTER_HIGH = ("iou", "boundary_iou")


def shown(row: Row, name: str, score: str) -> float | None:
    """A mean over the pictures of a list, in the unit of its column."""
    value = row["lists"][name]["scores"].get(f"{score}_mean")
    return None if value is None else FACTORS.get(score, 1.0) * value


def overall(row: Row, score: str) -> float:
    """The mean over the lists, each of which counts the same."""
    return float(np.mean([shown(row, name, score) or 0.0 for name in LISTS]))


def terms(row: Row) -> str:
    """The licence of the weights; of ours without the sources that the model card names."""
    return str(row["licence"]).partition(" (trained")[0]


def front(rows: Sequence[Row], score: str) -> list[Row]:
    """The rows that no other beats in both cost and score, the cheapest first."""
    best, found = -1.0, []
    for row in sorted(rows, key=lambda row: row["cpu_ms"]):
        if overall(row, score) > best:
            best = overall(row, score)
            found.append(row)
    return found


def plot(rows: Sequence[Row]) -> Figure:
    """Score over CPU time, the models by their number in the table."""
    figure = new_figure(11, 4.2)
    for axis, score in zip(figure.subplots(1, 2), BETTER_HIGH, strict=True):
        best = front(rows, score)
        places = [row["cpu_ms"] for row in best], [overall(row, score) for row in best]
        axis.step(*places, color="grey", where="post", linewidth=1)
        for number, row in enumerate(rows, 1):
            place = row["cpu_ms"], overall(row, score)
            axis.plot(*place, "o", markersize=13, markeredgecolor="white", color=COLOURS[row["ours"]])
            axis.annotate(str(number), place, ha="center", va="center", fontsize=7.5, color="white")
        axis.set(xscale="log", xlabel="CPU time of a picture, ms", ylabel=f"mean {SCORES[score]}")
        axis.set_xticks([5, 10, 20, 50, 100, 200], [5, 10, 20, 50, 100, 200])
        axis.minorticks_off()
        trim(axis)
    return figure


def losses(rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
    """List, score, the best model where it is not ours, and the best of ours."""
    found = []
    for name, one in LISTS.items():
        for score, title in SCORES.items():
            values = [(value, row) for row in rows if (value := shown(row, name, score)) is not None]
            if not values:
                continue
            ordered = sorted(values, key=lambda pair: pair[0], reverse=score in BETTER_HIGH)
            value, best = ordered[0]
            own, ours = next(pair for pair in ordered if pair[1]["ours"])
            if not best["ours"]:
                found.append((one.title, title, f"{best['name']}: {value:.2f}", f"{ours['name']}: {own:.2f}"))
    return found


def summary(rows: Sequence[Row]) -> str:
    """The overall table and the losses, as Markdown."""
    lines = [
        "| | model | mean IoU | mean boundary IoU | CPU ms | memory MB | file MB | licence |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, row in enumerate(rows, 1):
        name = f"**{row['name']}**" if row["ours"] else row["name"]
        lines.append(
            f"| {number} | {name} | {overall(row, 'iou'):.2f} | {overall(row, 'boundary_iou'):.2f} | "
            f"{row['cpu_ms']:.1f} | {row['memory_mb']:.0f} | {row['bytes'] / 1e6:.2f} | {terms(row)} |"
        )
    lines += ["", "## Where we lose", "", "| list | score | best | best of ours |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(loss)} |" for loss in losses(rows)]
    return "\n".join(lines) + "\n"


def html_table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], ours: Sequence[bool]
) -> str:
    """A table whose columns sort; cells are texts, or pairs of a number to sort by and a text."""
    kinds = ["number" if isinstance(cell, tuple) else "text" for cell in rows[0]]
    head = "".join(
        f'<th scope="col" class="{kind}"><button>{html.escape(title)}</button></th>'
        for title, kind in zip(heads, kinds, strict=True)
    )
    body = ""
    for cells, own in zip(rows, ours, strict=True):
        parts = [
            f'<td data-value="{cell[0]}">{html.escape(cell[1])}</td>'
            if isinstance(cell, tuple)
            else f'<td class="text">{html.escape(str(cell))}</td>'
            for cell in cells
        ]
        body += f"<tr class={'ours' if own else 'others'}>{''.join(parts)}</tr>\n"
    return (
        f'<h2>{html.escape(caption)}</h2>\n<div class="scroll" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
    )


def tables(rows: Sequence[Row]) -> str:
    """The overall table, one a list, and the losses."""
    ours = [row["ours"] for row in rows]
    heads = [
        "",
        "model",
        "mean IoU, %",
        "mean boundary IoU, %",
        "CPU, ms",
        "memory, MB",
        "file, MB",
        "licence",
    ]
    general = [
        [
            (number, str(number)),
            row["name"],
            *((overall(row, score), f"{overall(row, score):.2f}") for score in BETTER_HIGH),
            (row["cpu_ms"], f"{row['cpu_ms']:.1f}"),
            (row["memory_mb"], f"{row['memory_mb']:.0f}"),
            (row["bytes"], f"{row['bytes'] / 1e6:.2f}"),
            terms(row),
        ]
        for number, row in enumerate(rows, 1)
    ]
    parts = [html_table("All lists", heads, general, ours)]
    for name, one in LISTS.items():
        there = [score for score in SCORES if shown(rows[0], name, score) is not None]
        count = rows[0]["lists"][name]["pictures"]
        cells = [[row["name"], *(interval(row, name, score) for score in there)] for row in rows]
        titles = ["model", *(SCORES[score] for score in there)]
        parts.append(html_table(f"{one.title}: {count} pictures", titles, cells, ours))
    lost = losses(rows)
    parts.append(
        html_table("Where we lose", ["list", "score", "best", "best of ours"], lost, [False] * len(lost))
    )
    return "\n".join(parts)


def interval(row: Row, name: str, score: str) -> tuple[float, str]:
    """A score with its 95 % interval, in the unit of its column."""
    value, factor = shown(row, name, score), FACTORS.get(score, 1.0)
    low, high = row["lists"][name]["intervals"][f"{score}_mean"]
    assert value is not None
    return value, f"{value:.2f}  [{factor * low:.2f}, {factor * high:.2f}]"


def write_page(results: Path) -> None:
    """Write docs/board.html and the table of leaderboard/README.md."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*.json"))]
    rows.sort(key=lambda row: overall(row, "iou"), reverse=True)
    made = rows[0]["machine"]
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    page = template.substitute(
        plot=to_svg(plot(rows), "leaderboard"),
        tables=tables(rows),
        made=html.escape(f"{made['time'][:10]}, {made['cpu']}, ONNX Runtime {made['onnxruntime']}"),
    )
    files.write_bytes(PAGE, page.encode())
    text = README.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    files.write_bytes(README, f"{before}{BEGIN}\n{summary(rows)}\n{END}{after}".encode())
