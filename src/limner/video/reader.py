"""A clip opened and decoded: its pictures upright and in one format, its sound as it is stored."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias

import av
from av import AudioStream, Packet, VideoFrame
from av.codec.context import ThreadType
from av.container import InputContainer
from av.error import FFmpegError

from limner.errors import InputError
from limner.images import Size
from limner.video.frames import Scaler, colours_of, upright

Sound: TypeAlias = "Packet[AudioStream]"
"""A packet of sound, which goes through as it is."""
Item: TypeAlias = "VideoFrame | Sound"
"""What a clip consists of."""

TOLERANCE_S = 0.5
"""What a file may be shorter than its header says before it counts as cut off, seconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Raw:
    """Frames without a header, (H, W, 3) bytes of RGB one after the other, as of ``ffmpeg -f rawvideo``."""

    size: Size
    rate: str = "25"  # frames a second: "30", "29.97" or "30000/1001"


@dataclass(frozen=True, kw_only=True)
class Part:
    """The part of a clip that is wanted, seconds from its start; frames shown within [start, end)."""

    start: float = 0.0
    end: float = float("inf")

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise InputError(
                f"a part starts at 0 s or later and ends after that, got {self.start:g} to {self.end:g} s"
            )


class Clip:
    """An open clip; close it, or use it as a context.

    Attributes:
        name: For messages.
        size: (height, width) of its upright pictures, pixels.
        colours: What the numbers of its frames mean.
        deep: Whether they have more than 8 bits.
        time_base: Seconds of one unit of its frames' times.
        rate: Its usual frames a second.
        expected: About how many frames it holds; 0 where nobody can say.
        sound: Its audio streams.
        broken: What was wrong with it, once it has been read; empty if nothing was.
    """

    def __init__(
        self,
        source: str | Path | BinaryIO,
        *,
        raw: Raw | None = None,
        part: Part | None = None,
        kind: str | None = None,
        options: dict[str, str] | None = None,
    ) -> None:
        """Open a clip and decode its first frame.

        Args:
            source: A path, or an open binary file, which may be a pipe.
            raw: What the bytes are, where they are pixels without a header.
            part: Which part is wanted; all by default.
            kind: FFmpeg's name of the format or of the kind of device, where it is not to be guessed.
            options: Of that format.

        Raises:
            InputError: If it cannot be opened, or has no video or no frame.
        """
        self.name = str(source) if isinstance(source, str | Path) else "the video on standard input"
        self.part = part or Part()
        self.broken = ""
        if raw is not None:
            height, width = raw.size
            kind = "rawvideo"
            options = {"video_size": f"{width}x{height}", "pixel_format": "rgb24", "framerate": raw.rate}
        self._container = self._open(source, kind, options or {})
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _open(
        self, source: str | Path | BinaryIO, kind: str | None, options: dict[str, str]
    ) -> InputContainer:
        if isinstance(source, str | Path) and kind is None:
            if not Path(source).exists():
                raise InputError(f"no such file: {source}")
            if Path(source).is_dir():
                raise InputError(f"{source} is a directory: give a video file")
        try:
            file = str(source) if isinstance(source, Path) else source
            return av.open(file, "r", format=kind, options=options)
        except PermissionError as error:
            raise InputError(f"cannot read {self.name}: {error.strerror}; mend its permissions") from error
        except (FFmpegError, ValueError) as error:
            cure = (
                "get a whole copy of it"
                if isinstance(source, str | Path)
                else "give the file itself, as many MP4 files hold their header at the end"
            )
            raise InputError(
                f"{self.name} is no video that FFmpeg reads, or its header is cut off: {_reason(error)}; "
                f"{cure}"
            ) from error

    def _prepare(self) -> None:
        if not self._container.streams.video:
            raise InputError(f"{self.name} has no video in it: give a file that has")
        self._video = self._container.streams.video[0]
        self._video.thread_type = ThreadType.AUTO
        self.sound = list(self._container.streams.audio)
        self.time_base = self._video.time_base or Fraction(1, 1000)
        self.rate = self._video.guessed_rate or self._video.average_rate or Fraction(25)
        self.metadata = dict(self._container.metadata)
        self._origin = float((self._video.start_time or 0) * self.time_base)
        if self.part.start:
            first = int((self._origin + self.part.start) / self.time_base)
            with suppress(FFmpegError):  # a pipe: read on from its beginning
                self._container.seek(first, stream=self._video)
        self._items = self._decoded()
        self._first: list[Item] = []
        for item in self._items:
            self._first.append(item)
            if isinstance(item, VideoFrame):
                break
        else:
            where = f" from {self.part.start:g} s on" if self.part.start else ""
            raise InputError(
                f"{self.name} has no frames{where}{_because(self.broken)}: give another file or part"
            )
        self.colours = colours_of(item)
        self.deep = max(component.bits for component in item.format.components) > 8
        self.size = (item.height, item.width)
        self.scaler = Scaler(self.colours, self.size)
        self.expected = self._count()

    def frames(self, layout: str, *, stop: Callable[[], bool] = lambda: False) -> Iterator[Item]:
        """Its frames in a planar format, and the packets of its sound among them, in stored order; once.

        Their times start at the part's beginning.

        Args:
            layout: FFmpeg's name of the format.
            stop: Asked before every frame; when it says so, the clip ends here.
        """
        while self._first:
            yield self._converted(self._first.pop(0), layout)
        for item in self._items:
            if stop():
                return
            yield self._converted(item, layout)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __enter__(self) -> "Clip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _converted(self, item: Item, layout: str) -> Item:
        if isinstance(item, Packet):
            return item
        if (item.height, item.width) != self.size:
            raise InputError(
                f"{self.name} changes its size on the way, from {self.size[1]} x {self.size[0]} to "
                f"{item.width} x {item.height}: cut it there, and give the parts one by one"
            )
        return self.scaler.convert(item, layout)

    def _decoded(self) -> Iterator[Item]:
        """Upright frames and packets of sound of the wanted part, times counted from its start."""
        step = round(1 / (self.rate * self.time_base))
        damaged, last, number = 0, 0.0, 0
        # A frame is held until the next one tells its duration: what files say of it is often wrong.
        held: VideoFrame | None = None
        begun = 0
        packets: Iterator[Packet[Any]] = self._container.demux(self._video, *self.sound)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                if packet.stream is not self._video:
                    if packet.pts is not None:
                        last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                    if self._wanted_sound(packet):
                        yield packet
                    continue
                frames = packet.decode()
            except FFmpegError as error:
                damaged += 1
                _log.debug("%s: %s", self.name, error)
                if damaged > 1000:
                    break
                continue
            for frame in frames:
                if frame.pts is None:
                    frame.pts = number * step
                number += 1
                frame.time_base = self.time_base
                if held is not None:
                    held.duration = max(1, frame.pts - begun)
                    yield from self._of_part(held)
                held, begun = frame, frame.pts
                time = float(frame.pts * self.time_base) - self._origin
                last = max(last, time + step * float(self.time_base))
                if time >= self.part.end:
                    return
        if held is not None:
            end = (self._video.start_time or 0) + (self._video.duration or 0)
            held.duration = end - begun if end > begun else held.duration or step
            yield from self._of_part(held)
        self.broken = self._verdict(damaged, last)

    def _of_part(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """The frame, upright, if it belongs to the wanted part."""
        assert frame.pts is not None
        time = float(frame.pts * self.time_base) - self._origin
        if self.part.start - 1e-6 <= time < self.part.end:
            frame.pts -= round(self.part.start / self.time_base)
            yield upright(frame)

    def _wanted_sound(self, packet: Sound) -> bool:
        if packet.pts is None or packet.time_base is None:
            return False
        time = float(packet.pts * packet.time_base) - self._origin
        if not self.part.start and self.part.end == float("inf"):
            return True
        if not self.part.start <= time < self.part.end:
            return False
        shift = round(self.part.start / packet.time_base)
        packet.pts -= shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        return True

    def _verdict(self, damaged: int, last: float) -> str:
        duration = self._duration()
        if damaged:
            return f"{damaged} of its packets are damaged"
        if duration and last < duration - TOLERANCE_S:
            return f"it is cut off: {last:.1f} of {duration:.1f} s are there"
        return ""

    def _duration(self) -> float:
        if self._video.duration:
            return float(self._video.duration * self.time_base)
        others = len(self._container.streams) > 1 + len(self.sound)  # subtitles may go on for longer
        return 0.0 if others else (self._container.duration or 0) / av.time_base

    def _count(self) -> int:
        duration = self._duration()
        whole = self._video.frames or round(duration * self.rate)
        if not duration:
            return whole
        wanted = max(0.0, min(self.part.end, duration) - self.part.start)
        return round(whole * wanted / duration)


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, FFmpegError) else None) or str(error)
