"""``limner web``: the web page as a folder for any web server."""

import argparse
from pathlib import Path

from limner._version import __version__
from limner.cli.shared import Commands, add_command, need, say
from limner.errors import MissingExtraError


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands, "web", _web, help="write the web page that cuts people out in the browser itself"
    )
    parser.add_argument("target", metavar="FOLDER", help="new, empty, or an older page that is replaced")


def _web(args: argparse.Namespace) -> int:
    assets = _assets()
    from limner.static_page import write_page

    written = write_page(args.target, assets)
    size = sum((Path(args.target) / path).stat().st_size for path in written)
    say(f"wrote {args.target}: {len(written)} files, {size / 1e6:.1f} MB; show it with any web server")
    return 0


def _assets() -> Path:
    """The files of the wheel `limner-web`.

    Raises:
        MissingExtraError: If it is not installed, or belongs to another version of Limner.
    """
    from importlib.metadata import version  # each takes 10 ms, and every command loads this module
    from importlib.resources import files

    need("web", "limner_web")
    if version("limner-web") != __version__:
        raise MissingExtraError("web", f"limner-web {__version__}, not {version('limner-web')}")
    return Path(str(files("limner_web")))
