"""A finished clip written: frames encoded, sound copied, whole files only."""

import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import av
import numpy as np
from av import AudioStream, Packet, VideoFrame, VideoStream
from av.container import OutputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from limner import files
from limner.errors import InputError, OutputError
from limner.images import encode_image
from limner.video.frames import blank, planes
from limner.video.outputs import CODECS, CONTAINERS, MP4, Target
from limner.video.reader import Clip, Sound

KEPT = ("title", "artist", "comment", "date", "creation_time", "location")
"""What is copied of the notes that a container carries."""


class Writer(Protocol):
    """Takes the finished frames and the packets of sound, in order."""

    def frame(self, frame: VideoFrame) -> None:
        """Encode a frame: in the working format, with a plane of alpha after the others where it has one."""

    def sound(self, packet: Sound) -> None:
        """Copy a packet."""

    def finish(self) -> None:
        """Write what is left and give the file its name."""

    def abandon(self) -> None:
        """Leave nothing behind."""


def open_writer(target: Target, clip: Clip, *, quality: int | None = None, sound: bool = True) -> Writer:
    """Start to write the frames of a clip.

    Raises:
        InputError: If the container cannot hold the sound.
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


class FileWriter:
    """One file in a container, or the same through a pipe."""

    def __init__(self, target: Target, clip: Clip, *, quality: int | None, sound: bool) -> None:
        self._path = target.path
        self._place = Place(target.path)
        self._container: OutputContainer | None = None
        self._durations: dict[int, int] = {}
        self._span = (sys.maxsize, 0)  # of the frames' times
        self._order: list[int] = []  # times that the encoder forgot, see `_mend_order`
        self._first_dts: int | None = None
        self._last: Packet[VideoStream] | None = None
        # MP4 adds durations up in the order of decoding: the last one makes the sum right
        self._sums_up = target.extension in MP4
        self._sound: dict[int, AudioStream] = {}
        try:
            self._open(target, clip, quality)
            if sound:
                self._add_sound(target, clip)
        except BaseException:
            self.abandon()
            raise

    def _open(self, target: Target, clip: Clip, quality: int | None) -> None:
        fragments = self._place.direct and target.extension in MP4  # there may be no way back to the start
        self._container = container = av.open(
            self._place.file,
            "w",
            format=CONTAINERS[target.extension][0],
            options={"movflags": "frag_keyframe+empty_moov+default_base_moof"} if fragments else {},
        )
        container.metadata.update({name: clip.metadata[name] for name in KEPT if name in clip.metadata})
        settings = dict(target.codec.options)
        if quality is not None:
            settings[target.codec.quality] = str(quality)
        video = container.add_stream(target.codec.encoder, rate=clip.rate, options=settings)
        assert isinstance(video, VideoStream)
        height, width = clip.size
        self._padding = (height % 2, width % 2) if target.codec.even else (0, 0)
        video.height, video.width = height + self._padding[0], width + self._padding[1]
        video.pix_fmt = target.format(clip)
        context = video.codec_context
        context.time_base = video.time_base = clip.time_base
        context.color_range, context.colorspace = clip.colours.range, clip.colours.matrix
        context.color_primaries, context.color_trc = clip.colours.primaries, clip.colours.transfer
        context.thread_count = 0
        self._video = video

    def _add_sound(self, target: Target, clip: Clip) -> None:
        assert self._container is not None
        for stream in clip.sound:
            try:
                self._sound[stream.index] = self._container.add_stream_from_template(stream)
            except ValueError as error:
                raise InputError(
                    f"{target.extension} cannot hold this sound ({stream.codec_context.name}): write .mkv, "
                    "which can, or leave it out with --no-sound"
                ) from error

    def frame(self, frame: VideoFrame) -> None:
        """Encode a frame."""
        if any(self._padding):
            frame = _padded(frame, self._padding)
        assert frame.pts is not None
        self._durations[frame.pts] = frame.duration
        self._span = (min(self._span[0], frame.pts), max(self._span[1], frame.pts + frame.duration))
        self._write(self._video.encode(frame))

    def sound(self, packet: Sound) -> None:
        """Copy a packet."""
        stream = self._sound.get(packet.stream.index)
        if stream is not None:
            packet.stream = stream
            self._mux(packet)

    def finish(self) -> None:
        """Flush the encoder, write the end of the file and give it its name."""
        assert self._container is not None
        self._write(self._video.encode(None))
        if self._last is not None:
            if self._sums_up and self._last.dts is not None and self._first_dts is not None:
                elapsed = self._last.dts - self._first_dts
                self._last.duration = max(1, self._span[1] - self._span[0] - elapsed)
            self._mux(self._last)
        with _named_errors(self._path):
            self._container.close()
            self._place.keep()

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._container is not None:
            with suppress(FFmpegError, OSError):
                self._container.close()
        self._place.drop()

    def _mend_order(self, packet: "Packet[VideoStream]") -> None:
        """Give a packet its time of decoding where x265 could not.

        It counts that time from a frame which a clip of two or three frames does not have, and takes whatever
        lies in its memory. Such clips come out at once: each packet gets the time of the frame shown in its
        place, less the length of the clip, so that none is decoded after it is shown.
        """
        length = self._span[1] - self._span[0]
        if self._first_dts is None:
            ahead = -1 if packet.dts is None or packet.pts is None else packet.pts - packet.dts
            self._order = [] if 0 <= ahead <= length else sorted(self._durations)
        if self._order:
            packet.dts = self._order.pop(0) - length

    def _write(self, packets: "Sequence[Packet[VideoStream]]") -> None:
        """All but the last, which `finish` writes."""
        for packet in packets:
            self._mend_order(packet)
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            if self._last is None:
                self._first_dts = packet.dts
            else:
                self._mux(self._last)
            self._last = packet

    def _mux(self, packet: "Packet[Any]") -> None:
        assert self._container is not None
        with _named_errors(self._path):
            self._container.mux(packet)


class DeviceWriter:
    """A loopback device, which shows each frame as soon as it is written."""

    def __init__(self, target: Target, clip: Clip) -> None:
        self._path = target.path
        with _named_errors(self._path):
            self._container = av.open(str(self._path), "w", format=CONTAINERS[target.extension][0])
        video = self._container.add_stream(target.codec.encoder, rate=clip.rate)
        assert isinstance(video, VideoStream)
        video.height, video.width = clip.size
        video.pix_fmt = target.format(clip)
        self._video = video

    def frame(self, frame: VideoFrame) -> None:
        """Show a frame."""
        with _named_errors(self._path):
            self._container.mux(self._video.encode(frame))

    def sound(self, packet: Sound) -> None:
        """A camera has no sound."""

    def finish(self) -> None:
        """Let go of the device."""
        with _named_errors(self._path):
            self._container.close()

    def abandon(self) -> None:
        """The same, after an error, which has been told."""
        with suppress(FFmpegError, OSError):
            self._container.close()


class RawWriter:
    """The bytes of the frames without a header: grey, RGB or RGBA, one frame after the other."""

    def __init__(self, target: Target) -> None:
        self._path = target.path
        self._place = Place(target.path)

    def frame(self, frame: VideoFrame) -> None:
        """Write a frame."""
        with _named_errors(self._path):
            self._place.file.write(np.ascontiguousarray(picture_of(frame)).data)

    def sound(self, packet: Sound) -> None:
        """Raw frames have no sound."""

    def finish(self) -> None:
        """Give the file its name."""
        with _named_errors(self._path):
            self._place.keep()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._place.drop()


class PngWriter:
    """A folder of numbered PNG files, from 00000.png on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.tmp")
        self._count = 0
        files.make_folder(self._temporary)

    def frame(self, frame: VideoFrame) -> None:
        """Write a picture."""
        data = encode_image(np.ascontiguousarray(picture_of(frame)), ".png")
        with _named_errors(self._folder):
            (self._temporary / f"{self._count:05d}.png").write_bytes(data)
        self._count += 1

    def sound(self, packet: Sound) -> None:
        """Pictures have no sound."""

    def finish(self) -> None:
        """Give the folder its name."""
        with _named_errors(self._folder):
            self._temporary.replace(self._folder)  # onto an empty folder too

    def abandon(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._temporary, ignore_errors=True)


