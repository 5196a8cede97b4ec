"""A clip decoded: its pictures upright, of square pixels and one format, its sound as it is stored."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias

import av
from av import AudioStream, Packet, VideoFrame, VideoStream
from av.codec.context import ThreadType
from av.error import FFmpegError

from limner.errors import InputError
from limner.video.frames import Scaler, colours_of, is_sideways, squared, upright
from limner.video.opening import Raw, open_container
from limner.video.times import InOrder

Sound: TypeAlias = "Packet[AudioStream]"
"""A packet of sound, which goes through as it is."""
Item: TypeAlias = "VideoFrame | Sound"
"""What a clip consists of."""

TOLERANCE_S = 0.5
"""What a file may be shorter than its header says before it counts as cut off, seconds."""

LEADS_S = (0, 2, 10, 60)
"""So long before a part a frame is looked for that can be decoded by itself, seconds; then at the start."""

SAME_SHAPE = 0.02
"""By what fraction the proportions of a clip's pictures may change on the way."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Part:
    """The part of a clip that is wanted, seconds from its start; frames shown within [start, end).

    A clip starts with its first frame or sound, whatever its clock says then.
    """

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
        size: (height, width) of its upright pictures, square pixels.
        colours: What the numbers of its frames mean.
        deep: Whether they have more than 8 bits.
        time_base: Seconds of one unit of its frames' times.
        rate: Its usual frames a second.
        expected: About how many frames it holds; 0 where unknown.
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
            kind: FFmpeg's name of a kind of device, where the source is one.
            options: Of that kind.

        Raises:
            InputError: If it cannot be opened, or has no video or no frame.
        """
        self.name = str(source) if isinstance(source, str | Path) else "the video on standard input"
        self.part = part or Part()
        self.broken = ""
        self._container = open_container(source, self.name, raw=raw, kind=kind, options=options)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        if not self._container.streams.video:
            raise InputError(f"{self.name} has no video in it: give a file that has")
        self._video = self._container.streams.video[0]
        self._video.thread_type = ThreadType.AUTO
        self.sound = list(self._container.streams.audio)
        self.time_base = self._video.time_base or Fraction(1, 1000)
        self.rate = self._video.guessed_rate or self._video.average_rate or Fraction(25)
        self.metadata = dict(self._container.metadata)
        self._origin = self._start()
        self._step = max(1, round(1 / (self.rate * self.time_base)))  # between two frames, as a rule
        self._orders: dict[int, InOrder[Any]] = {}  # by the number of the stream
        self._damaged = 0  # packets
        if self.part.start:
            with suppress(FFmpegError):  # a pipe: read on from its beginning
                self._seek()
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
        self._stored = (item.height, item.width)
        self.size = squared(self._stored, self._aspect)
        self.scaler = Scaler(self.colours, self._stored)
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

    @property
    def repaired(self) -> int:
        """How many times of frames and packets of sound were out of order so far."""
        return sum(order.repaired for order in self._orders.values())

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __enter__(self) -> "Clip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _seek(self) -> None:
        """Go to a frame that can be decoded by itself, at the start of the part or before it.

        Not every container knows where such frames are: MPEG-TS does not.
        """
        begin, first = (
            int((self._origin + Fraction(start)) / self.time_base) for start in (0.0, self.part.start)
        )
        for lead_s in LEADS_S:
            place = max(begin, first - round(lead_s / self.time_base))
            self._container.seek(place, stream=self._video)
            if any(packet.is_keyframe for packet in self._until(first)):
                self._container.seek(place, stream=self._video)
                return
        self._container.seek(begin, stream=self._video)

    def _until(self, time: int) -> Iterator["Packet[VideoStream]"]:
        """Packets of the video from here to a time."""
        for packet in self._container.demux(self._video):
            if packet.pts is None or packet.pts > time:
                return
            yield packet

    def _converted(self, item: Item, layout: str) -> Item:
        if isinstance(item, Packet):
            return item
        height, width = self._stored
        if abs(item.width * height / (item.height * width) - 1) > SAME_SHAPE:
            seconds = self.part.start + float((item.pts or 0) * self.time_base)
            raise InputError(
                f"{self.name} changes its shape at {seconds:.6g} s, from {width} x {height} to "
                f"{item.width} x {item.height}: cut it there, --to {seconds:.6g} for what is before and "
                f"--from {seconds:.6g} for what is after"
            )
        return self.scaler.convert(item, layout, self.size)

    def _decoded(self) -> Iterator[Item]:
        """Upright frames and packets of sound of the wanted part, times counted from its start."""
        last = 0.0  # end of all that is there, seconds
        # A frame is held until the next one tells its duration: what files say of it is often wrong.
        held: Any = None
        item: Any  # PyAV's times may be None; those of what is in order are not
        for item in self._ordered():
            if isinstance(item, Packet):
                last = max(last, self._seconds(item) + float((item.duration or 0) * item.time_base))
                yield from self._of_part(item)
                continue
            if held is not None:
                held.duration = item.pts - held.pts
                yield from self._of_part(held)
            held = item
            if self._seconds(item) >= self.part.end:
                return
        if held is not None:
            held.duration = self._last_duration(held)
            last = max(last, self._seconds(held) + float(held.duration * self.time_base))
            yield from self._of_part(held)
        self.broken = self._verdict(last)

    def _ordered(self) -> Iterator[Item]:
        """All frames and packets of sound, each later than the one of its kind before it."""
        packets: Iterator[Packet[Any]] = self._container.demux(self._video, *self.sound)
        time = -self._step  # of the frame before
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                if packet.stream is not self._video:
                    if packet.pts is not None:
                        yield from self._order_of(packet.stream.index, packet.duration or 1).put(packet)
                    continue
                frames = packet.decode()
            except FFmpegError as error:
                self._damaged += 1
                _log.debug("%s: %s", self.name, error)
                if self._damaged > 1000:
                    break
                continue
            for frame in frames:
                if frame.pts is None:
                    frame.pts = time + self._step
                time, frame.time_base = frame.pts, self.time_base
                yield from self._order_of(self._video.index, self._step).put(frame)
        for order in self._orders.values():
            yield from order.end()

    def _order_of(self, index: int, step: int) -> InOrder[Any]:
        return self._orders.setdefault(index, InOrder(step))

    def _of_part(self, item: Any) -> Iterator[Item]:
        """The item, a frame upright, if it belongs to the wanted part."""
        part, sound = self.part, isinstance(item, Packet)
        lead = float("inf") if sound and not part.start else 1e-6  # codecs have sound before the start
        if not part.start - lead <= self._seconds(item) < part.end:
            return
        shift = round((self._origin + Fraction(part.start)) / item.time_base)
        item.pts -= shift
        if isinstance(item, Packet):
            item.dts = None if item.dts is None else item.pts
            yield item
        else:
            aspect = self._video.sample_aspect_ratio or Fraction(1)
            self._aspect = 1 / aspect if is_sideways(item) else aspect
            yield upright(item)

    def _seconds(self, item: Any) -> float:
        """When an item comes, from the start of the clip."""
        return float(item.pts * item.time_base - self._origin)

    def _start(self) -> Fraction:
        """The clock when the clip starts, seconds: in broadcasts and streams it is that of the recorder."""
        streams: list[Any] = [self._video, *self.sound]
        starts = [Fraction(one.start_time * one.time_base) for one in streams if one.start_time is not None]
        return max(Fraction(0), min(starts, default=Fraction(0)))  # sound of codecs begins a little before 0

    def _last_duration(self, frame: Any) -> int:
        """How long the last frame is shown: until the end in the header, unless the file is cut off."""
        own: int = frame.duration or self._step
        until_end: int = (self._video.start_time or 0) + (self._video.duration or 0) - frame.pts
        return until_end if 0 < until_end <= own + TOLERANCE_S / self.time_base else own

    def _verdict(self, last: float) -> str:
        duration = self._duration()
        if self._damaged:
            return f"{self._damaged} of its packets are damaged"
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
