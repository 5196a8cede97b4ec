"""Masks for pictures that have none, from other projects' models: the mean of five, where they agree.

    pip install ai-edge-litert
    python benchmarks/teach.py ../shared/data/unlabelled data/taught [--peers ../shared/peers]

Writes a data set to train on: images/ (at most 512 pixels), masks/ (the mean alpha, in grey) and train.txt
with the pictures on which the models agree: the mean IoU of each one's mask with that of the mean is at least
--agreement. agreement.csv tells it for every picture. A second run goes on where one was stopped.
"""

import argparse
import csv
import io
from pathlib import Path

import numpy as np
from tqdm import tqdm

from limner import files
from limner.images import Alpha, fit, load_image, save_image
from limner.masks import threshold, to_uint8
from limner.metrics import Counts, iou
from peers import PEERS, Peer

TEACHERS = (
    "slimnet_512.tflite",
    "sinet_softmax_320.onnx",
    "mediapipe_selfie_256.tflite",
    "mobilenetv3_seg_float.tflite",
    "meet_segm_full_v679.tflite",
)
"""Those that do best on both lists of benchmarks/peers.py."""

SIDE = 512
"""Longest side of the masks and pictures, pixels."""


def main() -> None:
    """Write the data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    parser.add_argument("--agreement", type=float, default=0.9)
    args = parser.parse_args()
    teachers = [Peer(args.peers / name, PEERS[name]) for name in TEACHERS]
    for name in ("images", "masks"):
        files.make_folder(args.target / name)
    table = args.target / "agreement.csv"
    known = dict(csv.reader(table.read_text().splitlines()[1:])) if table.exists() else {}
    paths = sorted(path for path in args.source.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    for count, path in enumerate(tqdm(paths, "teaching", unit="image"), 1):
        if path.stem not in known:
            known[path.stem] = f"{_teach(path, args.target, teachers):.4f}"
        if count % 200 == 0 or count == len(paths):
            rows = io.StringIO()
            csv.writer(rows).writerows([("id", "agreement"), *sorted(known.items())])
            files.write_bytes(table, rows.getvalue().encode())
    kept = [name for name, value in sorted(known.items()) if float(value) >= args.agreement]  # of all sources
    files.write_bytes(args.target / "train.txt", "".join(f"{name}\n" for name in kept).encode())
    print(f"{len(kept)} of {len(known)} pictures have an agreement of {args.agreement} or more")


def _teach(path: Path, target: Path, teachers: list[Peer]) -> float:
    image = load_image(path)
    if max(image.shape) > SIDE:
        image = fit(image, SIDE)
    alphas = [teacher(image) for teacher in teachers]
    mean: Alpha = np.mean(alphas, axis=0, dtype=np.float32)
    save_image(target / "images" / f"{path.stem}.jpg", image)
    save_image(target / "masks" / f"{path.stem}.png", to_uint8(mean))
    common = threshold(mean)
    if not common.any():
        return 0.0
    return float(np.mean([iou(Counts.of(threshold(alpha), common)) for alpha in alphas]))


if __name__ == "__main__":
    main()
