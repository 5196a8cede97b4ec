"""The measured parts of the bundled models' card: scores with intervals, subgroups, pictures without people.

    python benchmarks/model_cards.py --data ../shared/data --shifted data/shifted [NAME ...]

Writes benchmarks/results/model_NAME.json for the models named, by default all, and rewrites what is made of
these files in src/limner/models/MODEL_CARD.md: the front matter (with Hugging Face's `model-index`) and what
stands between each model's two markers. The prose around them is not generated.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from limner import files
from limner.datasets import read_dataset
from limner.datasets.celebamask import PARTS
from limner.evaluation.evaluate import evaluate
from limner.evaluation.subgroups import subgroups
from limner.evaluation.timing import machine
from limner.images import load_image
from limner.models.segmenter import Segmenter
from limner.models.spec import MODELS, ModelSpec, bundled_models, model_path

CARD = MODELS.parent / "MODEL_CARD.md"
BEGIN, END = "<!-- {name}: made by benchmarks/model_cards.py -->\n", "<!-- end of {name} -->\n"
LISTS = {
    "eg1800": "EG1800, `val.txt`",
    "celebamask-hq-5k": "CelebAMask-HQ, `val.txt`",
    "shifted": "their subjects, smaller, before new backgrounds",
}
SCORES = ("iou_mean", "boundary_iou_mean", "dice_mean", "accuracy_mean", "mad_mean")
RESULTS = Path(__file__).parent / "results"
FRONT = """---
license: other
license_name: non-commercial-research
library_name: limner
pipeline_tag: image-segmentation
tags: [portrait, matting, segmentation, background-removal, onnx]
model-index:
{models}---
"""
MODEL = """  - name: {name}
    results:
{results}"""
RESULT = """      - task: {{type: image-segmentation}}
        dataset: {{name: "{title}", type: {key}, split: val}}
        metrics:
          - {{type: mean_iou, name: mean foreground IoU, value: {iou_mean:.4f}}}
          - {{type: dice, name: mean Dice, value: {dice_mean:.4f}}}
"""


def main() -> None:
    """Measure the models and rewrite their cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=bundled_models())
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--shifted", type=Path, default=Path("data/shifted"))
    args = parser.parse_args()
    for name in args.names:
        measured = measure(name, args.data, args.shifted)
        files.write_bytes(RESULTS / f"model_{name}.json", (json.dumps(measured, indent=2) + "\n").encode())
    known = {name: json.loads((RESULTS / f"model_{name}.json").read_text()) for name in bundled_models()}
    text = front(known) + CARD.read_text(encoding="utf-8").split("---\n", 2)[2]
    for name, measured in known.items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        before, rest = text.split(begin)
        text = before + begin + tables(name, measured) + end + rest.split(end)[1]
    files.write_bytes(CARD, text.encode())
    print(f"wrote {CARD}")


def measure(name: str, data: Path, shifted: Path) -> dict[str, Any]:
    """All that a card tells."""
    segmenter = Segmenter(name, device="cpu", threads=1)
    lists: dict[str, Any] = {}
    for key in LISTS:
        samples = read_dataset(shifted if key == "shifted" else data / key, "val")
        if key == "celebamask-hq-5k":
            samples = [replace(sample, label_names=PARTS) for sample in samples]
        evaluation = evaluate(segmenter, samples)
        intervals = {score: asdict(one) for score, one in evaluation.intervals().items()}
        groups = {
            attribute: [asdict(group) for group in some] for attribute, some in subgroups(evaluation).items()
        }
        worst = sorted(evaluation.images, key=lambda image: image.scores()["iou"])[:10]
        lists[key] = {
            "images": len(samples),
            "scores": evaluation.scores(),
            "intervals": intervals,
            "groups": groups,
            "worst": {image.id: round(image.scores()["iou"], 4) for image in worst},
        }
    unused = sorted((data / "backgrounds").iterdir())[::4]
    means = [float(segmenter(load_image(path)).mean()) for path in unused]
    no_subject = {
        "pictures": len(means),
        "mean_alpha": float(np.mean(means)),
        "above_2_percent": int(np.sum(np.array(means) > 0.02)),
    }
    return {"model": name, "made": machine(), "lists": lists, "no_subject": no_subject}


