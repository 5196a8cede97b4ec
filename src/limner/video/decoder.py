"""The frames and the sound of a part of a clip, decoded upright and in order, as they are stored."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, takewhile
from typing import Any, NamedTuple, TypeAlias

from av import AudioStream, Packet, VideoFrame
from av import time_base as CONTAINER_BASE
from av.codec.context import ThreadType
from av.container import InputContainer
from av.error import FFmpegError

from limner.errors import InputError
from limner.video.frames import is_sideways, upright
from limner.video.times import InOrder

Sound: TypeAlias = "Packet[AudioStream]"
"""A packet of sound, which goes through as it is."""

TOLERANCE_S = 0.5
"""What a file may be shorter than its header says before it counts as cut off, seconds."""

LEADS_S = (0, 2, 10, 60)
"""So long before a part a frame is looked for that can be decoded by itself, seconds; then at the start."""

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


class Decoder:
    """Decodes a part of an open clip, once.

    Attributes:
        sound: The audio streams.
        time_base: Seconds of one unit of the frames' times.
        rate: The usual frames a second.
        aspect: Width of a pixel as a multiple of its height, in the frame that came last.
        duration_s: Length of the whole clip, seconds; 0 where unknown.
        expected: About how many frames it has; 0 where unknown.
        broken: What was wrong with it, once all is decoded; empty if nothing was.
    """

    def __init__(self, container: InputContainer, name: str, part: Part) -> None:
        if not container.streams.video:
            raise InputError(f"{name} has no video in it: give a file that has")
        self._container, self._name, self._part = container, name, part
        self._video = container.streams.video[0]
        self._video.thread_type = ThreadType.AUTO
        self.sound = list(container.streams.audio)
        self.time_base = self._video.time_base or Fraction(1, 1000)
        self.rate = self._video.guessed_rate or self._video.average_rate or Fraction(25)
        self.aspect = Fraction(1)
        self.duration_s = self._duration()
        self.expected = self._video.frames or round(self.duration_s * self.rate)
        self.broken = ""
        self._origin = self._start()
        self._step = max(1, round(1 / (self.rate * self.time_base)))  # between two frames, as a rule
        self._orders: dict[int, InOrder[Any]] = {}  # by the number of the stream
        self._damaged = 0  # packets
        if part.start:
            with suppress(FFmpegError):  # a pipe: read on from its beginning
                self._seek()

    @property
    def repaired(self) -> int:
        """How many times of frames and packets of sound were out of order so far."""
        return sum(order.repaired for order in self._orders.values())

    def items(self) -> Iterator[Item]:
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
            if item is not None and self._seconds(item) >= self._part.end:
                return
            held = item
        if self.duration_s and last < self.duration_s - TOLERANCE_S:  # its last packet may be damaged by that
            self.broken = f"it is cut off: {last:.1f} of {self.duration_s:.1f} s are there"
        elif self._damaged:
            self.broken = f"{self._damaged} of its packets are damaged"

    def _seek(self) -> None:
        """Go to a frame that can be decoded by itself, at the start of the part or before it.

        Not every container knows where such frames are: MPEG-TS does not.
        """
        begin, first = (
            int((self._origin + Fraction(start)) / self.time_base) for start in (0.0, self._part.start)
        )
        for lead_s in LEADS_S:
            place = max(begin, first - round(lead_s / self.time_base))
            self._container.seek(place, stream=self._video)
            packets = self._container.demux(self._video)
            until_first = takewhile(lambda packet: packet.pts is not None and packet.pts <= first, packets)
            if any(packet.is_keyframe for packet in until_first):
                self._container.seek(place, stream=self._video)
                return
        self._container.seek(begin, stream=self._video)

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
                _log.debug("%s: %s", self._name, error)
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
        part, sound = self._part, isinstance(item, Packet)
        lead = float("inf") if sound and not part.start else 1e-6  # codecs have sound before the start
        if not part.start - lead <= self._seconds(item) < part.end:
            return None
        item.pts -= round((self._origin + Fraction(part.start)) / item.time_base)
        if isinstance(item, Packet):
            item.dts = None if item.dts is None else item.pts
            return item
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        self.aspect = 1 / aspect if is_sideways(item) else aspect
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
        return 0.0 if others else (self._container.duration or 0) / CONTAINER_BASE
