"""Other projects' portrait models beside ours: accuracy, and latency interleaved in one process.

    pip install ai-edge-litert
    python benchmarks/peers.py --peers ../shared/peers --data ../shared/data

Every model sees the same images through the same resizing (`limner.models.spec.to_input`, `to_alpha`), scored
at each image's full size with threshold 0.5: two validation lists, and the mean over the parts of foreign/
(see foreign.py). Latencies are taken in turn, round by round, each with two
threads on one 600 x 800 portrait. Writes benchmarks/results/peers.json, docs/peers.png and the table in
docs/notebook/benchmarks.md.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from tqdm import tqdm

from foreign import PARTS, read_parts
from limner import files
from limner.evaluation.drawing import COLOURS, new_figure, to_png, trim
from limner.evaluation.evaluate import evaluate
from limner.evaluation.timing import machine
from limner.images import Alpha, Image
from limner.models.segmenter import Segmenter
from limner.models.spec import bundled_models, model_path, to_input
from limner.training.peers import FORMS, THREADS, Peer

SETTLE_S = 0.3  # before each timing, so that the last model's threads have stopped waiting for more
LISTS = {"eg1800": "EG1800", "celebamask-hq-5k": "CelebAMask-HQ", "foreign": "other sources"}
SCORES = {"": "iou", " boundary": "boundary_iou", " dice": "dice", " accuracy": "accuracy", " mad": "mad"}
HERE = Path(__file__).parent
BEGIN, END = "<!-- peers: made by benchmarks/peers.py -->\n", "<!-- end of peers -->\n"


class Ours:
    """A model of this package, with the same two steps apart."""

    def __init__(self, model: str) -> None:
        self.segmenter = Segmenter(model, device="cpu", threads=THREADS)
        spec = self.segmenter.spec
        self.name, self.size = f"Limner {spec.name}", spec.size
        self.bytes = model_path(model).stat().st_size
        self.run: Callable[[Any], Any] = self.segmenter

    def prepare(self, image: Image) -> Image:
        """The network's input of an image."""
        return to_input(image, self.segmenter.spec.input_size(image.shape[:2]))

    def __call__(self, image: Image) -> Alpha:
        """Alpha of the subject at the size of the image."""
        return self.segmenter(image)


Model: TypeAlias = Peer | Ours


def latencies(models: list[Model], image: Image, rounds: int) -> dict[str, dict[str, float]]:
    """Median milliseconds of every model, the network alone and with both resizings, taken in turn."""
    prepared: dict[str, Any] = {model.name: model.prepare(image) for model in models}
    taken: dict[str, list[tuple[float, float]]] = {model.name: [] for model in models}
    for turn in tqdm(range(rounds + 2), "timing", unit="round"):
        for model in models:
            time.sleep(SETTLE_S)
            model.run(prepared[model.name])  # what it needs is in the caches again
            started = time.perf_counter()
            model.run(prepared[model.name])
            between = time.perf_counter()
            model(image)
            if turn >= 2:
                taken[model.name].append((between - started, time.perf_counter() - between))
    medians = {name: 1e3 * np.median(times, axis=0) for name, times in taken.items()}
    return {
        name: {"network_ms": float(network), "whole_ms": float(whole)}
        for name, (network, whole) in medians.items()
    }


def front(rows: list[dict[str, Any]], score: str) -> list[dict[str, Any]]:
    """The rows that no other beats in both speed and score, the fastest first."""
    best, result = -1.0, []
    for row in sorted(rows, key=lambda row: row["network_ms"]):
        if row[score] > best:
            best = row[score]
            result.append(row)
    return result


