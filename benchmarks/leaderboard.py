"""The open leaderboard: any model that finds people, on lists that anybody can obtain.

    python benchmarks/leaderboard.py score base small adapter.py --data ../shared/data --peers ../shared/peers
    python benchmarks/leaderboard.py page

`score` runs each model in a process of its own, on one thread, and writes leaderboard/results/NAME.json. A
model is a bundled one, an .onnx file with its sidecar, a file of --peers, or an adapter: a Python file that
says NAME, LICENCE, FILES and load(). `page` makes docs/leaderboard.html and the tables in
leaderboard/README.md from all results. Scores, intervals and errors are those of `limner.evaluation`; nothing
is fetched.
"""

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from foreign import open_model
from limner import files
from limner.datasets import Sample, read_dataset
from limner.evaluation.evaluate import QUICK_ERRORS, Predict, evaluate
from limner.evaluation.mattes import ERRORS
from limner.evaluation.timing import machine
from limner.images import Image, resize
from limner.models.spec import ModelSpec, bundled_models, model_path
from limner.training.peers import FORMS

HERE = Path(__file__).parent / "leaderboard"
RESULTS = HERE / "results"
TIMED_SIZE = (800, 600)
ROUNDS = 15


@dataclass(frozen=True)
class List:
    """Pictures with masks, as `leaderboard/README.md` says how to obtain them."""

    folder: str
    split: str | None
    title: str
    errors: Sequence[str] = QUICK_ERRORS  # gradient and connectivity say nothing of hard-edged masks


LISTS = {
    "eg1800": List("eg1800", "val", "EG1800"),
    "film": List("foreign/film", None, "film stills"),
    "thumbnails": List("foreign/thumbnails", None, "thumbnails", tuple(ERRORS)),
    "alpha": List("foreign/alpha", None, "soft mattes", tuple(ERRORS)),
}

PORTRAIT_SEGMENTATION = "MIT (anilsathyan7/Portrait-Segmentation)"
MEDIAPIPE = "Apache-2.0 (google-ai-edge/mediapipe)"
LICENCES = {
    "mediapipe_selfie_256.tflite": MEDIAPIPE,
    "mediapipe_selfie_landscape.tflite": MEDIAPIPE,
    "meet_segm_full_v679.tflite": "Apache-2.0 (Volcomix/virtual-background)",
    "sinet_softmax_320.onnx": PORTRAIT_SEGMENTATION,
    "dnc_sinet_320x256.onnx": "MIT (YexingWan/Fast-Portrait-Segmentation)",
    "mobilenetv3_seg_float.tflite": PORTRAIT_SEGMENTATION,
    "slimnet_512.tflite": PORTRAIT_SEGMENTATION,
    "prisma_256.onnx": PORTRAIT_SEGMENTATION,
    "deeplab_513.onnx": PORTRAIT_SEGMENTATION,
    "pphumanseg_lite_398x224.onnx": "Apache-2.0 (PaddleSeg)",
    "rvm_mobilenetv3.onnx": "GPL-3.0 (PeterL1n/RobustVideoMatting)",
}
"""Peer -> the terms of its weights, and its project."""


@dataclass(frozen=True)
class Entry:
    """A model of the board."""

    name: str
    licence: str
    files: Sequence[Path]
    ours: bool
    adapter: ModuleType | None = None


def read_entry(model: str, peers: Path) -> Entry:
    """What a model on the command line is."""
    if model.endswith(".py"):
        spec = importlib.util.spec_from_file_location("adapter", model)
        assert spec
        assert spec.loader
        adapter = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(adapter)
        paths = [Path(model).parent / name for name in adapter.FILES]
        return Entry(adapter.NAME, adapter.LICENCE, paths, getattr(adapter, "OURS", False), adapter)
    if model in FORMS:
        return Entry(FORMS[model].name, LICENCES[model], [peers / model], ours=False)
    path = model_path(model)
    ours = model in bundled_models()
    name = f"Limner {model}" if ours else path.stem
    return Entry(name, ModelSpec.load(path.with_suffix(".json")).licence, [path], ours)


def cost(predict: Predict, image: Image) -> float:
    """Median CPU time of one picture, of all threads together, milliseconds."""
    taken = []
    for _ in range(ROUNDS + 2):
        started = time.process_time()
        predict(image)
        taken.append(time.process_time() - started)
    return 1e3 * float(np.median(taken[2:]))


def peak_memory() -> float:
    """The most that this process has held so far, MB (Linux counts kilobytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def read_lists(data: Path) -> dict[str, list[Sample]]:
    """The lists that are there."""
    return {
        name: read_dataset(data / one.folder, one.split)
        for name, one in LISTS.items()
        if (data / one.folder).is_dir()
    }


def measure(model: str, data: Path, peers: Path) -> dict[str, Any]:
    """One row of the board."""
    entry = read_entry(model, peers)
    lists = read_lists(data)
    image = resize(next(iter(lists.values()))[0].load()[0], TIMED_SIZE)
    before = peak_memory()
    predict: Predict = entry.adapter.load() if entry.adapter else open_model(model, peers)
    cpu_ms = cost(predict, image)
    memory = peak_memory() - before
    scored = {}
    for name, samples in lists.items():
        found = evaluate(predict, samples, errors=LISTS[name].errors, threads=1)
        scored[name] = {
            "pictures": len(samples),
            "scores": {score: round(value, 5) for score, value in found.scores().items()},
            "intervals": {
                score: [round(one.low, 5), round(one.high, 5)] for score, one in found.intervals().items()
            },
        }
    return {
        "name": entry.name,
        "licence": entry.licence,
        "ours": entry.ours,
        "bytes": sum(path.stat().st_size for path in entry.files),
        "cpu_ms": cpu_ms,
        "memory_mb": memory,
        "lists": scored,
        "machine": machine(),
    }


def main() -> None:
    """Score models, or make the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    scoring = commands.add_parser("score")
    scoring.add_argument("models", nargs="+")
    scoring.add_argument("--data", type=Path, default=Path("../shared/data"))
    scoring.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    scoring.add_argument("--results", type=Path, default=RESULTS, help="folder of the rows")
    commands.add_parser("page")
    args = parser.parse_args()
    if args.command == "page":
        from leaderboard_page import write_page

        write_page(RESULTS)
    elif len(args.models) == 1:
        row = measure(args.models[0], args.data, args.peers)
        target = args.results / f"{Path(args.models[0]).stem}.json"
        files.write_bytes(target, (json.dumps(row, indent=2) + "\n").encode())
        print(f"{row['name']}: {row['cpu_ms']:.0f} ms, {row['memory_mb']:.0f} MB")
    else:
        for model in args.models:  # each in a process of its own, whose memory is its own
            options = ["--data", args.data, "--peers", args.peers, "--results", args.results]
            subprocess.run([sys.executable, __file__, "score", model, *options], check=True)


if __name__ == "__main__":
    main()
