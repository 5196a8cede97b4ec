"""Other projects' portrait models beside ours: accuracy on two lists, latency interleaved in one process.

    pip install ai-edge-litert
    python benchmarks/peers.py --peers ../shared/peers --data ../shared/data

Every model sees the same images through the same resizing (`limner.spec.to_input`, `to_alpha`) and is scored
at each image's full size with threshold 0.5. Latencies are taken in turn, round by round, each with two
threads on one 600 x 800 portrait. Writes benchmarks/results/peers.json, docs/peers.png and the table in
docs/benchmarks.md.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray
from tqdm import tqdm

from limner import files
from limner.bench import machine
from limner.datasets import read_dataset
from limner.evaluation import evaluate
from limner.images import Alpha, Image
from limner.report.drawing import COLOURS, new_figure, to_png, trim
from limner.segmenter import Segmenter
from limner.spec import bundled_models, model_path, to_alpha, to_input

THREADS = 2
SETTLE_S = 0.3  # before each timing, so that the last model's threads have stopped waiting for more
LISTS = {"eg1800": "EG1800", "celebamask-hq-5k": "CelebAMask-HQ"}
HERE = Path(__file__).parent
BEGIN, END = "<!-- peers: made by benchmarks/peers.py -->\n", "<!-- end of peers -->\n"


@dataclass(frozen=True)
class Form:
    """What a peer's network wants and gives, from the notes beside the weights."""

    name: str
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)  # of the grey levels 0..255, in the order of its channels
    std: tuple[float, ...] = (255.0, 255.0, 255.0)
    bgr: bool = False
    logits: bool = False  # two channels before the softmax, rather than probabilities


IMAGENET = (127.5, 127.5, 127.5)
SINET = tuple(255 * value for value in (62.93292, 62.82138, 66.355705))
SINET_MEAN = (102.890434, 111.25247, 126.91212)
PEERS = {
    "mediapipe_selfie_256.tflite": Form("MediaPipe Selfie 256"),
    "mediapipe_selfie_landscape.tflite": Form("MediaPipe landscape"),
    "meet_segm_full_v679.tflite": Form("Meet full", logits=True),
    "sinet_softmax_320.onnx": Form("SINet 320", mean=SINET_MEAN, std=SINET, bgr=True),
    "dnc_sinet_320x256.onnx": Form(
        "SINet variant 320 x 256", mean=SINET_MEAN, std=SINET, bgr=True, logits=True
    ),
    "mobilenetv3_seg_float.tflite": Form("MobileNetV3 U-Net", logits=True),
    "slimnet_512.tflite": Form("SlimNet 512", logits=True),
    "prisma_256.onnx": Form("PrismaNet 256"),
    "deeplab_513.onnx": Form("DeepLabV3+ 513", mean=IMAGENET, std=IMAGENET, logits=True),
    "pphumanseg_lite_398x224.onnx": Form("PP-HumanSeg Lite", mean=IMAGENET, std=IMAGENET),
}
"""File -> its form."""


class Peer:
    """Another project's model, called as a `Segmenter` is."""

    def __init__(self, path: Path, form: Form) -> None:
        self.name, self.form, self.bytes = form.name, form, path.stat().st_size
        self.run, shape = _tflite(path) if path.suffix == ".tflite" else _onnx(path)
        self.first = path.suffix == ".onnx"  # channels before rows
        self.size = (int(shape[2]), int(shape[3])) if self.first else (int(shape[1]), int(shape[2]))

    def prepare(self, image: Image) -> NDArray[np.float32]:
        """The network's input of an image."""
        seen = to_input(image, self.size)[..., :: -1 if self.form.bgr else 1].astype(np.float32)
        mean, std = (np.array(values, np.float32) for values in (self.form.mean, self.form.std))
        pixels: NDArray[np.float32] = (seen - mean) / std
        return np.ascontiguousarray(pixels.transpose(2, 0, 1) if self.first else pixels)[None]

    def __call__(self, image: Image) -> Alpha:
        """Alpha of the subject at the size of the image."""
        found: Alpha = self.run(self.prepare(image))[0]
        found = found if self.first else found.transpose(2, 0, 1)
        if self.form.logits:
            found = np.reciprocal(1 + np.exp(found[:1] - found[1:]))  # the softmax of two
        prob: Alpha = np.ascontiguousarray(found[-1], np.float32)
        return to_alpha(prob, image.shape[:2])


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
        return to_input(image, self.size)

    def __call__(self, image: Image) -> Alpha:
        """Alpha of the subject at the size of the image."""
        return self.segmenter(image)


def _tflite(path: Path) -> tuple[Callable[[Any], Any], tuple[int, ...]]:
    interpreter = Interpreter(str(path), num_threads=THREADS)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(pixels: Any) -> Any:
        interpreter.set_tensor(source["index"], pixels)
        interpreter.invoke()
        return interpreter.get_tensor(target["index"])

    return run, tuple(source["shape"])


def _onnx(path: Path) -> tuple[Callable[[Any], Any], tuple[int, ...]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = THREADS, 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    return lambda pixels: session.run(None, {source.name: pixels})[0], tuple(source.shape)


def latencies(models: list[Peer | Ours], image: Image, rounds: int) -> dict[str, dict[str, float]]:
    """Median milliseconds of every model, the network alone and with both resizings, taken in turn."""
    prepared = {model.name: model.prepare(image) for model in models}
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
    figure = new_figure(11, 4.4)
    for axis, (key, title) in zip(figure.subplots(1, 2), LISTS.items(), strict=True):
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
        axis.set(xscale="log", yscale="log", title=f"{title}, validation list")
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
    return "\n".join([*lines, "", "![Accuracy over latency](peers.png)", ""])


def main() -> None:
    """Measure everything and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default="../shared/peers")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--models", nargs="*", default=bundled_models(), help="ours: names or files")
    parser.add_argument("--rounds", type=int, default=40)
    args = parser.parse_args()
    models: list[Peer | Ours] = [
        *(Peer(Path(args.peers) / name, form) for name, form in PEERS.items()),
        *(Ours(model) for model in args.models),
    ]
    lists = {key: read_dataset(Path(args.data) / key, "val") for key in LISTS}
    timed = latencies(models, lists["eg1800"][0].load()[0], args.rounds)
    rows = []
    for model in models:
        row: dict[str, Any] = {
            "ours": isinstance(model, Ours),
            "name": model.name,
            "input": model.size,
            "mb": model.bytes / 1e6,
            **timed[model.name],
        }
        for key, samples in lists.items():
            scores = evaluate(model, samples, threads=1).scores()
            row |= {key: scores["iou_mean"], f"{key} boundary": scores["boundary_iou_mean"]}
            row |= {f"{key} {name}": scores[f"{name}_mean"] for name in ("dice", "accuracy", "mad")}
        rows.append(row)
    made = machine()
    files.write_bytes(
        HERE / "results" / "peers.json", json.dumps({"machine": made, "rows": rows}, indent=2).encode()
    )
    docs = HERE.parent / "docs"
    files.write_bytes(docs / "peers.png", to_png(plot(rows)))
    page = (docs / "benchmarks.md").read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    text = table(rows, made, "python benchmarks/peers.py")
    files.write_bytes(docs / "benchmarks.md", f"{before}{BEGIN}\n{text}\n{END}{after}".encode())


if __name__ == "__main__":
    main()
