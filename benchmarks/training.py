"""Training speed of the published U-Net: images/s with data loading, and what an epoch of 24,000 would take.

    python benchmarks/training.py [--net NAME] [--images N] [--precision NAME]

Trains on painted portraits the way the command does (decoded once, batches of 50, augmentation, optimiser,
average weights) and prints what ``metrics.csv`` says. The first epoch warms up; the others count.
"""

import argparse
import contextlib
import csv
import json
import sys
import tempfile
from pathlib import Path

from limner.datasets.preparation import prepare
from limner.datasets.synthetic import plan_synthetic
from limner.evaluation.timing import machine
from limner.training.config import TrainConfig
from limner.training.train import train


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", default="unet")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--precision", default="bf16-mixed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(plan_synthetic(args.images, side=128), Path(folder) / "painted")
        config = TrainConfig(
            name="speed",
            net=args.net,
            data=("painted",),
            data_root=folder,
            output=folder,
            batch_size=50,
            epochs=args.epochs,
            precision=args.precision,
        )
        with contextlib.redirect_stdout(sys.stderr):  # where the progress bar belongs
            train(config)
        with (Path(folder) / "speed" / "metrics.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))[1:]
    rates = [float(row["images_per_s"]) for row in rows]
    fractions = [float(row["data_fraction"]) for row in rows]
    rate = sum(rates) / len(rates)
    result = {
        "net": args.net,
        "precision": args.precision,
        "machine": machine(),
        "images_per_s": [round(value, 1) for value in rates],
        "data_fraction": [round(value, 3) for value in fractions],
        "minutes_for_24000": round(24_000 / rate / 60, 1),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
