"""The scores of the published table, beside the true ones, for one model on one list.

    python benchmarks/published.py MODEL FOLDER [--split val]

Everything is measured at network size, as published: cross-entropy, soft Dice smoothed by 100 over batches of
50, the smoothed Jaccard index that was called IoU, and true IoU, Dice and accuracy at threshold 0.5.
"""

import argparse
import json

import numpy as np

from limner.datasets import read_dataset
from limner.evaluation.metrics import Counts, accuracy, dice, iou, smoothed_jaccard, soft_dice
from limner.mattes.masks import threshold
from limner.models.segmenter import Segmenter

BATCH = 50


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--split", default="val")
    args = parser.parse_args()
    segmenter = Segmenter(args.model, device="cpu")
    pairs = [sample.load_at(segmenter.spec.size) for sample in read_dataset(args.folder, args.split)]
    probs = np.concatenate(
        [
            np.stack(segmenter.batch([image for image, _, _ in pairs[start : start + BATCH]]))
            for start in range(0, len(pairs), BATCH)
        ]
    )
    targets = np.stack([alpha for _, alpha, _ in pairs]).astype(np.float32) / np.float32(255)
    sure = probs.astype(np.float64).clip(1e-7, 1 - 1e-7)
    loss = -np.mean(targets * np.log(sure) + (1 - targets) * np.log(1 - sure))
    preds, truths = threshold(probs), threshold(targets)
    counts = [Counts.of(pred, truth) for pred, truth in zip(preds, truths, strict=True)]
    batches = [slice(start, start + BATCH) for start in range(0, len(pairs), BATCH)]
    result = {
        "model": segmenter.spec.name,
        "images": len(pairs),
        "parameters": segmenter.spec.parameters,
        "loss": float(loss),
        "smoothed_jaccard": smoothed_jaccard(probs, targets),
        "soft_dice": float(np.mean([soft_dice(probs[part], targets[part]) for part in batches])),
        "iou_mean": float(np.mean([iou(one) for one in counts])),
        "iou_pooled": iou(sum(counts, Counts())),
        "dice_mean": float(np.mean([dice(one) for one in counts])),
        "accuracy": float(np.mean([accuracy(one) for one in counts])),
        "commit": segmenter.spec.commit,
    }
    print(
        json.dumps(
            {key: round(value, 5) if isinstance(value, float) else value for key, value in result.items()}
        )
    )


if __name__ == "__main__":
    main()
