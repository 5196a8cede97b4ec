"""The record of a batch, JSON Lines beside the results: what was made from what, and what failed.

A row is a JSON object: one with ``source`` and ``options`` at the start of every run, then one with
``input`` for every picture (or Parquet file). The last row of an input counts.
"""

import errno
import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from limner import files
from limner.batch import storage
from limner.errors import InputError, OutputError

FILE = "limner-manifest.jsonl"
"""The manifest, below the target."""

FOLDER = "limner-manifest"
"""The manifest below a target in an object store, where nothing can be appended: numbered parts of it."""

SYNC_S = 5.0
"""A power cut loses the rows of so many seconds at most; a killed process none."""

PART_ROWS, PART_S = 10_000, 30.0
"""A part of the manifest in an object store is written after so many rows or seconds."""

Row = Mapping[str, Any]
_log = logging.getLogger(__name__)


def open_manifest(target: str) -> "_File | _Parts":
    """The manifest of a target, to append rows; for this run alone, until it is closed.

    Raises:
        InputError: If another run has it open.
        OutputError: If it cannot be written.
    """
    return _Parts(target) if storage.is_remote(target) else _File(Path(target))


def read_manifest(target: str) -> Iterator[Row]:
    """The rows of a target's manifest, if there is one; nothing is changed."""
    if storage.is_remote(target):
        folder = storage.join(target, FOLDER)
        names = sorted(name for name, _ in storage.walk(folder)) if storage.is_folder(folder) else []
        for name in names:
            yield from _parse(storage.read(storage.join(folder, name)).splitlines(keepends=True))
    elif (Path(target) / FILE).exists():
        with (Path(target) / FILE).open("rb") as lines:
            yield from _parse(lines)


def _parse(lines: Iterable[bytes]) -> Iterator[Row]:
    """The rows, less those that are not whole: their pictures are simply done again."""
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            if line.endswith(b"\n"):
                _log.warning("line %d of the manifest is damaged and left out", number)
        else:
            if isinstance(row, dict):
                yield row


def _encode(row: Row) -> bytes:
    # What is not UTF-8 in a name becomes the escape that JSON has for it, \udce9, and is read back as it was.
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"


class _File:
    """Appended row by row; the system has a row as soon as `append` is back, so that no kill loses it."""

    def __init__(self, target: Path) -> None:
        files.make_folder(target)
        self.path = target / FILE
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        with files.naming(self.path):
            self.number = os.open(self.path, flags, 0o666)
        if not _lock(self.number):
            os.close(self.number)
            raise InputError(f"another run is at work on {target}: wait until it has ended")
        self.end = self._cut_torn_line()
        self.synced = time.monotonic()

    def append(self, row: Row) -> None:
        data = _encode(row)
        try:
            if os.write(self.number, data) < len(data):
                raise OSError(errno.ENOSPC, "no space left for a whole line")
            if time.monotonic() - self.synced > SYNC_S:
                os.fsync(self.number)
                self.synced = time.monotonic()
        except OSError as error:
            os.ftruncate(self.number, self.end)
            told = files.cannot_write(self.path, error)
            raise OutputError(f"{told}, then run the same command again", error.errno) from error
        self.end += len(data)

    def close(self) -> None:
        os.fsync(self.number)
        os.close(self.number)

    def _cut_torn_line(self) -> int:
        """Length of the file after taking away the end of a row that a kill or a full disk cut off."""
        end = os.fstat(self.number).st_size
        while end:
            start = max(0, end - 65536)
            os.lseek(self.number, start, os.SEEK_SET)
            last = os.read(self.number, end - start).rfind(b"\n")
            if last >= 0:
                end = start + last + 1
                break
            end = start
        os.ftruncate(self.number, end)
        return end


class _Parts:
    """Objects that each hold some rows, written now and then: an object store cannot append."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.run = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        self.number = 0
        self.held: list[bytes] = []
        self.written = time.monotonic()

    def append(self, row: Row) -> None:
        self.held.append(_encode(row))
        first = self.number == 0  # at once, to see that the target can be written
        if first or len(self.held) >= PART_ROWS or time.monotonic() - self.written > PART_S:
            self.close()

    def close(self) -> None:
        if self.held:
            name = f"{FOLDER}/{self.run}-{self.number:06d}.jsonl"
            storage.write(storage.join(self.target, name), b"".join(self.held))
            self.number += 1
            self.held = []
        self.written = time.monotonic()


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> bool:
        os.lseek(number, 1 << 40, os.SEEK_SET)  # Windows blocks reads of a locked range
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(number: int) -> bool:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
