"""Whether a refinement ever makes things worse: errors of enlarged and of refined alphas, set by set.

    python benchmarks/refinement.py --data ../shared/data [--models base small] [--edge edge.onnx] [--fine]

The sets: the parts of foreign/, EG1800's and CelebAMask-HQ's val.txt, and painted portraits with exact alpha.
Each error and its change from plain upsampling are means over pictures, the change with a bootstrap interval.
Boundary IoU is taken at 1 % of the diagonal. The trimaps of alphamatting-dev are refined from a coarse true
mask, beside closed form and a guided filter; errors there are those of the unknown region.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import matte_methods as classical
from foreign import BOUNDARY, PARTS
from limner import files
from limner.datasets import read_dataset
from limner.evaluation.mattes import connectivity, gradient, mse, sad
from limner.evaluation.metrics import bootstrap, boundary_iou
from limner.evaluation.timing import machine
from limner.images import Alpha, Image, load_grey, load_image, resize
from limner.mattes import refine
from limner.mattes.closed_form import solve
from limner.mattes.masks import threshold
from limner.models.segmenter import Segmenter
from limner.parallel import thread_map
from matte import PAINTED, painted

SCORES = ("SAD", "MSE x 1000", "gradient", "connectivity", "boundary IoU")
COARSE = 256  # longer side from which the true masks of alphamatting-dev are enlarged, pixels

Refine = Callable[[Image, Alpha], Alpha]


def sets(data: Path, count: int | None) -> dict[str, list[Callable[[], tuple[Image, Alpha]]]]:
    """Name -> functions that load a picture with its true alpha."""
    found = {part: read_dataset(data / "foreign" / part) for part in PARTS}
    found |= {"EG1800": read_dataset(data / "eg1800", "val")}
    found |= {"CelebAMask-HQ": read_dataset(data / "celebamask-hq-5k", "val")}
    loaders = {name: [sample.load for sample in samples[:count]] for name, samples in found.items()}
    return loaders | {
        "painted": [partial(painted, number) for number in range(min(PAINTED, count or PAINTED))]
    }


def score(pred: Alpha, target: Alpha) -> list[float]:
    """The `SCORES` of one picture."""
    boundary = boundary_iou(threshold(pred), threshold(target), fraction=BOUNDARY)
    errors = sad(pred, target), 1000 * mse(pred, target), gradient(pred, target), connectivity(pred, target)
    return [*errors, 100 * boundary]


def compare(
    network: Segmenter, ways: dict[str, Refine], loaders: Sequence[Callable[[], tuple[Image, Alpha]]]
) -> NDArray[Any]:
    """The scores of each way on each picture: (ways, pictures, scores)."""

    def measure(load: Callable[[], tuple[Image, Alpha]]) -> list[list[float]]:
        image, target = load()
        alpha = network(image)
        return [score(way(image, alpha), target) for way in ways.values()]

    return np.array(list(tqdm(thread_map(measure, loaders), total=len(loaders)))).swapaxes(0, 1)


def rows(scores: NDArray[Any], names: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """Way -> score -> [mean, change from the first way, its 95 % interval]."""
    result = {}
    for name, found in zip(names, scores, strict=True):
        change = found - scores[0]
        intervals = [bootstrap(column, lambda drawn: float(np.mean(drawn))) for column in change.T]
        result[name] = {
            label: [
                float(found[:, k].mean()),
                float(change[:, k].mean()),
                intervals[k].low,
                intervals[k].high,
            ]
            for k, label in enumerate(SCORES)
        }
    return result


def table(result: dict[str, dict[str, list[float]]]) -> str:
    """Markdown of one set."""
    text = f"| | {' | '.join(SCORES)} |\n|---|{'---|' * len(SCORES)}\n"
    for way, scores in result.items():
        cells = []
        for mean, change, low, high in scores.values():
            cells.append(
                f"{mean:.2f}" if low == high else f"{mean:.2f}, {change:+.2f} ({low:+.2f} to {high:+.2f})"
            )
        text += f"| {way} | {' | '.join(cells)} |\n"
    return text


def unknown_regions(data: Path, ways: dict[str, Refine]) -> dict[str, list[float]]:
    """Way -> mean SAD and MSE x 1000 in the unknown region of the trimaps of alphamatting-dev."""
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    for path in sorted((data / "alphamatting-dev" / "images").iterdir()):
        image = load_image(path)
        target, trimap = (
            load_grey(data / "alphamatting-dev" / kind / f"{path.stem}.png") for kind in ("alpha", "trimaps")
        )
        truth = target.astype(np.float32) / np.float32(255)
        unknown = (trimap > 0) & (trimap < 255)
        for name, way in ways.items():
            alpha = np.where(unknown, way(image, coarse(truth)), trimap > 0).astype(np.float32)
            found[name].append([sad(alpha, truth, unknown), 1000 * mse(alpha, truth, unknown)])
    return {name: np.mean(values, axis=0).tolist() for name, values in found.items()}


def coarse(truth: Alpha) -> Alpha:
    """The true mask at low resolution, enlarged again."""
    mask = threshold(truth).astype(np.float32)
    scale = COARSE / max(mask.shape)
    small = resize(mask, (round(scale * mask.shape[0]), round(scale * mask.shape[1])))
    return resize(small, mask.shape).clip(0, 1)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", nargs="*", default=["base", "small"])
    parser.add_argument("--edge", type=Path, help="ONNX file of another edge network than the bundled one")
    parser.add_argument("--fine", action="store_true", help="also the fine refinement")
    parser.add_argument("--count", type=int, help="pictures of each set, all by default")
    parser.add_argument("--sets", nargs="*", help="names of those that are measured, all by default")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.edge:
        refine.MODEL = args.edge.resolve()
    ways: dict[str, Refine] = {"upsampled": lambda _, alpha: alpha, "refined": refine.refine_alpha}
    if args.fine:
        ways["fine"] = partial(refine.refine_alpha, fine=True)
    result: dict[str, Any] = {"machine": machine(), "sets": {}}
    known = sets(args.data, args.count)
    chosen = {name: known[name] for name in args.sets or known}
    for model in args.models:
        network = Segmenter(model, device="cpu", threads=1)
        for name, loaders in chosen.items():
            measured = rows(compare(network, ways, loaders), list(ways))
            result["sets"][f"{model}, {name}"] = measured
            print(f"**{model}, {name}**\n\n{table(measured)}", flush=True)
    if not args.sets:
        others: dict[str, Refine] = {
            "guided filter, radius 8": partial(classical.guided, radius=8, epsilon=1e-4),
            "closed form, 8 pixels": partial(solve, width=8),
        }
        result["alphamatting-dev"] = unknown_regions(args.data, ways | others)
        for way, (total, squared) in result["alphamatting-dev"].items():
            print(f"alphamatting-dev, {way}: SAD {total:.2f}, MSE x 1000 {squared:.2f}")
    if args.json:
        files.write_bytes(args.json, (json.dumps(result, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
