"""Object stores and other file systems beyond this machine, by pyarrow, or by fsspec where it has none."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

import pyarrow.fs
from pyarrow.fs import FileSelector, FileSystem, FileType

from limner import files

State: TypeAlias = tuple[int, int]
"""Bytes of a file, and the time of its last change in nanoseconds since 1970, -1 where unknown."""

WHOLE = {"s3", "gcs", "abfs"}
"""File systems on which a file appears when it is complete, and not before."""


def is_folder(address: str) -> bool:
    """Whether there is a folder, or anything below it."""
    system, path = _open(address)
    return bool(system.get_file_info(path).type == FileType.Directory)


def walk(root: str, *, without: str = "") -> Iterator[tuple[str, State]]:
    """As `limner.batch.storage.walk`; one folder is held in memory at a time."""
    system, top = _open(root)
    left_out = (
        _open(without)[1] if without and without.partition("://")[0] == root.partition("://")[0] else ""
    )
    waiting = [top]
    while waiting:
        for info in system.get_file_info(FileSelector(waiting.pop())):
            if files.is_hidden(info.base_name) or info.path == left_out:
                continue
            if info.type == FileType.Directory:
                waiting.append(info.path)
            else:
                yield info.path[len(top) :].lstrip("/"), (info.size, info.mtime_ns or -1)


def stamp(address: str) -> State | None:
    """As `limner.batch.storage.stamp`."""
    system, path = _open(address)
    info = system.get_file_info(path)
    return (info.size, info.mtime_ns or -1) if info.type == FileType.File else None


def read(address: str) -> bytes:
    """The bytes of a file."""
    system, path = _open(address)
    with system.open_input_stream(path) as stream:
        data: bytes = stream.read()
    return data


def write(address: str, data: bytes) -> None:
    """Write a file whole: at once where the store shows only complete ones, else beside it and moved."""
    system, path = _open(address)
    if system.type_name in WHOLE:
        with system.open_output_stream(path) as stream:
            stream.write(data)
        return
    folder, _, name = path.rpartition("/")
    system.create_dir(folder, recursive=True)
    temporary = f"{folder}/{files.temporary_name(name)}"
    try:
        with system.open_output_stream(temporary) as stream:
            stream.write(data)
        system.move(temporary, path)
    except OSError:
        if system.get_file_info(temporary).type == FileType.File:
            system.delete_file(temporary)
        raise


def _open(address: str) -> tuple[FileSystem, str]:
    """The file system of an address, and the path in it."""
    base, mark, options = address.partition("?")
    scheme, _, path = base.partition("://")
    if scheme == "s3":  # a small object is one request instead of the three of an upload in parts
        options = f"{options}&allow_delayed_open=true" if options else "allow_delayed_open=true"
        mark = "?"
    host = path.partition("/")[0]
    system, start = _system(scheme, host, mark + options)
    return system, (start + path[len(host) :]).rstrip("/")


@lru_cache(maxsize=8)
def _system(scheme: str, host: str, options: str) -> tuple[FileSystem, str]:
    try:
        system, start = FileSystem.from_uri(f"{scheme}://{host or '/'}{options}")
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        import fsspec

        other, start = fsspec.core.url_to_fs(f"{scheme}://{host}")
        return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(other)), start
    return system, start.rstrip("/")
