"""A finished clip in a container: frames encoded, sound copied or encoded anew, times as they were."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import av
import numpy as np
from av import Packet, VideoFrame, VideoStream
from av.container import OutputContainer
from av.error import FFmpegError

from limner.video.atomic_file import AtomicFile, named_errors
from limner.video.frames import blank, planes
from limner.video.outputs import CONTAINERS, MP4, Output
from limner.video.reader import Clip, Sound
from limner.video.sound import Track, add_track

KEPT = ("title", "artist", "comment", "date", "creation_time", "location")
"""What is copied of the notes that a container carries."""


class FileWriter:
    """One file in a container, or the same through a pipe."""

    def __init__(self, target: Output, clip: Clip, *, quality: int | None, sound: bool) -> None:
        self._path = target.path
        self._file = AtomicFile(target.path)
        self._container: OutputContainer | None = None
        self._durations: dict[int, int] = {}
        self._span = (sys.maxsize, 0)  # of the frames' times
        self._order: list[int] = []  # times that the encoder forgot, see `_fix_order`
        self._first_dts: int | None = None
        self._last: Packet[VideoStream] | None = None
        # MP4 adds durations up in the order of decoding: the last one makes the sum right
        self._sums_up = target.extension in MP4
        self._tracks: dict[int, Track] = {}
        try:
            self._open(target, clip, quality)
            if sound:
                self._add_sound(target, clip)
        except BaseException:
            self.abandon()
            raise

    def _open(self, target: Output, clip: Clip, quality: int | None) -> None:
        fragments = self._file.direct and target.extension in MP4  # there may be no way back to the start
        self._container = container = av.open(
            self._file.file,
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

    def _add_sound(self, target: Output, clip: Clip) -> None:
        assert self._container is not None
        for stream in clip.sound:
            self._tracks[stream.index] = add_track(self._container, stream, target.extension)

    def frame(self, frame: VideoFrame) -> None:
        """Encode a frame."""
        if any(self._padding):
            frame = _padded(frame, self._padding)
        assert frame.pts is not None
        self._durations[frame.pts] = frame.duration
        self._span = (min(self._span[0], frame.pts), max(self._span[1], frame.pts + frame.duration))
        self._write(self._video.encode(frame))

    def sound(self, packet: Sound) -> None:
        """Write a packet, or what it becomes."""
        track = self._tracks.get(packet.stream.index)
        for made in track.packets(packet) if track else ():
            self._mux(made)

    def finish(self) -> None:
        """Flush the encoder, write the end of the file and give it its name."""
        assert self._container is not None
        self._write(self._video.encode(None))
        for track in self._tracks.values():
            for made in track.packets(None):
                self._mux(made)
        if self._last is not None:
            if self._sums_up and self._last.dts is not None and self._first_dts is not None:
                elapsed = self._last.dts - self._first_dts
                self._last.duration = max(1, self._span[1] - self._span[0] - elapsed)
            self._mux(self._last)
        with named_errors(self._path):
            self._container.close()
            self._file.commit()

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._container is not None:
            with suppress(FFmpegError, OSError):
                self._container.close()
        self._file.discard()

    def _fix_order(self, packet: "Packet[VideoStream]") -> None:
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
            self._fix_order(packet)
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            if self._last is None:
                self._first_dts = packet.dts
            else:
                self._mux(self._last)
            self._last = packet

    def _mux(self, packet: "Packet[Any]") -> None:
        assert self._container is not None
        with named_errors(self._path):
            self._container.mux(packet)


def _padded(frame: VideoFrame, padding: tuple[int, int]) -> VideoFrame:
    """With its last row and column repeated."""
    height, width = frame.height + padding[0], frame.width + padding[1]
    result = blank(frame.format.name, (height, width), frame)
    for source, target in zip(planes(frame), planes(result), strict=True):
        missing = [(0, wanted - present) for wanted, present in zip(target.shape, source.shape, strict=True)]
        target[...] = np.pad(source, missing, mode="edge")
    return result
