"""The options that say what is made of a picture, for all commands that make one."""

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.cli.shared import UsageError, need
from limner.errors import InputError

if TYPE_CHECKING:
    from limner.rendering.options import Options


def add_options(parser: argparse.ArgumentParser, *, without: Collection[str] = ()) -> None:
    """Declare those of `limner.rendering.options.SCHEMA`, less some that a command leaves out."""
    from limner.rendering.options import DEFAULTS, SCHEMA

    groups: dict[str, Any] = {}
    if without:
        parser.description = f"{parser.description} Not here: {', '.join(f'--{name}' for name in without)}."
    for name, option in SCHEMA.items():
        if name in without:
            continue
        default = DEFAULTS[name]
        group = groups.setdefault(option.group, parser.add_argument_group(option.group))
        if isinstance(default, bool):
            group.add_argument(f"--{name}", action="store_true", help=option.help)
            continue
        shown = ",".join(f"{value:g}" for value in default) if isinstance(default, tuple) else default
        told = [option.help, f"({', '.join(option.choices)})" if option.choices else ""]
        group.add_argument(
            f"--{name}",
            type=type(default) if isinstance(default, int | float) else str,
            default=shown,
            metavar=option.metavar or option.unit.upper() or None,
            help=" ".join(filter(None, [*told, f"[{shown}]" if shown != "" else ""])),
        )


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """Declare how the files are written."""
    parser.add_argument("--compress", action="store_true", help="take longer to write smaller files")
    parser.add_argument(
        "--metadata",
        choices=("no-gps", "keep", "strip"),
        default="no-gps",
        help="what the photo's file says of the shot: all but the place (default), all, or nothing",
    )


def read_options(args: argparse.Namespace) -> "Options":
    """What they say.

    Raises:
        UsageError: If a value cannot be used.
        InputError: If a picture behind cannot be read.
        MissingExtraError: If the fine refinement is asked for without SciPy.
    """
    from limner.images import load_image
    from limner.rendering.options import PICTURE, SCHEMA, Options, picture_or_name

    values = {name: getattr(args, name) for name in SCHEMA if hasattr(args, name)}
    if values["refine"] == "fine":
        need("fine", "scipy")
    values["align"] = values["align"].split(",")
    background = picture_or_name(values["background"])
    if isinstance(background, Path):
        values |= {"background": PICTURE, "picture": load_image(background)}
    try:
        return Options.of(values)
    except InputError as error:
        raise UsageError(str(error)) from error
