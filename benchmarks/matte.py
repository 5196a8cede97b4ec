"""Every way tried to lay an alpha's edge anew and to find the colours along it: accuracy and time.

    pip install ai-edge-litert
    python benchmarks/matte.py --data ../shared/data --peers ../shared/peers [--models base unet] [--count 40]

The coarse alphas are those of our models and of two of other projects, enlarged bilinearly
(`limner.models.spec.to_alpha`). Two lists, both at 600 x 800: EG1800's val.txt (hard-edged masks), and
painted portraits with exact alpha (hair strands, holes, blur; `painted.py`). Changes against the bilinear
alpha are given with bootstrap intervals over images. Writes benchmarks/results/matte.json, the tables of
docs/notebook/edges.md and docs/edges.png.
"""

import argparse
import json
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from tqdm import tqdm

import matte_methods as classical
from limner import files
from limner.datasets import read_dataset
from limner.evaluation.evaluate import Predict
from limner.evaluation.mattes import gradient, mse, sad
from limner.evaluation.metrics import Counts, bootstrap, boundary_iou, iou
from limner.evaluation.timing import machine
from limner.images import Alpha, Image, load_image, resize, save_image
from limner.mattes.closed_form import solve
from limner.mattes.foreground import estimate_foreground
from limner.mattes.masks import threshold
from limner.mattes.refine import refine_alpha
from limner.models.segmenter import Segmenter
from limner.models.spec import bundled_models
from limner.rendering.backgrounds import lay_out
from limner.rendering.compose import composite
from limner.training.painted import paint_harder
from limner.training.peers import FORMS, Peer

SIZE = (800, 600)
OTHERS = ("sinet_softmax_320.onnx", "mediapipe_selfie_256.tflite")
PAINTED = 60
SQUARE = 140  # of the sheet, pixels
GREEN = (40, 170, 80)
SEED = 102
HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "eileen-collins.jpg"
BEGIN, END = "<!-- {}: made by benchmarks/matte.py -->\n", "<!-- end of {} -->\n"

Refine = Callable[[Image, Alpha], NDArray[Any]]
OURS, FINE = "refine_alpha", "refine_alpha, fine"
METHODS: dict[str, Refine] = {
    "bilinear": lambda _, alpha: alpha,
    "contrast x 2": lambda _, alpha: classical.contrast(alpha, 2),
    "contrast x 4": lambda _, alpha: classical.contrast(alpha, 4),
    "guided filter, radius 8": partial(classical.guided, radius=8, epsilon=1e-4),
    "guided filter, radius 8, in the band": partial(classical.guided, radius=8, epsilon=1e-4, band=True),
    "joint bilateral, radius 12": partial(classical.joint_bilateral, radius=12, spread=12, step=3),
    "local colours": classical.local_colours,
    "closed form, 3 pixels": partial(solve, width=3),
    "closed form, 8 pixels": partial(solve, width=8),
    OURS: refine_alpha,
    FINE: partial(refine_alpha, fine=True),
}
SCORES = ("sad", "mse", "gradient", "iou", "boundary_iou")


def score(pred: Alpha, target: Alpha) -> list[float]:
    """The `SCORES` of one image."""
    masks = threshold(pred), threshold(target)
    return [
        sad(pred, target),
        mse(pred, target),
        gradient(pred, target),
        iou(Counts.of(*masks)),
        boundary_iou(*masks),
    ]


def painted(number: int) -> tuple[Image, Alpha]:
    """A painted portrait and its exact alpha."""
    layers = paint_harder(np.random.default_rng([SEED, number]), SIZE)
    return composite(layers.foreground, layers.alpha, layers.background), layers.alpha


def lists(data: Path, count: int | None) -> dict[str, Iterator[tuple[Image, Alpha]]]:
    """Name -> images with their alphas."""
    return {
        "EG1800": (sample.load() for sample in read_dataset(data / "eg1800", "val")[:count]),
        "painted": (painted(number) for number in range(min(PAINTED, count or PAINTED))),
    }


def change(rows: NDArray[Any], before: NDArray[Any]) -> dict[str, list[float]]:
    """SAD in percent of the bilinear one and points of boundary IoU: low, found, high."""
    pairs = np.stack([rows, before], axis=1)  # (N, 2, scores)

    def fall(drawn: NDArray[Any]) -> float:
        return 100 * float(drawn[:, 0, 0].sum() / drawn[:, 1, 0].sum() - 1)

    def rise(drawn: NDArray[Any]) -> float:
        return 100 * float(np.mean(drawn[:, 0, 4] - drawn[:, 1, 4]))

    result = {}
    for name, measure in (("sad_percent", fall), ("boundary_points", rise)):
        interval = bootstrap(pairs, measure)
        result[name] = [interval.low, measure(pairs), interval.high]
    return result


