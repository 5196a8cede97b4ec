"""Files of any kind: written whole or not at all, read as text, told apart by their names."""

import codecs
import errno
import hashlib
import io
import json
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from limner.errors import InputError, OutputError

_RAW = (".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2")  # refused by name, not passed over
PICTURES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib"),
    *(".heic", ".heif", ".avif", ".jp2", ".ppm", ".pgm", *_RAW),
}
"""Extensions of the files in a folder that are taken for pictures."""

_TEMPORARY = r"\..*\.[0-9a-f]{12}\.tmp"
_CURES = {
    errno.ENOSPC: "make room or choose another place",
    errno.EDQUOT: "make room or choose another place",
    errno.EACCES: "choose another place or fix its permissions",
    errno.EPERM: "choose another place or fix its permissions",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.ENOENT: "make it first",
}


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file so that it is either complete or as it was before; see `whole_file`.

    Raises:
        OutputError: If the target is a directory, or its folder is missing, read-only or full.
    """
    with naming(path), whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of the target when the block ends without an error.

    Until then it is a temporary file beside the target. A link is followed; a device or a pipe is written to
    directly.

    Raises:
        OutputError: If the target is a directory, or its folder is missing, read-only or full.
    """
    with naming(path):
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise OutputError(f"{path} is a directory: give a file name")
        direct = target.exists() and not target.is_file()
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "the file is read-only")
        temporary = target if direct else target.with_name(temporary_name(target.name))
        file = temporary.open("wb" if direct else "xb", buffering=1 << 20)
    try:
        yield file
        with naming(path):
            file.close()
            if not direct:
                if target.exists():
                    temporary.chmod(target.stat().st_mode)
                temporary.replace(target)
    finally:
        with suppress(OSError):  # of a full disk, which has been told
            file.close()
        if not direct:
            temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: object) -> Iterator[None]:
    """What the system refuses inside the block becomes an OutputError that names the file or folder."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: object, error: OSError) -> OutputError:
    """What to raise where the system refuses to write: its reason, and the cure of that reason."""
    reason = "its folder does not exist" if error.errno == errno.ENOENT else error.strerror or error
    cure = _CURES.get(error.errno or 0, "choose another place")
    return OutputError(f"cannot write {path}: {reason}; {cure}", error.errno)


def temporary_name(name: str) -> str:
    """A new hidden name for what will be called ``name`` once it is whole, at most 48 bytes long.

    A system counts bytes: 78 Chinese characters are nearly all that it allows.
    """
    start = os.fsencode(name)[:30].decode(sys.getfilesystemencoding(), "ignore")
    return f".{start}.{secrets.token_hex(6)}.tmp"


def sweep(folder: str | Path) -> None:
    """Take away what `write_bytes` left half-written in a folder when its process was killed.

    Only where nothing else writes to the folder at the same time.

    Raises:
        OutputError: If that cannot be done.
    """
    with naming(f"to the folder {folder}"):
        for path in Path(folder).iterdir():
            if re.fullmatch(_TEMPORARY, path.name):
                path.unlink(missing_ok=True)


def make_folder(path: str | Path) -> None:
    """Make a folder, and those above it, where they are missing.

    Raises:
        OutputError: If that cannot be done.
    """
    with naming(f"the folder {path}"):
        Path(path).mkdir(parents=True, exist_ok=True)


def text_lines(file: Any, name: object) -> Iterator[str]:
    """The lines of a text file that a person may have saved anywhere, without their ends; the file is closed.

    UTF-8 with or without a byte-order mark, UTF-16 with one; LF, CR LF or CR. Bytes that are not UTF-8 stay
    in a line as they do in a name of the system, whose bytes they may be; `as_letters` reads them.

    Args:
        file: Open, binary.
        name: What messages call it.

    Raises:
        InputError: If it is no text, or cannot be read.
    """
    binary = io.BufferedReader(file)
    try:
        wide = binary.peek(2).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding, errors = ("utf-16", "strict") if wide else ("utf-8-sig", "surrogateescape")
        with io.TextIOWrapper(binary, encoding, errors) as lines:
            for line in lines:
                if "\0" in line:
                    raise InputError(f"{name} is no text, it has zero bytes: save it as text in UTF-8")
                yield line.rstrip("\n")
    except UnicodeError as error:
        raise InputError(f"{name} is UTF-16 text with a damaged end: save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from error


def read_text(path: Any, name: object = None) -> str:
    """A text file as `text_lines` reads it, its lines ended by LF; what is not UTF-8 is taken for Latin-1.

    Args:
        path: A `Path` or a `zipfile.Path`.
        name: What messages call it; by default its path.

    Raises:
        InputError: If it is no text, or cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {name or path}: {error.strerror or error}") from error
    return "".join(f"{as_letters(line)}\n" for line in text_lines(file, name or path))


def read_json(path: Path, name: object = None) -> Any:
    """What a JSON file holds that a person may have saved anywhere; arguments as of `read_text`.

    Raises:
        InputError: If it is no JSON, or cannot be read.
    """
    text = read_text(path, name)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"cannot read {name or path}: it is no JSON: {error}") from error


def as_letters(line: str) -> str:
    """A line or name with bytes that are not UTF-8, read as Latin-1; any other as it is."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return line.encode("utf-8", "surrogateescape").decode("latin-1")
    return line


def spelled(name: str) -> str:
    r"""A name in characters that can be written anywhere: bytes that are not UTF-8 become ``\xe9``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden: ``.DS_Store``, ``._anna.jpg``."""
    return PurePath(name).name.startswith(".")


def is_picture(name: str) -> bool:
    """Whether a file that is not hidden has the extension of a picture."""
    return not is_hidden(name) and PurePath(name).suffix.lower() in PICTURES


def sha256(data: bytes) -> str:
    """Checksum of some bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
