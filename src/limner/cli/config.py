"""``limner config``: the user's own defaults, from a file.

A key is the name of an option. At the top of the file it holds for every command that has the option, in a
table (``[cut]``, ``[data.show]``) for that command alone.
"""

import argparse
import difflib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limner import files
from limner.cli.shared import Commands, UsageError, add_command, parsers_below
from limner.errors import InputError

VARIABLE = "LIMNER_CONFIG"
"""The environment variable that may name another file; empty: none."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "config", _config, help="show the defaults that your own file sets")
    parser.add_argument(
        "--json", action="store_true", help="print JSON: the file, and command -> option -> value"
    )


def path() -> Path | None:
    """The file, whether it is there or not; None if the user wants none, or has no home."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]) if os.environ[VARIABLE] else None
    base = os.environ.get("APPDATA") if os.name == "nt" else os.environ.get("XDG_CONFIG_HOME")
    try:
        return (Path(base) if base else Path.home() / ".config") / "limner" / "config.toml"
    except RuntimeError:  # a user without a name, as in some containers
        return None


def read() -> dict[str, Any]:
    """What the file says; nothing where there is none.

    Raises:
        UsageError: If it cannot be read, or is not TOML.
    """
    file = path()
    named = VARIABLE in os.environ
    if file is None or not (named or os.path.exists(file)):  # noqa: PTH110  # Path's fails in a closed home
        return {}
    if sys.version_info < (3, 11):
        try:
            import tomli as tomllib
        except ModuleNotFoundError as error:
            raise UsageError(f"{file} needs tomli on Python 3.10: pip install tomli") from error
    else:
        import tomllib
    try:
        return tomllib.loads(files.read_text(file))
    except InputError as error:
        raise UsageError(str(error)) from error
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error


def apply(parser: argparse.ArgumentParser, table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Make what a file says the defaults of all commands.

    Args:
        parser: Of the command; its sub-commands are changed.
        table: What the file says.

    Returns:
        Command -> option -> value, for the commands whose defaults it changes.

    Raises:
        UsageError: If it names a command or option that there is not, or a value that cannot be used.
    """
    found = dict[str, dict[str, Any]]()
    _apply(parser, table, {}, found)
    return found


def _apply(
    parser: argparse.ArgumentParser,
    table: Mapping[str, Any],
    above: Mapping[str, Any],
    found: dict[str, dict[str, Any]],
) -> set[str]:
    """The keys that a command, or one below it, has as options."""
    children = parsers_below(parser)
    own = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    values = {**above, **own}
    if children:
        for key in set(table) - set(own) - set(children):
            raise _unknown("command", key, parser, children)
        used = {
            key
            for name, child in children.items()
            for key in _apply(child, table.get(name, {}), values, found)
        }
        known = {name.removeprefix("--") for one in _leaves(parser) for name in one._option_string_actions}
    else:
        for key in set(table) - set(own):
            raise _unknown("command", key, parser, ())
        options = {name: action for name, action in parser._option_string_actions.items() if name != "--help"}
        known = {name.removeprefix("--") for name in options if name.startswith("--")}
        used = {key for key in values if key in known}
        set_here = {key: _value(parser, options[f"--{key}"], key, values[key]) for key in sorted(used)}
        parser.set_defaults(**{options[f"--{key}"].dest: value for key, value in set_here.items()})
        if set_here:
            found[parser.prog.partition(" ")[2]] = set_here
    for key in set(own) - used:
        raise _unknown("option", key, parser, known)
    return used


def _leaves(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    children = parsers_below(parser).values()
    return [leaf for child in children for leaf in _leaves(child)] if children else [parser]


def _value(parser: argparse.ArgumentParser, action: argparse.Action, key: str, value: Any) -> Any:
    """A value in the form in which the option gives it."""
    several = action.nargs == "+"
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UsageError(f"{path()}: {key} of {parser.prog} is true or false, got {value!r}")
        return value
    if isinstance(value, list) != several or isinstance(value, bool):
        wanted = "a list" if several else "a text or a number"
        raise UsageError(f"{path()}: {key} of {parser.prog} is {wanted}, got {value!r}")
    try:
        read = [parser._get_value(action, str(one)) for one in (value if several else [value])]
        for one in read:
            parser._check_value(action, one)
    except argparse.ArgumentError as error:
        raise UsageError(f"{path()}: {key} of {parser.prog}: {error.message}") from error
    return read if several else read[0]


def _unknown(what: str, key: str, parser: argparse.ArgumentParser, known: Any) -> UsageError:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f": did you mean {near[0]}?" if near else ""
    return UsageError(f"{path()}: {parser.prog} has no {what} '{key}'{hint}")


def _config(args: argparse.Namespace) -> int:
    if args.json:
        print(json.dumps({"file": str(path() or ""), "defaults": args.configured}, indent=2))
        return 0
    print(path() or f"no file: {VARIABLE} is empty, or there is no home")
    for command, values in args.configured.items():
        print(f"{command}: " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items()))
    return 0
