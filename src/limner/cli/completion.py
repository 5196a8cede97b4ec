"""``limner completion``: what a shell needs to complete the command."""

import argparse
from pathlib import Path

from limner.cli.shared import Commands, add_command

SHELLS = ("bash", "zsh", "fish")


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "completion", _completion, help="print what a shell completes")
    parser.add_argument("shell", choices=SHELLS, help="of which shell")


def completion(shell: str) -> Path:
    """The script of one of `SHELLS`; ``scripts/completions.py`` writes it from the parsers."""
    return Path(__file__).parent / "completions" / f"limner.{shell}"


def _completion(args: argparse.Namespace) -> int:
    print(completion(args.shell).read_text(encoding="utf-8"), end="")
    return 0
