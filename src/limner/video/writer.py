"""A finished clip written, whole or not at all: in a container, as pictures or bytes, to a device."""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import av
from av import AudioStream, Packet, VideoFrame, VideoStream
from av.error import FFmpegError
from tqdm import tqdm

from limner import files
from limner.errors import InputError
from limner.images import encode_image
from limner.video.atomic_file import AtomicFile, named_errors
from limner.video.container import FileWriter
from limner.video.frames import StreamInfo, picture_of
from limner.video.outputs import CODECS, CONTAINERS, Output
from limner.video.reader import Item, Sound


@dataclass
class Outcome:
    """What became of a clip."""

    frames: int = 0
    seconds: float = 0.0  # of the clip that were written
    wall_s: float = 0.0
    stopped: bool = False  # before its end, because that was asked for
    broken: str = ""  # what was wrong with the input; what was there of it is written
    repaired: int = 0  # times of frames and packets of sound that were out of order


def write_items(
    items: Iterable[Item],
    output: Output,
    info: StreamInfo,
    *,
    sound: Sequence[AudioStream] = (),
    expected: int = 0,
) -> Outcome:
    """Write frames, and packets of sound among them, with a progress bar.

    Args:
        items: Frames in `Output.format`, of the size that ``info`` says, in order.
        output: Where they go.
        info: What they have in common.
        sound: Streams whose packets are written.
        expected: About how many frames there will be; 0 where unknown.

    Raises:
        InputError: If there is no frame.
        OutputError: If they cannot be written.
    """
    outcome, started = Outcome(), time.perf_counter()
    with (
        open_writer(output, info, sound) as writer,
        tqdm(total=expected or None, unit="frame", disable=None) as bar,
    ):
        for item in items:
            if isinstance(item, Packet):
                writer.sound(item)
                continue
            writer.frame(item)
            outcome.frames += 1
            end = (item.pts or 0) + item.duration
            outcome.seconds = max(outcome.seconds, float(end * info.time_base))
            bar.update()
        if not outcome.frames:
            raise InputError("there is no frame to write; nothing is written")
    outcome.wall_s = time.perf_counter() - started
    return outcome


@contextmanager
def open_writer(output: Output, info: StreamInfo, sound: Sequence[AudioStream] = ()) -> "Iterator[Writer]":
    """Write what is given inside the block; an error leaves nothing behind.

    Raises:
        OutputError: If nothing can be written there.
    """
    writer: Writer
    if output.codec is CODECS["png"]:
        writer = PngWriter(cast(Path, output.path))
    elif output.codec is CODECS["raw"]:
        writer = RawWriter(output.path)
    elif output.codec is CODECS["camera"]:
        writer = DeviceWriter(output, info)
    else:
        writer = FileWriter(output, info, sound)
    try:
        yield writer
        writer.finish()
    except BaseException:
        writer.abandon()
        raise


class _Silent:
    def sound(self, packet: Sound) -> None:
        """Nothing holds it here."""


class DeviceWriter(_Silent):
    """A loopback device, which shows each frame as soon as it is written."""

    def __init__(self, output: Output, info: StreamInfo) -> None:
        self._path = output.path
        with named_errors(self._path):
            self._container = av.open(str(self._path), "w", format=CONTAINERS[output.extension][0])
        self._video = cast(VideoStream, self._container.add_stream(output.codec.encoder, rate=info.rate))
        self._video.height, self._video.width = info.size
        self._video.pix_fmt = output.format

    def frame(self, frame: VideoFrame) -> None:
        """Show a frame."""
        with named_errors(self._path):
            self._container.mux(self._video.encode(frame))

    def finish(self) -> None:
        """Let go of the device."""
        with named_errors(self._path):
            self._container.close()

    def abandon(self) -> None:
        """The same, after an error, which has been told."""
        with suppress(FFmpegError, OSError):
            self._container.close()


class RawWriter(_Silent):
    """The bytes of the frames without a header: grey, RGB or RGBA, one frame after the other."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = AtomicFile(path)

    def frame(self, frame: VideoFrame) -> None:
        """Write a frame."""
        with named_errors(self._path):
            self._file.file.write(picture_of(frame).data)

    def finish(self) -> None:
        """Give the file its name."""
        with named_errors(self._path):
            self._file.commit()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.discard()


class PngWriter(_Silent):
    """A folder of numbered PNG files, from 00000.png on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._temporary = folder.with_name(files.temporary_name(folder.name))
        self._count = 0
        files.make_folder(self._temporary)

    def frame(self, frame: VideoFrame) -> None:
        """Write a picture."""
        data = encode_image(picture_of(frame), ".png")
        with named_errors(self._folder):
            (self._temporary / f"{self._count:05d}.png").write_bytes(data)
        self._count += 1

    def finish(self) -> None:
        """Give the folder its name."""
        with named_errors(self._folder):
            self._temporary.replace(self._folder)  # onto an empty folder too

    def abandon(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._temporary, ignore_errors=True)


Writer: TypeAlias = FileWriter | DeviceWriter | RawWriter | PngWriter
"""Takes frames in `Output.format` and packets of sound, in order; then `finish`, or `abandon`."""
