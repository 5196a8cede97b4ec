"""``limner evaluate``: score a model on a data set."""

import argparse
import csv
import io
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner import files
from limner.cli.shared import Commands, UsageError, add_command, add_model, need, positive, say
from limner.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from limner.datasets import Sample
    from limner.evaluation.evaluate import Evaluation, Predict
    from limner.images import Size

THOUSANDS = ("sad", "gradient", "connectivity")
"""Scores in thousands of pixels; the others are fractions."""

ROWS = (".jsonl", ".csv")
"""Extensions of the files that ``--per-image`` writes."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "evaluate", _evaluate, help="score a model on a data set")
    parser.add_argument(
        "data", metavar="FOLDER", help="a prepared data set, or images/ with masks/ (or labels/)"
    )
    parser.add_argument("--split", help="score this split only, such as val")
    add_model(
        parser, "a bundled model, an .onnx file with its .json beside it, or a checkpoint of limner train"
    )
    parser.add_argument("--compare", metavar="MODEL", help="a second model, measured on the same images")
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="what makes a mask of a predicted alpha (default: 0.5)"
    )
    parser.add_argument(
        "--network-size",
        action="store_true",
        help="score at the size of the network's input, as published results do, not at the pictures' own",
    )
    parser.add_argument("--flip", action="store_true", help="average over each image and its mirror image")
    parser.add_argument(
        "--matting", action="store_true", help="measure gradient and connectivity errors too, which is slow"
    )
    parser.add_argument(
        "--label-names",
        metavar="NAMES",
        help="of the labels 1, 2, ... in labels/, separated by commas; or celebamask, for its eighteen",
    )
    parser.add_argument("--per-image", metavar="FILE", help="write a row for every image: .jsonl or .csv")
    parser.add_argument("--report", metavar="FILE.html", help="write a report with plots and examples")
    parser.add_argument("--figures", metavar="FOLDER", help="write the report's plots as PNG files")
    parser.add_argument(
        "--training", metavar="RUN", help="the folder of a training run whose curves the report shows"
    )
    parser.add_argument(
        "--min-iou", type=float, metavar="IOU", help="exit with 1 if the mean IoU is lower, from 0 to 1"
    )
    parser.add_argument("--threads", type=positive, help="images worked on at a time (default: one a core)")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON: all scores, thresholds and subgroups",
    )


@dataclass(frozen=True)
class Scored:
    """A model with its evaluation."""

    name: str
    predict: "Predict"
    evaluation: "Evaluation"


def _evaluate(args: argparse.Namespace) -> int:
    _check(args)
    from limner.datasets import read_dataset
    from limner.evaluation.evaluate import compare
    from limner.models.spec import DEFAULT_MODEL

    samples = read_dataset(args.data, args.split)
    if args.label_names:
        samples = [replace(sample, label_names=_label_names(args.label_names)) for sample in samples]
    models = [args.model or DEFAULT_MODEL, *([args.compare] if args.compare else [])]
    scored = [_score(model, samples, args) for model in models]
    if len({one.name for one in scored}) < len(scored):
        scored = [replace(one, name=model) for one, model in zip(scored, models, strict=True)]
    result = {
        "data": args.data,
        "split": args.split,
        "images": len(samples),
        "threshold": args.threshold,
        "size": "network" if args.network_size else "full",
        "flip": args.flip,
        **_totals(scored[0]),
    }
    if args.compare:
        differences = compare(scored[0].evaluation, scored[1].evaluation)
        result["compare"] = {
            **_totals(scored[1]),
            "differences": {name: asdict(one) for name, one in differences.items()},
        }
    if args.per_image:
        _write_rows(args.per_image, scored)
    if args.report or args.figures:
        _report(args, scored, samples)
    print(json.dumps(result, indent=2) if args.json else "\n".join(_table(result)))
    iou = result["scores"]["iou_mean"]
    if args.min_iou is not None and iou < args.min_iou:
        say(f"the mean IoU {iou:.4f} is below --min-iou {args.min_iou}")
        return 1
    return 0


def _table(result: dict[str, Any]) -> list[str]:
    """The scores of one model or two for a person, fractions in percent, with their 95 % intervals."""
    models = [result, *([result["compare"]] if "compare" in result else [])]
    split = f", {result['split']}" if result["split"] else ""
    flip = ", averaged with the mirror image" if result["flip"] else ""
    lines = [
        f"{result['data']}{split}: {result['images']} images at {result['size']} size, "
        f"threshold {result['threshold']:g}{flip}",
        "",
        f"{'mean':22}" + "".join(f"{model['model']:>26}" for model in models),
    ]
    for name in result["intervals"]:
        score = name.removesuffix("_mean")
        unit, factor = (" (1000 pixels)", 1) if score in THOUSANDS else (" (%)", 100)
        cells = [_cell(model["scores"][name], model["intervals"][name], factor) for model in models]
        if len(models) == 2:
            difference = models[1]["differences"][score]
            cells.append(_cell(difference["mean"], difference["interval"], factor, sign="+"))
        lines.append(f"{score + unit:22}" + "".join(f"{cell:>26}" for cell in cells))
    if len(models) == 2:
        lines[2] += f"{'difference':>26}"
    return [*lines, *_group_lines(result)]


def _cell(value: float, interval: dict[str, float], factor: float, *, sign: str = "") -> str:
    low, high = factor * interval["low"], factor * interval["high"]
    return f"{factor * value:{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"


def _group_lines(result: dict[str, Any]) -> list[str]:
    worst, best = result["worst_group"], result["best_group"]
    if worst is None:
        return []
    return [
        "",
        *(
            f"{kind} group: {group['attribute']}, {group['name']}: {group['images']} images, "
            f"IoU {100 * group['iou_mean']:.2f} %"
            for kind, group in (("worst", worst), ("best", best))
        ),
    ]


def _check(args: argparse.Namespace) -> None:
    if not 0 < args.threshold <= 1:
        raise UsageError(f"--threshold is above 0 and at most 1, got {args.threshold}")
    if args.min_iou is not None and not 0 <= args.min_iou <= 1:
        raise UsageError(f"--min-iou is from 0 to 1, got {args.min_iou}")
    if args.per_image and Path(args.per_image).suffix not in ROWS:
        raise UsageError(f"--per-image writes {' or '.join(ROWS)}, got {args.per_image}")
    if args.training and not (args.report or args.figures):
        raise UsageError("--training shows its curves in the --report or --figures: give one")
    for path in filter(None, (args.per_image, args.report)):
        if not Path(path).absolute().parent.is_dir():
            raise OutputError(f"cannot write {path}: its folder does not exist; make it first")
    if args.training and not (Path(args.training) / "metrics.csv").exists():
        raise InputError(f"{args.training} is not the folder of a training run: it has no metrics.csv")
    if args.matting:
        need("report", "scipy")
    if args.report or args.figures:
        need("report", "matplotlib")


def _label_names(text: str) -> tuple[str, ...]:
    if text == "celebamask":
        from limner.datasets.celebamask import PARTS

        return PARTS
    return tuple(name.strip() for name in text.split(","))


def _score(model: str, samples: list["Sample"], args: argparse.Namespace) -> Scored:
    from limner.evaluation.evaluate import QUICK_ERRORS, evaluate, flip_averaged
    from limner.evaluation.mattes import ERRORS

    name, predict, network_size = _open(model, args.device)
    if args.flip:
        predict = flip_averaged(predict)
    evaluation = evaluate(
        predict,
        samples,
        level=args.threshold,
        network_size=network_size if args.network_size else None,
        errors=tuple(ERRORS) if args.matting else QUICK_ERRORS,
        threads=args.threads,
    )
    return Scored(name, predict, evaluation)


def _open(model: str, device: str) -> "tuple[str, Predict, Callable[[Size], Size]]":
    """Name and prediction of a model or a checkpoint, and the size at which it sees a picture."""
    if Path(model).suffix == ".ckpt":
        need("train", "lightning", "onnxscript")
        from limner.training.predict import CheckpointSegmenter

        if device not in {"auto", "cpu"}:
            raise UsageError(f"a checkpoint is measured on the CPU: export it to use {device}")
        checkpoint = CheckpointSegmenter(model)
        return checkpoint.name, checkpoint, checkpoint.input_size
    from limner.models.segmenter import Segmenter

    segmenter = Segmenter(model, device=device, threads=1)
    return segmenter.spec.name, segmenter, segmenter.spec.input_size


def _totals(scored: Scored) -> dict[str, Any]:
    from limner.evaluation.subgroups import subgroups, worst_and_best

    groups = subgroups(scored.evaluation)
    worst, best = worst_and_best(groups)
    return {
        "model": scored.name,
        "scores": scored.evaluation.scores(),
        "intervals": {name: asdict(one) for name, one in scored.evaluation.intervals().items()},
        "sweep": scored.evaluation.sweep(),
        "groups": {name: [asdict(group) for group in some] for name, some in groups.items()},
        "worst_group": asdict(worst) if worst else None,
        "best_group": asdict(best) if best else None,
    }


def _write_rows(path: str, scored: list[Scored]) -> None:
    rows = [
        {
            "model": one.name,
            "id": image.id,
            **image.scores(),
            **asdict(image.counts),
            **image.attributes,
        }
        for one in scored
        for image in one.evaluation.images
    ]
    if Path(path).suffix == ".jsonl":
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        table = io.StringIO()
        writer = csv.DictWriter(table, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)
        text = table.getvalue()
    files.write_bytes(path, text.encode())


def _report(args: argparse.Namespace, scored: list[Scored], samples: list["Sample"]) -> None:
    from limner.evaluation.page import Report, save_figures, save_report

    report = Report(
        data=args.data,
        split=args.split,
        threshold=args.threshold,
        how=("at the size of the network" if args.network_size else "at full size")
        + (", averaged with the mirror image" if args.flip else ""),
        models={one.name: one.evaluation for one in scored},
        predict=scored[0].predict,
        samples=samples,
        metrics=Path(args.training) / "metrics.csv" if args.training else None,
    )
    if args.report:
        save_report(report, args.report)
        say(f"the report is in {args.report}")
    if args.figures:
        save_figures(report, args.figures)
