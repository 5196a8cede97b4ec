"""Where the pictures of a batch come from: a file, a folder, a pattern, a list, or Parquet files of them."""

import os
import posixpath
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from limner import files
from limner.batch import storage
from limner.batch.storage import UNKNOWN, Stamp
from limner.errors import InputError

PARQUET = ".parquet"
"""Extension of a file that holds many pictures."""


@dataclass(frozen=True)
class Source:
    """Some files to work on."""

    root: str  # folder or address that the names are relative to; empty for a list
    names: Callable[[], Iterable[tuple[str, Stamp]]]  # all that is there now
    accepts: Callable[[str], bool]  # whether a file of this name is a picture, or full of pictures
    chosen: Callable[[str], bool] = bool  # whether it is one to work on
    again: bool = True  # whether names() can be asked more than once
    pattern: str = ""  # as it was given, where it is one


def find_source(source: str, *, target: str) -> Source:
    """What is meant by a folder, a picture, a pattern, a list (``.txt``, or - for a pipe) or Parquet files.

    What exists as it is written is that file or folder, whatever its characters.

    Args:
        source: Paths or addresses of object stores.
        target: Where the results go; not looked into, should it lie below the source.

    Raises:
        InputError: If there is no such thing, or source and target are the same folder.
    """
    if storage.is_folder(source):
        _check_apart(source, target)
        return Source(_whole(source), lambda: storage.walk(source, without=target), files.is_picture)
    found = None if source == "-" else storage.stamp(source)
    if found is None and storage.has_pattern(source):
        root, pattern = storage.split_pattern(source)
        if not storage.is_folder(root):
            raise InputError(f"no folder {root}, of the pattern {source}")
        _check_apart(root, target)
        return Source(
            _whole(root),
            lambda: storage.walk(root, without=target),
            _is_parquet if pattern.endswith(PARQUET) else files.is_picture,
            storage.matcher(pattern),
            pattern=source,
        )
    if source == "-" or source.endswith(".txt"):
        return Source("", lambda: _listed(source), lambda _: True, again=source != "-")
    if found is None:
        raise InputError(f"no such folder or file: {source}")
    path, mark, options = source.partition("?") if storage.is_remote(source) else (source, "", "")
    root, _, name = path.replace(os.sep, "/").rpartition("/")
    root = (root or ("/" if path.startswith("/") else "")) + mark + options
    if not (files.is_picture(name) or _is_parquet(name)):
        raise InputError(
            f"{source} is neither a picture, a folder, a pattern, a list (.txt) nor a Parquet file: "
            "give one of these"
        )
    _check_apart(root, target)
    return Source(_whole(root), lambda: [(name, found)], lambda _: True, lambda _: True)


def output_name(name: str) -> str:
    """Where the result of a listed file goes below the target: its path without ``://``, drive, first slash.

    Raises:
        InputError: If the path leads out of the folder that it is relative to.
    """
    if storage.is_remote(name):
        path = name.partition("?")[0].replace("://", "/").replace(":", "")
    else:
        path = re.sub(r"^([A-Za-z]):/", r"\1/", Path(name).as_posix())
    path = path.lstrip("/")
    if ".." in PurePosixPath(path).parts:
        raise InputError(f"{name}: a path with .. has no place below the target; write it whole, from /")
    return path


def _listed(source: str) -> Iterator[tuple[str, Stamp]]:
    try:
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as file:
            for name in files.text_lines(file, f"the list {source}"):
                if not name.strip():
                    continue
                if storage.is_remote(name):
                    yield name, UNKNOWN
                    continue
                # A name by its own bytes, or that of a file named in UTF-8 in a list saved in Latin-1.
                found = storage.stamp(name)
                if found is None and (letters := files.as_letters(name)) != name:
                    found = storage.stamp(letters)
                    name = letters if found else name
                yield posixpath.normpath(name), found or UNKNOWN
    except OSError as error:
        raise InputError(f"cannot read the list {source}: {error.strerror or error}") from error


def _whole(root: str) -> str:
    return root if storage.is_remote(root) else os.path.realpath(root)


def _is_parquet(name: str) -> bool:
    return name.endswith(PARQUET)


def _check_apart(root: str, target: str) -> None:
    if storage.is_remote(root) or storage.is_remote(target):
        same = root.partition("?")[0].rstrip("/") == target.partition("?")[0].rstrip("/")
    else:
        same = os.path.realpath(root) == os.path.realpath(target)
    if same:
        raise InputError(f"source and target are the same folder, {root}: give the results one of their own")
