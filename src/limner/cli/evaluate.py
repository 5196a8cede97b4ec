"""``limner evaluate``: score a model on a data set."""

import argparse
import json
from typing import TYPE_CHECKING

from limner.cli.shared import add_command, add_model

if TYPE_CHECKING:
    from limner.cli.shared import Commands


def add(commands: "Commands") -> None:
    """Declare the command."""
    parser = add_command(commands, "evaluate", _evaluate, help="score a model on a data set")
    parser.add_argument(
        "data", metavar="FOLDER", help="a prepared data set, or images/ with masks/ (or labels/)"
    )
    parser.add_argument("--split", help="score this split only, such as val")
    add_model(parser)


def _evaluate(args: argparse.Namespace) -> int:
    from limner.datasets import read_dataset
    from limner.evaluation import evaluate
    from limner.segmenter import Segmenter
    from limner.spec import DEFAULT_MODEL

    segmenter = Segmenter(args.model or DEFAULT_MODEL, device=args.device)
    evaluation = evaluate(segmenter, read_dataset(args.data, args.split))
    print(
        json.dumps(
            {"model": segmenter.spec.name, "images": len(evaluation.counts), **evaluation.scores()}, indent=2
        )
    )
    return 0
