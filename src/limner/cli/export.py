"""``limner export``: turn a checkpoint into a model, or a model into a folder for the Hugging Face hub."""

import argparse
import json
import logging
from pathlib import Path

from limner.cli.shared import Commands, UsageError, add_command, need, say


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "export", _export, help="turn a checkpoint into a model")
    parser.add_argument("source", metavar="CHECKPOINT", help="of a training run; for the hub a model")
    parser.add_argument("target", metavar="TARGET.onnx", help="for the hub a folder")
    parser.add_argument(
        "--format",
        choices=("onnx", "hub"),
        default="onnx",
        help="onnx (default), or hub: a model (bundled, or an .onnx file) as a folder for transformers.js",
    )
    parser.add_argument(
        "--val",
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="data sets with val lists to compare and score on (those of the training run)",
    )
    parser.add_argument(
        "--weights",
        help="float32 (default); float16: half the file; int8: a quarter, faster if convolutions are plain",
    )
    parser.add_argument("--json", action="store_true", help="print JSON: the checksum and all scores")


def _export(args: argparse.Namespace) -> int:
    need("train", "lightning", "onnxscript")
    if args.format == "hub":
        return _export_hub(args)
    from limner.training.export import export

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    spec = export(args.source, args.target, weights=args.weights or "float32", val=args.val)
    say(f"wrote {args.target} and {Path(args.target).with_suffix('.json')}")
    if args.json:
        print(json.dumps({"model": args.target, "sha256": spec.sha256, "scores": spec.scores}, indent=2))
        return 0
    for name, scores in spec.scores.items():
        if "iou_mean" in scores:
            print(f"{name}: IoU {100 * scores['iou_mean']:.2f} %, Dice {100 * scores['dice_mean']:.2f} %")
        else:
            print(f"{name}: " + ", ".join(f"{score} {value:.4g}" for score, value in scores.items()))
    return 0


def _export_hub(args: argparse.Namespace) -> int:
    from limner.training.hub import export_hub

    if args.weights or args.val:
        raise UsageError(
            "--weights and --val are for checkpoints: the hub's files are made of the model as it is"
        )
    written = export_hub(args.source, args.target)
    if args.json:
        print(json.dumps({"files": [str(path) for path in written]}, indent=2))
    for path in written:
        say(f"wrote {path}")
    return 0
