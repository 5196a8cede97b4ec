"""The command ``limner``: parse, call, print, exit code; one module a command, which imports what it needs.

Data goes to standard output, all else to standard error. Exit codes: 0 done; 1 failed; 2 usage; 3 some inputs
failed and the rest are done; 130 interrupted.
"""

import argparse
import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from limner._version import __version__
from limner.cli import (
    batch,
    bench,
    camera,
    completion,
    config,
    cut,
    data,
    doctor,
    evaluate,
    export,
    models,
    serve,
    train,
    video,
    web,
)
from limner.cli.shared import Lines, Parser, UsageError, parse, say, warn
from limner.errors import LimnerError
from limner.notices import set_filters


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    if sys.stdin is None:  # closed by the caller: as if it were empty
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115
    if sys.stdout is None:  # closed by the caller: only what is to be printed is an error
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:
        if not _discard_output():
            raise
        say(f"error: cannot write to standard output: {error.strerror}")
        return 1


def _run(argv: Sequence[str] | None) -> int:
    parser = make_parser()
    try:
        parser.set_defaults(configured=config.apply(parser, config.read()))
        args = parse(parser, argv)
    except UsageError as error:
        say(f"error: {error}")
        return 2
    if args.run is None:
        parser.print_help()
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files are printed as their own bytes
        kept = sys.stdout.encoding.lower() in ("utf-8", "utf8")
        sys.stdout.reconfigure(errors="surrogateescape" if kept else "backslashreplace")
    logging.basicConfig(format="%(message)s", level=logging.WARNING, handlers=[Lines()])
    warnings.showwarning = lambda message, *_, **__: warn(message)  # a line, not a place in a library
    set_filters()
    try:
        code: int = args.run(args)
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except LimnerError as error:
        if args.debug:
            raise
        say(f"error: {error}")
        return 2 if isinstance(error, UsageError) else 1
    except FileNotFoundError:
        if _in_a_folder():
            raise
        say("error: the current folder has been deleted: change to another one")
        return 1
    return code


def _in_a_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _discard_output() -> bool:
    """Whether standard output takes nothing more; what is left for it is thrown away."""
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"\n")  # unbuffered, nothing is left that would tell
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def make_parser() -> argparse.ArgumentParser:
    """Of the command, with all its sub-commands."""
    parser = Parser(
        prog="limner", description="Find the person in a portrait photo and cut them out, offline."
    )
    parser.add_argument("--version", action="version", version=f"limner {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")
    parser.set_defaults(run=None)
    tools = (data, models, doctor, evaluate, bench, train, export)
    for module in (cut, batch, *tools, serve, web, video, camera, config, completion):
        module.add(commands)
    return parser
