"""Files by path or by address, on this machine or in an object store: walked, read, and written whole."""

import glob
import os
import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from limner import files
from limner.errors import InputError, OutputError

PAUSE_S = 0.1
"""Between two attempts to read a file that changes."""

ATTEMPTS = 5
"""To read a file that changes."""

_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)


class Stamp(NamedTuple):
    """What tells cheaply whether a file may have changed."""

    bytes: int
    time_ns: int  # of the last change, since 1970


UNKNOWN = Stamp(-1, -1)
"""Of a file that was not or cannot be looked at; never that of an earlier run."""


def is_remote(path: str) -> bool:
    """Whether it is an address such as ``s3://bucket/portraits``."""
    return bool(_ADDRESS.match(path))


def join(root: str, name: str) -> str:
    """A name, parted by slashes, below a folder; an address keeps what follows its question mark."""
    if not root:
        return name
    if not is_remote(root):
        return str(Path(root, name))
    path, mark, options = root.partition("?")
    return f"{path.rstrip('/')}/{name}{mark}{options}"


def is_folder(path: str) -> bool:
    """Whether there is a folder, or, in an object store, anything below it."""
    if is_remote(path):
        return bool(_remote("is_folder", path))
    return os.path.isdir(path)  # noqa: PTH112 - a Path raises for names that no system takes


def walk(root: str, *, without: str = "") -> Iterator[tuple[str, Stamp]]:
    """The files below a folder, in no order, as names relative to it; hidden ones and links to folders not.

    Args:
        root: A folder or an address.
        without: A folder that is left out.

    Raises:
        InputError: If a folder cannot be read.
    """
    if is_remote(root):
        from limner.batch import remote

        yield from ((name, Stamp(*state)) for name, state in remote.walk(root, without=without))
        return
    left_out = os.path.realpath(without) if without else None
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(Path(root, folder)) as entries:
                for entry in entries:
                    name = f"{folder}{entry.name}"
                    if files.is_hidden(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if os.path.realpath(entry.path) != left_out:
                            waiting.append(f"{name}/")
                    elif (found := stamp(entry.path)) is not None:
                        yield name, found
        except OSError as error:
            raise InputError(f"cannot read the folder {root}/{folder}: {error.strerror}") from error


def stamp(path: str) -> Stamp | None:
    """The stamp of a file; None where there is none, `UNKNOWN` where reading it will tell what is wrong."""
    if is_remote(path):
        state = _remote("stamp", path)
        return None if state is None else Stamp(*state)
    try:
        found = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:  # a link to itself, a name that is too long, a folder that cannot be entered
        return UNKNOWN
    return Stamp(found.st_size, found.st_mtime_ns)


def read(path: str) -> bytes:
    """The bytes of a file, as it was at one moment.

    Raises:
        InputError: If it cannot be read, or keeps changing meanwhile.
    """
    if is_remote(path):
        return bytes(_remote("read", path))
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S)
        try:
            with Path(path).open("rb") as file:
                before = os.fstat(file.fileno())
                data = file.read()
                after = os.fstat(file.fileno())
        except FileNotFoundError as error:
            raise InputError("the file is not there any more") from error
        except OSError as error:
            raise InputError(f"{error.strerror}: the file cannot be read") from error
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) and len(
            data
        ) == after.st_size:
            return data
    raise InputError("the file keeps changing while it is read: run again once it is whole")


def write(path: str, data: bytes) -> None:
    """Write a file whole or not at all, in a folder that is made where it is missing.

    Raises:
        OutputError: If that cannot be done.
    """
    if is_remote(path):
        from limner.batch import remote

        try:
            remote.write(path, data)
        except OSError as error:
            raise OutputError(f"cannot reach {path.partition('?')[0]}: {error}", error.errno) from error
        except UnicodeError as error:
            raise OutputError("object stores take names in UTF-8 alone: rename the file") from error
        return
    _make_folder(os.path.dirname(path) or ".")  # noqa: PTH120
    files.write_bytes(path, data)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a name matches a pattern: ``*`` and ``?`` within a folder, ``**`` over any depth, ``[a-z]``."""
    parts = [
        {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part)
        or (
            f"[{'^' if part[1] == '!' else ''}{part[1:-1].lstrip('!')}]"
            if part[0] == "["
            else re.escape(part)
        )
        for part in re.findall(r"\*\*/|\*\*|\*|\?|\[!?[^]]+\]|[^*?\[]+|\[", pattern)
    ]
    compiled = re.compile("".join(parts))
    return lambda name: compiled.fullmatch(name) is not None


def split_pattern(pattern: str) -> tuple[str, str]:
    """The folder above the first wildcard, and the pattern below it; the name of a folder has none."""
    address = _ADDRESS.match(pattern)
    path, mark, options = pattern.partition("?") if address else (pattern, "", "")
    parts = path.replace(os.sep, "/").split("/")
    wild = [index for index, part in enumerate(parts) if glob.has_magic(part)]

    def exists(index: int) -> bool:
        if address and "[" not in parts[index]:  # it would take the store a request
            return False
        return is_folder("/".join(parts[: index + 1]) + mark + options)

    first = next((index for index in wild if not exists(index)), wild[-1])
    root = "/".join(parts[:first]) or ("/" if pattern.startswith("/") else ".")
    return root + mark + options, "/".join(parts[first:])


def has_pattern(path: str) -> bool:
    """Whether a path has wildcards; in an address what follows the question mark has none."""
    return glob.has_magic(path.partition("?")[0] if is_remote(path) else path)


_make_folder = lru_cache(maxsize=100_000)(files.make_folder)


def _remote(name: str, path: str) -> Any:
    """A function of `limner.batch.remote`, which pyarrow is loaded for."""
    from limner.batch import remote

    try:
        return getattr(remote, name)(path)
    except OSError as error:
        raise InputError(f"cannot reach {path.partition('?')[0]}: {error}") from error