def accuracy(data: Path, models: dict[str, Predict], count: int | None) -> dict[str, Any]:
    """List -> model -> method -> mean scores and changes."""
    result: dict[str, Any] = {}
    for name, images in lists(data, count).items():
        rows = defaultdict(list)
        for image, target in tqdm(images, name, unit="image"):
            for model, network in models.items():
                alpha = network(image)
                for method, refine in METHODS.items():
                    rows[model, method].append(score(refine(image, alpha), target))
        result[name] = {model: {} for model in models}
        for (model, method), found in rows.items():
            scores = np.array(found)
            result[name][model][method] = dict(
                zip(SCORES, scores.mean(axis=0).tolist(), strict=True)
            ) | change(scores, np.array(rows[model, "bilinear"]))
    return result


def full_size(image: Image, alpha: Alpha, *, radii: tuple[int, ...]) -> Image:
    """Blur-fusion as published (Forte 2021), at the size of the picture."""
    pixels = image.astype(np.float32)
    opacity = alpha[..., None]
    front = behind = pixels
    for radius in radii:
        box = partial(ndimage.uniform_filter, size=(2 * radius + 1, 2 * radius + 1, 1), mode="nearest")
        weight_sum = box(opacity)
        mean_front = box(front * opacity) / (weight_sum + 1e-5)
        behind = box(behind * (1 - opacity)) / (1 - weight_sum + 1e-5)
        front = mean_front + opacity * (pixels - opacity * mean_front - (1 - opacity) * behind)
        front = front.clip(0, 255)
    return np.rint(front).astype(np.uint8)


FOREGROUNDS: dict[str, Refine] = {
    "as photographed": lambda image, _: image,
    "blur-fusion, 90": partial(full_size, radii=(90,)),
    "blur-fusion, 90 and 6": partial(full_size, radii=(90, 6)),
    "estimate_foreground": estimate_foreground,
}


def colours(data: Path, count: int) -> dict[str, Any]:
    """Background -> method -> mean error along the edge in grey levels, and the rest of it in percent."""
    scenes = sorted((data / "backgrounds").glob("*"))
    rows = defaultdict(list)
    for number in tqdm(range(count), "colours", unit="image"):
        layers = paint_harder(np.random.default_rng([SEED, number]), SIZE)
        edge = (layers.alpha > 0.02) & (layers.alpha < 0.98)
        backgrounds = {
            "painted": layers.background,
            "photograph": lay_out(load_image(scenes[7 * number % len(scenes)]), SIZE),
            "white": np.full_like(layers.foreground, 255),
            "green": np.full_like(layers.foreground, GREEN),
        }
        for name, background in backgrounds.items():
            image = composite(layers.foreground, layers.alpha, background)
            for method, estimate in FOREGROUNDS.items():
                found = estimate(image, layers.alpha)[edge].astype(float)
                rows[name, method].append(float(np.abs(found - layers.foreground[edge]).mean()))
    result: dict[str, Any] = defaultdict(dict)
    for (name, method), errors in rows.items():
        pairs = np.stack([errors, rows[name, "as photographed"]], axis=1)
        interval = bootstrap(pairs, _rest)
        result[name][method] = {
            "error": np.mean(errors),
            "percent": [interval.low, _rest(pairs), interval.high],
        }
    return result


def _rest(pairs: NDArray[Any]) -> float:
    return 100 * float(pairs[:, 0].sum() / pairs[:, 1].sum())


def times(image: Image, alpha: Alpha, rounds: int) -> dict[str, Any]:
    """Method -> milliseconds of a 600 x 800 and of a 12-megapixel portrait, and memory of the latter."""
    large = resize(image, (4000, 3000)), resize(alpha, (4000, 3000))
    functions = METHODS | {"estimate_foreground": estimate_foreground}
    result = {}
    for name, function in tqdm(functions.items(), "timing", unit="method"):
        row = {"ms": _least(function, image, alpha, rounds)}
        if name in {OURS, FINE, "estimate_foreground"}:
            row["large_ms"] = _least(function, *large, rounds)
            tracemalloc.start()
            function(*large)
            row["large_mb"] = tracemalloc.get_traced_memory()[1] / 1e6
            tracemalloc.stop()
        result[name] = row
    return result


