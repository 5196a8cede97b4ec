"""What removing stray parts brings, and how well `expected_iou` tells good cut-outs from bad ones.

    python benchmarks/confidence.py base small weights/base.ckpt --data ../shared/data

Models and data are those of benchmarks/foreign.py; the network's alpha at full size, threshold 0.5, in
percent. Bad is an IoU under 90 %. The second table says how many cut-outs are bad among the hundredth, the
tenth and the half that the number trusts least, and among the other half.
"""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from foreign import open_model, read_parts
from limner.evaluation.metrics import Counts, iou
from limner.mattes.confidence import expected_iou
from limner.mattes.masks import remove_specks, threshold

BAD = 0.9


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    args = parser.parse_args()
    parts = read_parts(args.data)
    told = []
    print(f"| model | {' | '.join(parts)} |\n|---{'|---' * len(parts)}|")
    for name in args.models:
        predict = open_model(name, args.peers)
        cells, rows = [], []
        for part, samples in parts.items():
            scores = []
            for sample in tqdm(samples, part, unit="image", leave=False):
                image, target = sample.load()
                alpha, mask = predict(image), threshold(target)
                kept = remove_specks(alpha)
                before, after = (iou(Counts.of(threshold(one), mask)) for one in (alpha, kept))
                scores.append((before, after, expected_iou(alpha)))
            cells.append("{:.2f} -> {:.2f}".format(*100 * np.mean(scores, axis=0)[:2]))
            rows += [score[1:] for score in scores]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        told.append(f"| {name} | {_ranking(np.array(rows))} |")
    heads = "mean IoU", "mean confidence", "mean difference", "bad", "worst 1 %", "10 %", "50 %", "best 50 %"
    print(f"\n| model | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|", *told, sep="\n")


def _ranking(rows: np.ndarray) -> str:
    """The cells of a model, given the IoU and the confidence of each picture."""
    found, told = rows[np.argsort(rows[:, 1], kind="stable")].T
    bad = found < BAD
    half = len(bad) // 2
    least = [bad[: max(1, len(bad) // every)].mean() for every in (100, 10, 2)]
    means = found.mean(), told.mean(), abs(found - told).mean(), bad.mean()
    return " | ".join(f"{100 * value:.1f}" for value in (*means, *least, bad[half:].mean()))


if __name__ == "__main__":
    main()
