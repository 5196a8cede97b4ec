"""Which Limner this is."""

from pathlib import Path

__version__ = "0.1.0"


def commit() -> str:
    """The commit of the code that runs, or its version where it is not a git checkout."""
    import subprocess

    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        return subprocess.run(git, capture_output=True, check=True, text=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return f"version {__version__}"