def _least(function: Refine, image: Image, alpha: Alpha, rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        function(image, alpha)
        taken.append(time.perf_counter() - started)
    return 1e3 * min(taken)


def sheet(network: Segmenter) -> Image:
    """Squares with most of a soft edge, enlarged twice: photo, alpha blown up, refined, refined finely."""
    pictures = [load_image(EXAMPLE), painted(3)[0], painted(9)[0]]
    rows = []
    for image in pictures:
        alpha = network(image)
        fast, fine = refine_alpha(image, alpha), refine_alpha(image, alpha, fine=True)
        finished = [
            composite(colours, opacity, GREEN)
            for colours, opacity in (
                (image, alpha),
                (estimate_foreground(image, fast), fast),
                (estimate_foreground(image, fine), fine),
            )
        ]
        left = ((fast > 0.1) & (fast < 0.9) & (alpha > 0.1) & (alpha < 0.9)).astype(np.float32)
        for _ in range(2):
            total = ndimage.uniform_filter(left, SQUARE, mode="constant")
            middle = np.unravel_index(total.argmax(), total.shape)
            top, start = (
                int(np.clip(place - SQUARE // 2, 0, length - SQUARE))
                for place, length in zip(middle, alpha.shape, strict=True)
            )
            part = slice(top, top + SQUARE), slice(start, start + SQUARE)
            left[part] = 0
            rows.append(np.hstack([picture[part] for picture in (image, *finished)]))
    return np.vstack(rows).repeat(2, axis=0).repeat(2, axis=1)


def tables(result: dict[str, Any]) -> dict[str, str]:
    """Marker -> Markdown."""
    made = result["machine"]
    source = (
        f"`python benchmarks/matte.py` at commit {made['commit'][:7]}, {made['time']}, {made['cpu']}, "
        f"{made['cores']} cores.\n\n"
    )
    parts = {}
    for name, models in result["accuracy"].items():
        text = source
        for model, methods in models.items():
            text += f"**{model}**\n\n"
            text += (
                "| method | SAD | change, % | MSE x 1000 | gradient | IoU | boundary IoU | change, points |\n"
            )
            text += "|---|---|---|---|---|---|---|---|\n"
            for method, row in methods.items():
                title = f"**`{method}`**" if method in {OURS, FINE} else method
                text += (
                    f"| {title} | {row['sad']:.2f} | {_span(row['sad_percent'])} | {1e3 * row['mse']:.2f} | "
                    f"{row['gradient']:.2f} | {100 * row['iou']:.2f} | {100 * row['boundary_iou']:.2f} | "
                    f"{_span(row['boundary_points'])} |\n"
                )
            text += "\n"
        parts[name] = text
    text = source + "| method | 600 x 800, ms | 12 megapixels, ms | and MB |\n|---|---|---|---|\n"
    for method, row in result["times"].items():
        large = f"{row['large_ms']:.0f} | {row['large_mb']:.0f}" if "large_ms" in row else " | "
        text += f"| {method} | {row['ms']:.0f} | {large} |\n"
    parts["times"] = text + "\n"
    names = list(result["colours"])
    text = (
        source
        + "| method |"
        + "".join(f" {name} |" for name in names)
        + "\n|---|"
        + "---|" * len(names)
        + "\n"
    )
    for method in FOREGROUNDS:
        cells = (result["colours"][name][method] for name in names)
        text += f"| {method} |" + "".join(
            f" {cell['error']:.1f} ({_span(cell['percent'], '')} %) |" for cell in cells
        )
        text += "\n"
    parts["colours"] = text + "\n"
    return parts


def _span(values: list[float], sign: str = "+") -> str:
    low, found, high = (f"{value:{sign}.1f}" for value in values)
    return f"{found} ({low} to {high})"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    parser.add_argument("--models", nargs="*", default=bundled_models(), help="ours")
    parser.add_argument("--count", type=int, help="images of each list, all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only-times", action="store_true", help="keep the scores that were last measured")
    args = parser.parse_args()
    target = HERE / "results" / "matte.json"
    models: dict[str, Predict] = {f"Limner {name}": Segmenter(name) for name in args.models}
    models |= {FORMS[name].name: Peer(args.peers / name) for name in OTHERS}
    image, _ = read_dataset(args.data / "eg1800", "val")[0].load()
    result = {"machine": machine(), "times": times(image, next(iter(models.values()))(image), args.rounds)}
    if args.only_times:
        result = json.loads(target.read_text(encoding="utf-8")) | {"times": result["times"]}
    else:
        result["colours"] = colours(args.data, min(PAINTED, args.count or PAINTED))
        result["accuracy"] = accuracy(args.data, models, args.count)
    files.write_bytes(target, (json.dumps(result, indent=2) + "\n").encode())
    save_image(HERE.parent / "docs" / "edges.png", sheet(Segmenter()))
    page = HERE.parent / "docs" / "notebook" / "edges.md"
    text = page.read_text(encoding="utf-8")
    for name, table in tables(result).items():
        begin, end = BEGIN.format(name), END.format(name)
        before, after = text.split(begin)[0], text.split(end)[1]
        text = f"{before}{begin}\n{table}{end}{after}"
    files.write_bytes(page, text.encode())


if __name__ == "__main__":
    main()
