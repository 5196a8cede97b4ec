"""Whole files: written all or not at all, and their checksums."""

import hashlib
import os
import re
import secrets
from pathlib import Path

from limner.errors import OutputError

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file so that it is either complete or as it was before.

    The bytes go to a temporary file beside the target, which then takes the target's name. A link is
    followed; a device or a pipe is written to directly.

    Raises:
        OutputError: If the target is a directory, or its folder is missing, read-only or full.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputError(f"{path} is a directory: give a file name")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(13, "the file is read-only")
        _replace(target, data)
    except FileNotFoundError as error:
        raise OutputError(
            f"cannot write {path}: its folder does not exist; make it first", error.errno
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"cannot write {path}: {reason}; choose another place or fix its permissions", error.errno
        ) from error


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        if target.exists():
            temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: str | Path) -> None:
    """Take away what `write_bytes` left half-written in a folder when its process was killed.

    Only where nothing else writes to the folder at the same time.

    Raises:
        OutputError: If that cannot be done.
    """
    try:
        for path in Path(folder).iterdir():
            if _TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot clear up the folder {folder}: {error.strerror or error}", error.errno
        ) from error


def make_folder(path: str | Path) -> None:
    """Make a folder, and those above it, where they are missing.

    Raises:
        OutputError: If that cannot be done.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {path}: {error.strerror or error}; choose another", error.errno
        ) from error


def sha256(data: bytes) -> str:
    """Checksum of some bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
