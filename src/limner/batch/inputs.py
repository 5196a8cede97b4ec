"""Where the pictures of a batch come from: a folder, a pattern, a list, or Parquet files full of pictures."""

import posixpath
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from limner.batch import storage
from limner.batch.storage import UNKNOWN, Stamp
from limner.errors import InputError

PICTURES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib"),
    *(".heic", ".heif", ".avif", ".jp2", ".ppm", ".pgm"),
}
"""Extensions of the files in a folder that are taken for pictures; a list may name any file."""

PACK = ".parquet"
"""Extension of a file that holds many pictures."""


@dataclass(frozen=True)
class Source:
    """Some files to work on."""

    root: str  # folder or address that the names are relative to; empty for a list
    names: Callable[[], Iterable[tuple[str, Stamp]]]  # all that is there now
    accepts: Callable[[str], bool]  # whether a file of this name is a picture, or full of pictures
    chosen: Callable[[str], bool] = bool  # whether it is one to work on
    again: bool = True  # whether names() can be asked more than once


def find_source(source: str, *, target: str) -> Source:
    """What is meant by a folder, a pattern, a list of files (``.txt``, or - for a pipe) or Parquet files.

    Args:
        source: Paths or addresses of object stores.
        target: Where the results go; not looked into, should it lie below the source.

    Raises:
        InputError: If there is no such thing, or source and target are the same folder.
    """
    if storage.is_folder(source):
        _check_apart(source, target)
        return Source(_whole(source), lambda: storage.walk(source, without=target), _is_picture)
    if storage.has_pattern(source):
        root, pattern = storage.split_pattern(source)
        if not storage.is_folder(root):
            raise InputError(f"no folder {root}, of the pattern {source}")
        _check_apart(root, target)
        accepts = _is_pack if pattern.endswith(PACK) else _is_picture
        return Source(
            _whole(root), lambda: storage.walk(root, without=target), accepts, storage.matcher(pattern)
        )
    if source == "-" or source.endswith(".txt"):
        return Source("", lambda: _listed(source), lambda _: True, again=source != "-")
    found = storage.stamp(source)
    if found is None:
        raise InputError(f"no such folder or file: {source}")
    if not source.partition("?")[0].endswith(PACK):
        raise InputError(
            f"{source} is neither a folder, a pattern, a list (.txt) nor a Parquet file; "
            "for a single picture use limner cut"
        )
    path, mark, options = source.partition("?")
    root, _, name = path.replace("\\", "/").rpartition("/")
    _check_apart(root + mark + options, target)
    return Source(_whole(root + mark + options), lambda: [(name, found)], _is_pack)


def output_name(name: str) -> str:
    """Where the result of a listed file goes below the target: its path without ``://``, colons, first slash.

    Raises:
        InputError: If the path leads out of the folder that it is relative to.
    """
    path = name.partition("?")[0].replace("://", "/") if storage.is_remote(name) else Path(name).as_posix()
    path = path.replace(":", "").lstrip("/")
    if ".." in PurePosixPath(path).parts:
        raise InputError(f"{name}: a path with .. has no place below the target; write it whole, from /")
    return path


def _listed(source: str) -> Iterator[tuple[str, Stamp]]:
    try:
        with sys.stdin if source == "-" else Path(source).open(encoding="utf-8") as lines:
            for line in lines:
                name = line.rstrip("\r\n")
                if not name.strip():
                    continue
                if storage.is_remote(name):
                    yield name, UNKNOWN
                else:
                    yield posixpath.normpath(name), storage.stamp(name) or UNKNOWN
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the list {source}: {error}") from error


def _whole(root: str) -> str:
    return root if storage.is_remote(root) else str(Path(root).resolve())


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURES


def _is_pack(name: str) -> bool:
    return name.endswith(PACK)


def _check_apart(root: str, target: str) -> None:
    if storage.is_remote(root) or storage.is_remote(target):
        same = root.partition("?")[0].rstrip("/") == target.partition("?")[0].rstrip("/")
    else:
        same = Path(root or ".").resolve() == Path(target).resolve()
    if same:
        raise InputError(f"source and target are the same folder, {root}: give the results one of their own")
