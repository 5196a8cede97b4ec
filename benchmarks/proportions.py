"""Whether a model minds the proportions of a picture: portraits of 3:4 with bars, blurred bars and cropped.

    python benchmarks/proportions.py base weights/base.ckpt --data ../shared/data/eg1800 --every 4

Each portrait is put on a canvas of other proportions, in the middle of black bars or of its own blurred
enlargement, or cropped to them around the middle of its subject. A cell is the mean IoU in percent, less that
of the whole portrait in the same pixels. Networks alone, threshold 0.5.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter
from tqdm import tqdm

from foreign import open_model
from limner.datasets import read_dataset
from limner.evaluation.metrics import Counts, iou
from limner.images import Image, Mask, Size
from limner.mattes.masks import threshold

RATIOS = {"9:16": 9 / 16, "9:20": 9 / 20, "1:3": 1 / 3, "16:9": 16 / 9, "21:9": 21 / 9, "4:1": 4.0}
WAYS = ("bars", "blurred bars", "crop")


def canvas_size(size: Size, ratio: float) -> Size:
    """The smallest canvas of ``width / height = ratio`` that holds a picture of ``size``."""
    height, width = size
    return max(height, round(width / ratio)), max(width, round(height * ratio))


def put(image: Image, mask: Mask, ratio: float, *, blurred: bool) -> tuple[Image, Mask]:
    """The picture in the middle of a canvas."""
    height, width = image.shape[:2]
    tall, wide = canvas_size((height, width), ratio)
    top, left = (tall - height) // 2, (wide - width) // 2
    canvas = np.zeros((tall, wide, 3), np.uint8)
    if blurred:
        behind = PillowImage.fromarray(image).resize((wide, tall)).filter(ImageFilter.GaussianBlur(tall / 20))
        canvas = np.array(behind)
    canvas[top : top + height, left : left + width] = image
    found = np.zeros((tall, wide), bool)
    found[top : top + height, left : left + width] = mask
    return canvas, found


def crop_of(mask: Mask, ratio: float) -> tuple[slice, slice]:
    """Rows and columns of the largest part of those proportions, around the middle of the subject."""
    height, width = mask.shape
    rows, columns = min(height, round(width / ratio)), min(width, round(height * ratio))
    y, x = (round(float(places.mean())) for places in np.nonzero(mask))
    top, left = (
        min(max(0, at - length // 2), whole - length)
        for at, length, whole in ((y, rows, height), (x, columns, width))
    )
    return slice(top, top + rows), slice(left, left + columns)


def main() -> None:
    """Print a table for each model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eg1800"))
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    parser.add_argument("--every", type=int, default=4)
    args = parser.parse_args()
    samples = read_dataset(args.data, "val")[:: args.every]
    for name in args.models:
        predict = open_model(name, args.peers)
        whole: list[float] = []
        differences: dict[str, dict[str, list[float]]] = {
            way: {ratio: [] for ratio in RATIOS} for way in WAYS
        }
        for sample in tqdm(samples, name, unit="image", leave=False):
            image, target = sample.load()
            mask = threshold(target)
            found = threshold(predict(image))
            whole.append(iou(Counts.of(found, mask)))
            for title, ratio in RATIOS.items():
                for way in WAYS[:2]:
                    canvas, wanted = put(image, mask, ratio, blurred=way != "bars")
                    score = iou(Counts.of(threshold(predict(canvas)), wanted))
                    differences[way][title].append(score - whole[-1])
                part = crop_of(mask, ratio)
                score = iou(Counts.of(threshold(predict(np.ascontiguousarray(image[part]))), mask[part]))
                differences["crop"][title].append(score - iou(Counts.of(found[part], mask[part])))
        print(f"\n{name}: {100 * np.mean(whole):.2f} % on {len(samples)} portraits as they are\n")
        print(f"| | {' | '.join(RATIOS)} |\n|---{'|---' * len(RATIOS)}|")
        for way, cells in differences.items():
            print(f"| {way} | {' | '.join(f'{100 * np.mean(values):+.2f}' for values in cells.values())} |")


if __name__ == "__main__":
    main()
