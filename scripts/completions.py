"""Write the completions of shells anew, from the parsers: src/limner/cli/completions/limner.{bash,zsh,fish}.

python scripts/completions.py
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import shtab

from limner.cli import make_parser
from limner.cli.completion import SHELLS, completion
from limner.cli.shared import parsers_below
from limner.rendering.options import SCHEMA

FOLDER = Path(__file__).parents[1] / "src" / "limner" / "cli" / "completions"
FILES = (
    "FILE",
    "PATH",
    "PICTURE",
    "CLIP",
    "SOURCE",
    "TARGET",
    "FOLDER",
    "DATA",
    "CHECKPOINT",
    "RECIPE",
    "DIR",
)
"""Words in the name of an argument that stand for a file or folder."""


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of the commands below it."""
    yield from parser._actions
    for child in parsers_below(parser).values():
        yield from actions(child)


def script(shell: str) -> str:
    """What a shell reads."""
    parser = make_parser()
    for action in actions(parser):
        name = max(action.option_strings, key=len, default="").removeprefix("--")
        if name in SCHEMA and SCHEMA[name].choices:
            action.choices = SCHEMA[name].choices
        elif any(word in str(action.metavar or action.dest).upper() for word in FILES):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell).rstrip() + "\n"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for shell in SHELLS:
        completion(shell).write_text(script(shell), encoding="utf-8")


if __name__ == "__main__":
    main()
