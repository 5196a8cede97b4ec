"""Where a finished clip goes: a file that is whole or not there, a pipe or a device; and what fails there."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from av.error import FFmpegError

from limner import files
from limner.errors import OutputError


class AtomicFile:
    """A new file that takes the target's name only when it is whole; pipes and devices as they are."""

    def __init__(self, path: Path | None) -> None:
        self._path = None if path is None else Path(os.path.realpath(path))
        self._temporary: Path | None = None
        self.direct = True
        if self._path is None:
            self.file: BinaryIO = sys.stdout.buffer
            return
        with named_errors(path):
            self.direct = self._path.exists() and not self._path.is_file()
            if self.direct:
                self.file = self._path.open("wb")
                return
            self._temporary = self._path.with_name(files.temporary_name(self._path.name))
            self.file = self._temporary.open("xb", buffering=1 << 20)

    def commit(self) -> None:
        """The file is whole."""
        self.file.flush()
        if self._path is None:
            return
        self.file.close()
        if self._temporary is not None:
            if self._path.exists():
                self._temporary.chmod(self._path.stat().st_mode)
            self._temporary.replace(self._path)

    def discard(self) -> None:
        """The file is not wanted."""
        if self._path is not None:
            with suppress(OSError):  # of a full disk, which has been told
                self.file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


@contextmanager
def named_errors(path: Path | None) -> Iterator[None]:
    """What fails while writing becomes an OutputError; a reader of a pipe that has gone does not."""
    try:
        yield
    except (BrokenPipeError, OutputError):
        raise
    except OSError as error:
        raise files.cannot_write(path or "to standard output", error) from error
    except FFmpegError as error:
        raise OutputError(
            f"cannot write {path or 'to standard output'}: FFmpeg refuses what was to go into it "
            f"({error.strerror}); write .mkv, which holds most, or leave out the sound with --no-sound",
            error.errno,
        ) from error
