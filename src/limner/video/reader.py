"""A clip decoded: its pictures upright, of square pixels and one format, its sound as it is stored."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from av import VideoFrame

from limner.errors import InputError
from limner.images import Image
from limner.video.decoder import Decoder, Item, Part
from limner.video.frames import Scaler, StreamInfo, colours_of, picture_of, squared
from limner.video.opening import Demuxer, open_container

SAME_SHAPE = 0.02
"""By what fraction the proportions of a frame may differ from those of the first without black bars."""

_log = logging.getLogger(__name__)


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
    """

    def __init__(
        self, source: str | Path | BinaryIO, *, part: Part | None = None, demuxer: Demuxer | None = None
    ) -> None:
        self.name = str(source) if isinstance(source, str | Path) else "the video on standard input"
        self.part = part or Part()
        self.live = demuxer is not None and demuxer.live
        self._container = open_container(source, self.name, demuxer=demuxer)
        with ExitStack() as undo:
            undo.callback(self.close)
            self._prepare()
            undo.pop_all()

    def _prepare(self) -> None:
        self._decoder = decoder = Decoder(self._container, self.name, self.part)
        items = decoder.items()
        if (first := next(items, None)) is None:
            where = f" from {self.part.start:g} s on" if self.part.start else ""
            reason = f" ({self.broken})" if self.broken else ""
            raise InputError(f"{self.name} has no frames{where}{reason}: give another file or part")
        self._items, frame = chain([first], items), first.frame
        self._read = self._letterboxed = False
        self._stored = (frame.height, frame.width)
        self.deep = max(component.bits for component in frame.format.components) > 8
        self.size = squared(self._stored, decoder.aspect)
        self.sound, self.rate, self.time_base = decoder.sound, decoder.rate, decoder.time_base
        colours, notes = colours_of(frame), dict(self._container.metadata)
        self.scaler = Scaler(colours, self._stored)
        self.info = StreamInfo(self.size, self.rate, self.time_base, colours, notes)
        whole_s, count = decoder.duration_s, decoder.expected
        self.duration_s = max(0.0, min(self.part.end, whole_s) - self.part.start)
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
    def broken(self) -> str:
        """What was wrong with it, once it has been read; empty if nothing was."""
        return self._decoder.broken

    @property
    def repaired(self) -> int:
        """How many times of frames and packets of sound were out of order so far."""
        return self._decoder.repaired

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
            frame, layout, self.size, squared((frame.height, frame.width), self._decoder.aspect)
        )