def front(known: dict[str, dict[str, Any]]) -> str:
    """The front matter of the card."""
    models = ""
    for name, measured in known.items():
        results = "".join(
            RESULT.format(title=LISTS[key].split(",")[0], key=key, **measured["lists"][key]["scores"])
            for key in ("eg1800", "celebamask-hq-5k")
        )
        models += MODEL.format(name=name, results=results)
    return FRONT.format(models=models)


def tables(name: str, measured: dict[str, Any]) -> str:
    """The part between the markers."""
    path, made = model_path(name), measured["made"]
    spec = ModelSpec.load(path.with_suffix(".json"))
    lines = [
        "",
        "| | |",
        "|---|---|",
        f"| file | `{path.name}`, {path.stat().st_size / 1e6:.2f} MB, SHA-256 `{spec.sha256}` |",
        f"| input, output | uint8 RGB {_shape(spec, ', 3')} -> float32 alpha {_shape(spec)}; "
        f"{_fitted(spec)} |",
        f"| parameters | {spec.parameters:,} |",
        f"| trained at commit | `{spec.commit}` |",
        "",
        f"Measured by `python benchmarks/model_cards.py {name}` at commit {made['commit'][:7]}, "
        f"{made['time']}, {made['cpu']}. Scored is the network's alpha without refinement, at full image "
        "size, threshold 0.5. Cells are means over images in percent, with 95 % intervals by bootstrap over "
        "the images.",
        "",
        "| | images | IoU | boundary IoU | Dice | accuracy | mean absolute error |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, title in LISTS.items():
        one = measured["lists"][key]
        cells = " | ".join(_cell(one, score) for score in SCORES)
        lines.append(f"| {title} | {one['images']} | {cells} |")
    no_subject = measured["no_subject"]
    lines += [
        "",
        f"Pictures without anyone ({no_subject['pictures']} that training left out): mean alpha "
        f"**{100 * no_subject['mean_alpha']:.2f} %**; {no_subject['above_2_percent']} of them above 2 %.",
        "",
        "IoU by what the pictures of CelebAMask-HQ show, and how many there are; little and much are split "
        "at the median fraction of the picture:",
        "",
        "| | none | little | much |",
        "|---|---|---|---|",
    ]
    for attribute, groups in measured["lists"]["celebamask-hq-5k"]["groups"].items():
        by_name = {"much" if group["name"] == "some" else group["name"]: group for group in groups}
        if min(group["iou_mean"] for group in groups) == max(group["iou_mean"] for group in groups):
            continue
        lines.append(
            f"| {attribute} | "
            + " | ".join(
                f"{100 * by_name[group]['iou_mean']:.1f} ({by_name[group]['images']})"
                if group in by_name
                else ""
                for group in ("none", "little", "much")
            )
            + " |"
        )
    for key in ("eg1800", "celebamask-hq-5k"):
        worst = ", ".join(
            f"{image} {100 * iou:.0f}" for image, iou in measured["lists"][key]["worst"].items()
        )
        lines += ["", f"Lowest IoU in {LISTS[key]}: {worst}."]
    return "\n".join([*lines, "", ""])


def _shape(spec: ModelSpec, channels: str = "") -> str:
    height, width = ("h", "w") if spec.stride else spec.size
    return f"(N, {height}, {width}{channels})"


def _fitted(spec: ModelSpec) -> str:
    height, width = spec.size
    if not spec.stride:
        return "pictures are stretched to the square, antialiased"
    return (
        f"proportions are kept: h and w are the multiples of {spec.stride} that come nearest to them, with "
        f"about as many pixels as {height} x {width}"
    )


def _cell(one: dict[str, Any], score: str) -> str:
    interval = one["intervals"][score]
    low, high = 100 * interval["low"], 100 * interval["high"]
    return f"{100 * one['scores'][score]:.2f} ({low:.2f}-{high:.2f})"


if __name__ == "__main__":
    main()
