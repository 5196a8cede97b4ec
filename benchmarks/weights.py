"""What smaller weights cost and gain: accuracy, time and size of several exports of one network, in one run.

    limner export runs/base/best.ckpt float32.onnx
    limner export runs/base/best.ckpt int8.onnx --weights int8
    python benchmarks/weights.py float32.onnx int8.onnx [--data ../shared/data]

Scores are on the validation lists at full size; times are of the network with both resizings on one portrait,
taken in turn, two threads, the least and the median of all rounds. Prints JSON.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from limner.datasets import read_dataset
from limner.evaluation.evaluate import evaluate
from limner.evaluation.timing import machine
from limner.models.segmenter import Segmenter

ROUNDS, THREADS, SETTLE_S = 60, 2, 0.02
LISTS = ("eg1800", "celebamask-hq-5k")
SCORES = ("iou_mean", "boundary_iou_mean", "mad_mean")


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    models = {path: Segmenter(path, device="cpu", threads=THREADS) for path in args.models}
    lists = {key: read_dataset(args.data / key, "val") for key in LISTS}
    image = lists["eg1800"][0].load()[0]
    times: dict[Path, list[float]] = {path: [] for path in models}
    for _ in range(ROUNDS):
        for path, segmenter in models.items():
            time.sleep(SETTLE_S)
            started = time.perf_counter()
            segmenter(image)
            times[path].append(1e3 * (time.perf_counter() - started))
    result: dict[str, Any] = {"made": machine()}
    for path, segmenter in models.items():
        scores = {key: evaluate(segmenter, samples).scores() for key, samples in lists.items()}
        result[path.name] = {
            "file_mb": path.stat().st_size / 1e6,
            "least_ms": min(times[path]),
            "median_ms": float(np.median(times[path])),
            **{key: {name: one[name] for name in SCORES} for key, one in scores.items()},
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
