"""What the commands have in common."""

import argparse
import contextlib
import difflib
import importlib.util
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, NoReturn, TypeAlias

from limner.cli.examples import EXAMPLES
from limner.errors import InputError, MissingExtraError
from limner.notices import gathered, one_line

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class UsageError(InputError):
    """Arguments that contradict each other: exit code 2."""


class Parser(argparse.ArgumentParser):
    """Python's, but for errors, which are one line, and help pages that standard output does not take."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise UsageError(f"{message.removeprefix('argument ')}; see {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            print(message, end="")
        else:
            super()._print_message(message, file)


def say(message: object) -> None:
    """Print a line for the person at the terminal; where standard error takes nothing more, it is lost."""
    try:
        print(f"limner: {message}", file=sys.stderr)
    except OSError:  # else Python tries again at its end, and fails
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def warn(message: object) -> None:
    """Print a warning, of whatever library, for the person at the terminal."""
    say(one_line(message))


class Lines(logging.Handler):
    """Prints what is logged, but for warnings that are gathered to be printed with the name of a file."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        if not gathered(self.format(record)):
            warn(self.format(record))


def add_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], *, help: str
) -> argparse.ArgumentParser:
    """A sub-command that ``run`` carries out; its help ends with its `EXAMPLES`."""
    lines = [f"  {line}" for line in EXAMPLES.get(name, ())]
    parser = commands.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.",
        epilog="\n".join(["examples:", *lines]) if lines else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=run, parser=parser)
    return parser


def positive(text: str) -> int:
    """The value of an option that is a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, at least 1, got {text}")
    return int(text)


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments of a command; for an option that it does not have, its nearest one is named."""
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        own: argparse.ArgumentParser = getattr(args, "parser", parser)
        name = next((one for one in unknown if one.startswith("-")), unknown[0]).partition("=")[0]
        near = difflib.get_close_matches(name, own._option_string_actions, n=1)
        own.error(f"unrecognized argument {name}" + (f": did you mean {near[0]}?" if near else ""))
    return args


def add_group(commands: Commands, name: str, *, metavar: str, help: str) -> Commands:
    """A command that only has commands below it."""
    parser = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
    return parser.add_subparsers(metavar=metavar, required=True)


def parsers_below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Name -> parser of the commands below one."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: child for action in inner for name, child in action.choices.items()}


def add_model(
    parser: argparse.ArgumentParser, help: str = "a bundled model, or an .onnx file with its .json beside it"
) -> None:
    """The options that choose a model and where it runs."""
    parser.add_argument("--model", metavar="NAME|FILE", help=help)
    parser.add_argument(
        "--device",
        default="auto",
        help="auto (default), cpu, cuda, coreml or directml; one asked for by name is used or refused",
    )


def check_output(target: str, what: str, *, source: str = "-", json: bool = False) -> None:
    """Refuse an output that is the input itself, a terminal, or where JSON goes too.

    Raises:
        UsageError: If so.
    """
    if target == "-" and json:
        raise UsageError(f"--json and {what} cannot both go to standard output: choose another output")
    if target == "-" and sys.stdout.isatty():
        raise UsageError(f"{what} would fill the terminal: add > FILE or | PROGRAM, or choose another output")
    if all(map(os.path.exists, (target, source))) and os.path.samefile(target, source):  # noqa: PTH121
        raise UsageError(f"{target} is the input itself: choose another output")


def need(extra: str, *packages: str) -> None:
    """Refuse, with the command that installs an extra, when a package of it is not there.

    Raises:
        MissingExtraError: If so.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(extra, *missing)


@contextlib.contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """Set by the first Ctrl-C, or SIGTERM from a scheduler; a second one interrupts at once.

    A signal that was ignored at the start, as by ``nohup`` or behind ``&`` in a script, stays ignored.
    """
    event = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            signal.default_int_handler(number, frame)
        event.set()

    heard = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, ask) for one in heard}
    try:
        yield event
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
