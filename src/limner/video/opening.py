"""A clip opened: a file, whatever its name, a pipe, a device, or pixels without a header."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError

from limner.errors import InputError
from limner.images import Size


@dataclass(frozen=True)
class Raw:
    """Frames without a header, (H, W, 3) bytes of RGB one after the other, as of ``ffmpeg -f rawvideo``."""

    size: Size
    rate: str = "25"  # frames a second: "30", "29.97" or "30000/1001"


def open_container(
    source: str | Path | BinaryIO,
    name: str,
    *,
    raw: Raw | None = None,
    kind: str | None = None,
    options: dict[str, str] | None = None,
) -> InputContainer:
    """Open a clip; a local name is never taken for an address, and nothing in a clip reaches the network.

    Args:
        source: A path, an open binary file, or, with ``kind``, what FFmpeg calls a device.
        name: What messages call it.
        raw: What the bytes are, where they are pixels without a header.
        kind: FFmpeg's name of a kind of device.
        options: Of that.

    Raises:
        InputError: If it cannot be opened.
    """
    file = str(source) if isinstance(source, Path) else source
    settings = dict(options or {})
    if kind is None:
        settings["protocol_whitelist"] = "file"
        if isinstance(file, str):
            _check_file(file)
            file = f"file:{file}"  # whatever stands before a colon in its name
    if raw is not None:
        height, width = raw.size
        kind = "rawvideo"
        settings |= {"video_size": f"{width}x{height}", "pixel_format": "rgb24", "framerate": raw.rate}
    try:
        return av.open(file, "r", format=kind, options=settings)
    except PermissionError as error:
        raise InputError(f"cannot read {name}: {error.strerror}; fix its permissions") from error
    except (FFmpegError, ValueError) as error:
        cure = (
            "get a whole copy of it"
            if isinstance(file, str)
            else "give the file itself, as many MP4 files hold their header at the end"
        )
        reason = (error.strerror if isinstance(error, FFmpegError) else None) or str(error)
        raise InputError(
            f"{name} is no video that FFmpeg reads, or its header is cut off: {reason}; {cure}"
        ) from error


def _check_file(file: str) -> None:
    if os.path.isdir(file):  # noqa: PTH112 - a Path raises for names that no system takes
        raise InputError(f"{file} is a directory: give a video file")
    if not os.path.exists(file):  # noqa: PTH110 - the same
        raise InputError(f"no such file: {file}")
