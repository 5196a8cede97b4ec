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

from limner._version import __version__
from limner.cli import batch, bench, camera, cut, data, doctor, evaluate, export, models, serve, train, video
from limner.cli.shared import UsageError, parse, say
from limner.errors import LimnerError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    parser = _parser()
    args = parse(parser, argv)
    if args.run is None:
        parser.print_help()
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files are printed as their own bytes
        kept = sys.stdout.encoding.lower() in ("utf-8", "utf8")
        sys.stdout.reconfigure(errors="surrogateescape" if kept else "backslashreplace")
    logging.basicConfig(format="limner: %(message)s", level=logging.WARNING, stream=sys.stderr)
    warnings.showwarning = lambda message, *_, **__: say(message)  # a line, not a place in a library
    warnings.filterwarnings("ignore", category=FutureWarning)  # is for whoever wrote the library
    # Pillow warns at half the size at which it refuses; Limner has one limit, images.MAX_PIXELS.
    warnings.filterwarnings("ignore", message="Image size .* could be decompression bomb")
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except LimnerError as error:
        if args.debug:
            raise
        say(f"error: {error}")
        return 2 if isinstance(error, UsageError) else 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="limner", description="Find the person in a portrait photo and cut them out, offline."
    )
    parser.add_argument("--version", action="version", version=f"limner {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")
    parser.set_defaults(run=None)
    for module in (cut, batch, data, models, doctor, evaluate, bench, train, export, serve, video, camera):
        module.add(commands)
    return parser
