"""Where a finished clip goes: a file that is whole or not there, a pipe or a device; and what fails there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import av
from av.container import OutputContainer
from av.error import FFmpegError

from limner import files
from limner.errors import OutputError
from limner.video.outputs import Output


@contextmanager
def target_file(path: Path | None) -> Iterator[BinaryIO]:
    """A file as of `limner.files.whole_file`; without a path, standard output."""
    if path is not None:
        with files.whole_file(path) as file:
            yield file
        return
    yield sys.stdout.buffer
    with named_errors(path):
        sys.stdout.buffer.flush()


@contextmanager
def muxer(file: BinaryIO | str, output: Output, options: dict[str, str]) -> Iterator[OutputContainer]:
    """The container of an output, in a file or a device; closed after the block, and after an error."""
    path = output.path
    with named_errors(path):
        container = av.open(file, "w", format=output.container, options=options)
    try:
        yield container
        with named_errors(path):
            container.close()
    finally:
        with suppress(FFmpegError, OSError):  # after an error, which has been told
            container.close()


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
