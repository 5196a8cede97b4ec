"""``limner train``: train a network from a recipe."""

import argparse
import contextlib
import logging
import shlex
import sys
from pathlib import Path

from limner.cli.shared import Commands, add_command, need, say


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "train", _train, help="train a network from a recipe")
    parser.add_argument("recipe", metavar="RECIPE.toml")
    parser.add_argument("changes", nargs="*", metavar="key=value", help="settings that replace the recipe's")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=True,
        metavar="LAST.ckpt",
        help="resume from a checkpoint; without its name, from the last one of this run, if there is one",
    )


def _train(args: argparse.Namespace) -> int:
    from limner.training.config import read_recipe

    config = read_recipe(args.recipe, args.changes)
    need("train", "lightning")
    from limner.training.train import leads, train

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its advice is not for our users
    last = Path(config.output) / config.name / "last.ckpt"
    resume = (last if last.exists() else None) if args.resume is True else args.resume
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where Lightning's progress bar belongs
            best = train(config, resume=resume)
    except KeyboardInterrupt:
        if leads():
            again = shlex.join(["limner", "train", args.recipe, *args.changes, "--resume", str(last)])
            say(f"stopped; to resume: {again}")
        raise
    if leads():
        say(f"to make a model of it: {shlex.join(['limner', 'export', str(best), f'{config.name}.onnx'])}")
        print(best)
    return 0
