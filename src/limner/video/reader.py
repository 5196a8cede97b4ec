"""A clip decoded: its pictures upright, of square pixels and one format, its sound as it is stored."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import av
from av import AudioStream, Packet, VideoFrame, VideoStream
from av.codec.context import ThreadType
from av.error import FFmpegError

from limner.errors import InputError
from limner.images import Image
from limner.video.frames import Scaler, StreamInfo, colours_of, is_sideways, picture_of, squared, upright
from limner.video.opening import Demuxer, open_container
from limner.video.times import InOrder

Sound: TypeAlias = "Packet[AudioStream]"
"""A packet of sound, which goes through as it is."""

TOLERANCE_S = 0.5
"""What a file may be shorter than its header says before it counts as cut off, seconds."""

LEADS_S = (0, 2, 10, 60)
"""So long before a part a frame is looked for that can be decoded by itself, seconds; then at the start."""

SAME_SHAPE = 0.02
"""By what fraction the proportions of a frame may differ from those of the first without black bars."""

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


class Item(NamedTuple):
    """A decoded frame, with the packets of sound that are stored before it."""

    frame: VideoFrame
    sound: list[Sound]


class Frame(NamedTuple):
    """A frame of a clip."""

    image: Image  # (H, W, 3) uint8
    time_s: float  # when it is shown, from the start of the clip
    duration_s: float  # how long


def open_clip(
    source: str | Path | BinaryIO, *, part: Part | None = None, demuxer: Demuxer | None = None
) -> "Clip":
    """Open a clip, or a part of it: a context, and an iterable over its frames.

    Args:
        source: A path, or an open binary file, which may be a pipe.
        part: By default all of it.
        demuxer: How to read it, where the source does not say so itself.

    Raises:
        InputError: If it cannot be opened, or has no video or no frame.

    Example:
        >>> with open_clip("call.mp4", part=Part(start=2, end=5)) as clip:  # doctest: +SKIP
        ...     for image, time_s, duration_s in clip:
        ...         print(f"{time_s:.2f} s: {image.shape}, {image.mean():.0f}")
    """
    return Clip(source, part=part, demuxer=demuxer)


@contextmanager
def opened(source: "str | Path | BinaryIO | Clip") -> Iterator["Clip"]:
    """A clip as it is, which stays open; a path or file opened for as long as the block."""
    if isinstance(source, Clip):
        yield source
    else:
        with Clip(source) as clip:
            yield clip


class Clip:
    """An open clip; made by `open_clip`. Its frames are read once, in order.

    Attributes:
        name: For messages.
        size: (height, width) of its upright pictures, square pixels.
        rate: Its usual frames a second.
        duration_s: Length of its part, seconds; 0 where unknown.
        expected: About how many frames its part holds; 0 where unknown.
        info: What its frames have in common.
        deep: Whether they have more than 8 bits.
        live: Whether its frames come from a device.
        sound: Its audio streams.
        broken: What was wrong with it, once it has been read; empty if nothing was.
    """

    def __init__(
        self, source: str | Path | BinaryIO, *, part: Part | None = None, demuxer: Demuxer | None = None
    ) -> None:
        self.name = str(source) if isinstance(source, str | Path) else "the video on standard input"
        self.part = part or Part()
        self.live = demuxer is not None and demuxer.live
        self.broken = ""
        self._container = open_container(source, self.name, demuxer=demuxer)
        with ExitStack() as undo:
            undo.callback(self.close)
            self._prepare()
            undo.pop_all()

    def _prepare(self) -> None:
        if not self._container.streams.video:
            raise InputError(f"{self.name} has no video in it: give a file that has")
        self._video = self._container.streams.video[0]
        self._video.thread_type = ThreadType.AUTO
        self.sound = list(self._container.streams.audio)
        self.time_base = self._video.time_base or Fraction(1, 1000)
        self.rate = self._video.guessed_rate or self._video.average_rate or Fraction(25)
        self._origin = self._start()
        self._step = max(1, round(1 / (self.rate * self.time_base)))  # between two frames, as a rule
        self._orders: dict[int, InOrder[Any]] = {}  # by the number of the stream
        self._damaged = 0  # packets
        self._read = self._letterboxed = False
        if self.part.start:
            with suppress(FFmpegError):  # a pipe: read on from its beginning
                self._seek()
        items = self._decoded()
        if (first := next(items, None)) is None:
            where = f" from {self.part.start:g} s on" if self.part.start else ""
            reason = f" ({self.broken})" if self.broken else ""
            raise InputError(f"{self.name} has no frames{where}{reason}: give another file or part")
        self._items, frame = chain([first], items), first.frame
        self._stored = (frame.height, frame.width)
        self.deep = max(component.bits for component in frame.format.components) > 8
        self.size = squared(self._stored, self._aspect)
        colours = colours_of(frame)
        self.scaler = Scaler(colours, self._stored)
        self.info = StreamInfo(
            size=self.size,
            rate=self.rate,
            time_base=self.time_base,
            colours=colours,
            metadata=dict(self._container.metadata),
        )
        whole_s = self._duration()
        self.duration_s = max(0.0, min(self.part.end, whole_s) - self.part.start)
        count = self._video.frames or round(whole_s * self.rate)
        self.expected = round(count * self.duration_s / whole_s) if whole_s else count

    def __iter__(self) -> Iterator[Frame]:
        """Its frames in RGB, one after the other.

        Raises:
            InputError: If they have been read already, or change their proportions on the way.
        """
        for frame, _ in self.frames("gbrp"):
            time_s, duration_s = (float(ticks * self.time_base) for ticks in (frame.pts or 0, frame.duration))
            yield Frame(picture_of(frame), time_s, duration_s)

    def frames(self, layout: str, *, stop: Callable[[], bool] = lambda: False) -> Iterator[Item]:
        """Its frames in a planar format, with the packets of its sound, in order; once.

        Their times start at the part's beginning.

        Args:
            layout: FFmpeg's name of the format.
            stop: Asked after every frame; when it says so, the clip ends there.
        """
        if self._read:
            raise InputError(f"the frames of {self.name} have been read: open it again")
        self._read = True
        for frame, sound in self._items:
            yield Item(self._converted(frame, layout), sound)
            if stop():
                return

    @property
    def repaired(self) -> int:
        """How many times of frames and packets of sound were out of order so far."""
        return sum(order.repaired for order in self._orders.values())

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: object) -> None:
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

    def _converted(self, frame: VideoFrame, layout: str) -> VideoFrame:
        """A frame in a format, at the size of the clip; on black where it has other proportions."""
        height, width = self._stored
        if abs(frame.width * height / (frame.height * width) - 1) <= SAME_SHAPE:
            return self.scaler.convert(frame, layout, self.size)
        if not self._letterboxed:
            self._letterboxed = True
            seconds = self.part.start + float((frame.pts or 0) * self.time_base)
            _log.warning(
                "%s changes its shape at %.6g s, from %d x %d to %d x %d: black bars fill what is missing",
                *(self.name, seconds, width, height, frame.width, frame.height),
            )
        return self.scaler.letterbox(
            frame, layout, self.size, squared((frame.height, frame.width), self._aspect)
        )

    def _decoded(self) -> Iterator[Item]:
        """Upright frames and the sound of the wanted part, times counted from its start."""
        last = 0.0  # end of all that is there, seconds
        # A frame is held until the next one tells its duration: what files say of it is often wrong.
        held: Any = None
        sound: list[Sound] = []
        item: Any  # PyAV's times may be None; those of what is in order are not
        for item in chain(self._ordered(), [None]):
            if isinstance(item, Packet):
                last = max(last, self._seconds(item) + float((item.duration or 0) * item.time_base))
                if (packet := self._of_part(item)) is not None:
                    sound.append(packet)
                continue
            if held is not None:
                held.duration = self._last_duration(held) if item is None else item.pts - held.pts
                last = max(last, self._seconds(held) + float(held.duration * self.time_base))
                if (frame := self._of_part(held)) is not None:
                    yield Item(frame, sound)
                    sound = []
            if item is not None and self._seconds(item) >= self.part.end:
                return
            held = item
        duration = self._duration()
        if duration and last < duration - TOLERANCE_S:  # its last packet may be damaged by that
            self.broken = f"it is cut off: {last:.1f} of {duration:.1f} s are there"
        elif self._damaged:
            self.broken = f"{self._damaged} of its packets are damaged"

    def _ordered(self) -> "Iterator[VideoFrame | Sound]":
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
                        yield from self._in_order(packet, packet.stream.index, packet.duration or 1)
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
                yield from self._in_order(frame, self._video.index, self._step)
        for order in self._orders.values():
            yield from order.end()

    def _in_order(self, item: Any, index: int, step: int) -> "Iterator[VideoFrame | Sound]":
        return self._orders.setdefault(index, InOrder(step)).put(item)

    def _of_part(self, item: Any) -> Any:
        """An item by the time of the wanted part, a frame upright; None outside the part."""
        part, sound = self.part, isinstance(item, Packet)
        lead = float("inf") if sound and not part.start else 1e-6  # codecs have sound before the start
        if not part.start - lead <= self._seconds(item) < part.end:
            return None
        item.pts -= round((self._origin + Fraction(part.start)) / item.time_base)
        if isinstance(item, Packet):
            item.dts = None if item.dts is None else item.pts
            return item
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        self._aspect = 1 / aspect if is_sideways(item) else aspect
        return upright(item)

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

    def _duration(self) -> float:
        if self._video.duration:
            return float(self._video.duration * self.time_base)
        others = len(self._container.streams) > 1 + len(self.sound)  # subtitles may go on for longer
        return 0.0 if others else (self._container.duration or 0) / av.time_base
