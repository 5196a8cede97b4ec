"""The scores that choose: models and ensembles on sources that no training has seen, part by part.

    python benchmarks/foreign.py base small weights/base.ckpt --data ../shared/data
    python benchmarks/foreign.py rvm_mobilenetv3.onnx+sinet_softmax_320.onnx teachers --peers ../shared/peers

A model is a bundled one, an .onnx file with its sidecar, a checkpoint (run.ckpt@320 shows it as many pixels
as 320 x 320), a file of --peers, several of these joined by + (the mean of their alphas), or `teachers`,
the ensemble that labels pictures. Each part of foreign/ gives mean IoU and mean boundary IoU (1 % of the
diagonal), in percent, at threshold 0.5, and SAD in thousands of pixels; the mean over its parts picks
recipes, epochs and sizes. The two validation lists stand beside them where --data has them.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from limner import files
from limner.datasets import Sample, read_dataset
from limner.evaluation.evaluate import Predict
from limner.evaluation.mattes import sad
from limner.evaluation.metrics import Counts, boundary_iou, iou
from limner.evaluation.timing import machine
from limner.mattes.masks import threshold
from limner.models.segmenter import Segmenter
from limner.parallel import thread_map
from limner.training.peers import FORMS, Peer
from limner.training.predict import CheckpointSegmenter
from limner.training.teachers import Teachers

PARTS = ("film", "action", "thumbnails", "alpha")
LISTS = ("eg1800", "celebamask-hq-5k")
BOUNDARY = 0.01  # of the diagonal


@dataclass(frozen=True)
class Score:
    """Means over the pictures of a part."""

    iou: float
    boundary_iou: float
    sad: float  # thousands of pixels

    @classmethod
    def mean(cls, scores: Sequence["Score"]) -> "Score":
        """The mean of each."""
        rows = [(one.iou, one.boundary_iou, one.sad) for one in scores]
        return cls(*np.mean(rows, axis=0).tolist())

    def __str__(self) -> str:
        return f"{100 * self.iou:.1f} / {100 * self.boundary_iou:.1f} / {self.sad:.2f}"


def open_model(name: str, peers: Path) -> Predict:
    """What a name on the command line stands for."""
    if "+" in name:
        predictions = [open_model(part, peers) for part in name.split("+")]
        return lambda image: np.mean([predict(image) for predict in predictions], axis=0, dtype=np.float32)
    if name == "teachers":
        teachers = Teachers(peers)
        return lambda image: teachers(image)[0]
    if name in FORMS:
        return Peer(peers / name, threads=1)
    path, _, side = name.partition("@")
    if path.endswith(".ckpt"):
        return CheckpointSegmenter(path, side=int(side) if side else None)
    return Segmenter(path, device="cpu", threads=1)


def score(predict: Predict, samples: Sequence[Sample], title: str, threads: int | None) -> Score:
    """The means over some samples."""

    def measure(sample: Sample) -> Score:
        image, target = sample.load()
        pred, mask = predict(image), threshold(target)
        found = threshold(pred)
        return Score(
            iou(Counts.of(found, mask)), boundary_iou(found, mask, fraction=BOUNDARY), sad(pred, target)
        )

    rows = thread_map(measure, samples, threads=threads)
    return Score.mean(list(tqdm(rows, title, len(samples), unit="image", leave=False)))


def read_parts(data: Path) -> dict[str, list[Sample]]:
    """Name -> samples: the parts of foreign/ and the validation lists, as far as they are there."""
    parts = {name: read_dataset(data / "foreign" / name) for name in PARTS}
    return parts | {name: read_dataset(data / name, "val") for name in LISTS if (data / name).is_dir()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    args = parser.parse_args()
    parts = read_parts(args.data)
    heads = " | ".join(f"{name} ({len(samples)})" for name, samples in parts.items())
    print(f"| model | {heads} | **mean of foreign/** |\n|---{'|---' * (len(parts) + 1)}|")
    rows = {}
    for name in args.models:
        predict = open_model(name, args.peers)
        one_by_one = not name.endswith(".onnx") and name not in {"base", "small", "unet"}
        threads = 1 if one_by_one else None  # torch and TFLite are not called from several threads
        scores = {part: score(predict, samples, part, threads) for part, samples in parts.items()}
        scores["foreign"] = Score.mean([scores[part] for part in PARTS])
        print(f"| {name} | " + " | ".join(map(str, scores.values())) + " |", flush=True)
        rows[name] = {part: vars(one) for part, one in scores.items()}
    if args.json:
        made = {"machine": machine(), "models": rows}
        files.write_bytes(args.json, (json.dumps(made, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