def plot(rows: list[dict[str, Any]]) -> Figure:
    """Accuracy over latency for each list, with the front; the models by number, the fastest first."""
    rows = sorted(rows, key=lambda row: row["network_ms"])
    figure = new_figure(14.5, 4.4)
    for axis, (key, title) in zip(figure.subplots(1, len(LISTS)), LISTS.items(), strict=True):
        best = front(rows, key)
        axis.step(
            [row["network_ms"] for row in best],
            [100 - 100 * row[key] for row in best],
            color="grey",
            where="post",
            linewidth=1,
        )
        for number, row in enumerate(rows, 1):
            place = row["network_ms"], 100 - 100 * row[key]
            axis.plot(
                *place,
                "o",
                markersize=13,
                markeredgecolor="white",
                color=COLOURS[row["ours"]],
                label=f"{number}  {row['name']}",
            )
            axis.annotate(str(number), place, ha="center", va="center", fontsize=7.5, color="white")
        axis.set(xscale="log", yscale="log", title=title)
        axis.set(xlabel="network alone, ms, 2 threads", ylabel="mean IoU, %")
        axis.margins(x=0.08, y=0.08)
        axis.invert_yaxis()
        axis.yaxis.set_major_formatter(lambda error, _: f"{100 - error:g}")
        axis.yaxis.set_minor_formatter(lambda error, _: f"{100 - error:g}")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.grid(which="both", alpha=0.2)
        trim(axis)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, loc="outside right center", markerscale=0.5)
    return figure


def table(rows: list[dict[str, Any]], made: dict[str, Any], command: str) -> str:
    """The rows as Markdown."""
    heads = "".join(f" {title} IoU | boundary IoU |" for title in LISTS.values())
    lines = [
        f"`{command}` at commit {made['commit'][:7]}, {made['time']}, {made['cpu']}, {made['cores']} cores, "
        f"ONNX Runtime {made['onnxruntime']}.",
        "",
        f"| model | input | MB | network ms | with resizing ms |{heads}",
        "|---|---|---|---|---|" + "---|---|" * len(LISTS),
    ]
    for row in sorted(rows, key=lambda row: row["network_ms"]):
        scores = "".join(f" {100 * row[key]:.2f} | {100 * row[f'{key} boundary']:.2f} |" for key in LISTS)
        name = f"**{row['name']}**" if row["ours"] else row["name"]
        height, width = row["input"]
        lines.append(
            f"| {name} | {height} x {width} | {row['mb']:.2f} | {row['network_ms']:.1f} | "
            f"{row['whole_ms']:.1f} |{scores}"
        )
    return "\n".join([*lines, "", "![Accuracy over latency](../peers.png)", ""])


def main() -> None:
    """Measure everything and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default="../shared/peers")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--models", nargs="*", default=bundled_models(), help="ours: names or files")
    parser.add_argument("--rounds", type=int, default=40)
    args = parser.parse_args()
    models: list[Model] = [
        *(Peer(Path(args.peers) / name) for name in FORMS),
        *(Ours(model) for model in args.models),
    ]
    parts = read_parts(Path(args.data))
    lists = {key: [parts[key]] if key in parts else [parts[name] for name in PARTS] for key in LISTS}
    timed = latencies(models, parts["eg1800"][0].load()[0], args.rounds)
    rows = []
    for model in models:
        row: dict[str, Any] = {
            "ours": isinstance(model, Ours),
            "name": model.name,
            "input": model.size,
            "mb": model.bytes / 1e6,
            **timed[model.name],
        }
        for key, of_list in lists.items():
            scores = [evaluate(model, samples, threads=1).scores() for samples in of_list]
            for name, measure in SCORES.items():
                row[key + name] = float(np.mean([one[f"{measure}_mean"] for one in scores]))
        rows.append(row)
    made = machine()
    files.write_bytes(
        HERE / "results" / "peers.json", json.dumps({"machine": made, "rows": rows}, indent=2).encode()
    )
    docs = HERE.parent / "docs"
    files.write_bytes(docs / "peers.png", to_png(plot(rows)))
    page = (docs / "notebook" / "benchmarks.md").read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    text = table(rows, made, "python benchmarks/peers.py")
    files.write_bytes(docs / "notebook" / "benchmarks.md", f"{before}{BEGIN}\n{text}\n{END}{after}".encode())


if __name__ == "__main__":
    main()
