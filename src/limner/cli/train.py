"""``limner train``: train a network from a recipe."""

import argparse
import logging
from typing import TYPE_CHECKING

from limner.cli.shared import add_command, need

if TYPE_CHECKING:
    from limner.cli.shared import Commands


def add(commands: "Commands") -> None:
    """Declare the command."""
    parser = add_command(commands, "train", _train, help="train a network from a recipe")
    parser.add_argument("recipe", metavar="RECIPE.toml")
    parser.add_argument("changes", nargs="*", metavar="key=value", help="settings that replace the recipe's")
    parser.add_argument("--resume", metavar="LAST.ckpt", help="go on from a checkpoint")


def _train(args: argparse.Namespace) -> int:
    from limner.training.config import read_recipe

    config = read_recipe(args.recipe, args.changes)
    need("train", "lightning")
    from limner.training.train import train

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its advice is not for our users
    print(train(config, resume=args.resume))
    return 0