class Place:
    """A new file that takes the target's name only when it is whole; pipes and devices as they are."""

    def __init__(self, path: Path | None) -> None:
        self._path = None if path is None else Path(os.path.realpath(path))
        self._temporary: Path | None = None
        self.direct = self._path is None or (self._path.exists() and not self._path.is_file())
        if self._path is None:
            self.file: BinaryIO = sys.stdout.buffer
            return
        if self.direct:
            with _named_errors(path):
                self.file = self._path.open("wb")
            return
        self._temporary = self._path.with_name(f".{self._path.name[:100]}.{secrets.token_hex(6)}.tmp")
        with _named_errors(path):
            self.file = self._temporary.open("xb", buffering=1 << 20)

    def keep(self) -> None:
        """The file is whole."""
        self.file.flush()
        if self._path is None:
            return
        self.file.close()
        if self._temporary is not None:
            if self._path.exists():
                self._temporary.chmod(self._path.stat().st_mode)
            self._temporary.replace(self._path)

    def drop(self) -> None:
        """The file is not wanted."""
        if self._path is not None:
            with suppress(OSError):  # of a full disk, which has been told
                self.file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


def picture_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """A frame in RGB planes as an array, (H, W, 3), or (H, W, 4) with an alpha; a grey one (H, W)."""
    found = planes(frame)
    if len(found) == 1:
        return found[0].astype(np.uint8)
    green, blue, red, *alpha = found
    return np.stack([red, green, blue, *alpha], axis=-1).astype(np.uint8)


def _padded(frame: VideoFrame, padding: tuple[int, int]) -> VideoFrame:
    """With its last row and column repeated."""
    height, width = frame.height + padding[0], frame.width + padding[1]
    result = blank(frame.format.name, (height, width), frame)
    for source, target in zip(planes(frame), planes(result), strict=True):
        missing = [(0, wanted - present) for wanted, present in zip(target.shape, source.shape, strict=True)]
        target[...] = np.pad(source, missing, mode="edge")
    return result


@contextmanager
def _named_errors(path: Path | None) -> Iterator[None]:
    """What fails while writing becomes an OutputError; a reader of a pipe that has gone does not."""
    try:
        yield
    except (BrokenPipeError, OutputError):
        raise
    except (OSError, FFmpegError) as error:
        reason = error.strerror or error
        raise OutputError(
            f"cannot write {path or 'to standard output'}: {reason}; make room or choose another place",
            error.errno,
        ) from error
