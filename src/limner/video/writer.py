"""A finished clip written, whole or not at all: in a container, as pictures or bytes, to a device."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av import VideoFrame, VideoStream
from av.error import FFmpegError
from numpy.typing import NDArray

from limner import files
from limner.images import encode_image
from limner.video.atomic_file import AtomicFile, named_errors
from limner.video.container import FileWriter
from limner.video.frames import planes
from limner.video.outputs import CODECS, CONTAINERS, Output
from limner.video.reader import Clip, Sound


class Writer(Protocol):
    """Takes the finished frames and the packets of sound, in order."""

    def frame(self, frame: VideoFrame) -> None:
        """Encode a frame: in the working format, with a plane of alpha after the others where it has one."""

    def sound(self, packet: Sound) -> None:
        """Write a packet."""

    def finish(self) -> None:
        """Write what is left and give the file its name."""

    def abandon(self) -> None:
        """Leave nothing behind."""


def open_writer(target: Output, clip: Clip, *, quality: int | None = None, sound: bool = True) -> Writer:
    """Start to write the frames of a clip.

    Raises:
        OutputError: If nothing can be written there.
    """
    if target.codec is CODECS["png"]:
        assert target.path is not None
        return PngWriter(target.path)
    if target.codec is CODECS["raw"]:
        return RawWriter(target)
    if target.codec is CODECS["camera"]:
        return DeviceWriter(target, clip)
    return FileWriter(target, clip, quality=quality, sound=sound)


class DeviceWriter:
    """A loopback device, which shows each frame as soon as it is written."""

    def __init__(self, target: Output, clip: Clip) -> None:
        self._path = target.path
        with named_errors(self._path):
            self._container = av.open(str(self._path), "w", format=CONTAINERS[target.extension][0])
        video = self._container.add_stream(target.codec.encoder, rate=clip.rate)
        assert isinstance(video, VideoStream)
        video.height, video.width = clip.size
        video.pix_fmt = target.format(clip)
        self._video = video

    def frame(self, frame: VideoFrame) -> None:
        """Show a frame."""
        with named_errors(self._path):
            self._container.mux(self._video.encode(frame))

    def sound(self, packet: Sound) -> None:
        """A camera has no sound."""

    def finish(self) -> None:
        """Let go of the device."""
        with named_errors(self._path):
            self._container.close()

    def abandon(self) -> None:
        """The same, after an error, which has been told."""
        with suppress(FFmpegError, OSError):
            self._container.close()


class RawWriter:
    """The bytes of the frames without a header: grey, RGB or RGBA, one frame after the other."""

    def __init__(self, target: Output) -> None:
        self._path = target.path
        self._file = AtomicFile(target.path)

    def frame(self, frame: VideoFrame) -> None:
        """Write a frame."""
        with named_errors(self._path):
            self._file.file.write(np.ascontiguousarray(picture_of(frame)).data)

    def sound(self, packet: Sound) -> None:
        """Raw frames have no sound."""

    def finish(self) -> None:
        """Give the file its name."""
        with named_errors(self._path):
            self._file.commit()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.discard()


class PngWriter:
    """A folder of numbered PNG files, from 00000.png on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._temporary = folder.with_name(files.temporary_name(folder.name))
        self._count = 0
        files.make_folder(self._temporary)

    def frame(self, frame: VideoFrame) -> None:
        """Write a picture."""
        data = encode_image(np.ascontiguousarray(picture_of(frame)), ".png")
        with named_errors(self._folder):
            (self._temporary / f"{self._count:05d}.png").write_bytes(data)
        self._count += 1

    def sound(self, packet: Sound) -> None:
        """Pictures have no sound."""

    def finish(self) -> None:
        """Give the folder its name."""
        with named_errors(self._folder):
            self._temporary.replace(self._folder)  # onto an empty folder too

    def abandon(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._temporary, ignore_errors=True)


def picture_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """A frame in RGB planes as an array, (H, W, 3), or (H, W, 4) with an alpha; a grey one (H, W)."""
    found = planes(frame)
    if len(found) == 1:
        return found[0].astype(np.uint8)
    green, blue, red, *alpha = found
    return np.stack([red, green, blue, *alpha], axis=-1).astype(np.uint8)
