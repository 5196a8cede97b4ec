"""A clip opened: a file, whatever its name, a pipe, a device, or pixels without a header."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError

from limner.errors import InputError
from limner.images import Size


@dataclass(frozen=True, kw_only=True)
class Demuxer:
    """How to read a source that does not say so itself: a camera, or pixels without a header.

    Attributes:
        format: FFmpeg's name, such as "v4l2".
        options: Of that format.
        live: The source is a device, not a file: frames come as they are taken.
    """

    format: str
    options: dict[str, str] = field(default_factory=dict)
    live: bool = False

    @classmethod
    def raw(cls, size: Size, rate: str = "25") -> "Demuxer":
        """Of frames one after the other, (H, W, 3) bytes of RGB each, as of ``ffmpeg -f rawvideo``.

        Args:
            size: (height, width), pixels.
            rate: Frames a second: "30", "29.97" or "30000/1001".
        """
        options = {"video_size": f"{size[1]}x{size[0]}", "pixel_format": "rgb24", "framerate": rate}
        return cls(format="rawvideo", options=options)


def open_container(
    source: str | Path | BinaryIO, name: str, *, demuxer: Demuxer | None = None
) -> InputContainer:
    """Open a clip; a local name is never taken for an address, and nothing in a clip reaches the network.

    Without a ``demuxer`` FFmpeg recognises the format; ``name`` is what messages call the clip.

    Raises:
        InputError: If it cannot be opened.
    """
    file = str(source) if isinstance(source, Path) else source
    settings = dict(demuxer.options) if demuxer else {}
    if demuxer is None or not demuxer.live:
        settings["protocol_whitelist"] = "file"
        if isinstance(file, str):
            _check_file(file)
            file = f"file:{file}"  # whatever stands before a colon in its name
    try:
        return av.open(file, "r", format=demuxer.format if demuxer else None, options=settings)
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
