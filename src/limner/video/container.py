"""A finished clip in a container: frames encoded, sound copied or encoded anew, times as they were."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any, cast

import av
import numpy as np
from av import AudioStream, Packet, VideoFrame, VideoStream
from av.error import FFmpegError

from limner.video.atomic_file import AtomicFile, named_errors
from limner.video.frames import StreamInfo, blank, planes
from limner.video.outputs import CONTAINERS, MP4, Output
from limner.video.reader import Sound
from limner.video.sound import Track

KEPT = ("title", "artist", "comment", "date", "creation_time", "location")
"""What is copied of the notes that a container carries."""


class FileWriter:
    """One file in a container, or the same through a pipe."""

    def __init__(self, output: Output, info: StreamInfo, sound: Sequence[AudioStream]) -> None:
        self._path = output.path
        self._durations: dict[int, int] = {}
        self._span = (sys.maxsize, 0)  # of the frames' times
        self._order: list[int] = []  # times that the encoder forgot, see `_fix_order`
        self._first_dts: int | None = None
        self._last: Packet[VideoStream] | None = None
        # MP4 adds durations up in the order of decoding: the last one makes the sum right
        self._sums_up = output.extension in MP4
        self._file = AtomicFile(output.path)
        with ExitStack() as undo:
            undo.callback(self._file.discard)
            fragments = self._file.direct and self._sums_up  # there may be no way back to the start
            self._container = av.open(
                self._file.file,
                "w",
                format=CONTAINERS[output.extension][0],
                options={"movflags": "frag_keyframe+empty_moov+default_base_moof"} if fragments else {},
            )
            undo.callback(self._close_anyhow)
            self._video = self._add_video(output, info)
            notes = {name: info.metadata[name] for name in KEPT if name in info.metadata}
            self._container.metadata.update(notes)
            self._tracks = {one.index: Track(self._container, one, output.extension) for one in sound}
            self._undo = undo.pop_all()

    def _add_video(self, output: Output, info: StreamInfo) -> VideoStream:
        codec = output.codec
        settings = dict(codec.options)
        if output.quality is not None:
            settings[codec.quality] = str(output.quality)
        video = cast(VideoStream, self._container.add_stream(codec.encoder, rate=info.rate, options=settings))
        height, width = info.size
        self._padding = (height % 2, width % 2) if codec.even else (0, 0)
        video.height, video.width = height + self._padding[0], width + self._padding[1]
        video.pix_fmt = output.format
        context, colours = video.codec_context, info.colours
        context.time_base = video.time_base = info.time_base
        context.color_range, context.colorspace = colours.range, colours.matrix
        context.color_primaries, context.color_trc = colours.primaries, colours.transfer
        context.thread_count = 0
        return video

    def frame(self, frame: VideoFrame) -> None:
        """Encode a frame."""
        if any(self._padding):
            frame = _padded(frame, self._padding)
        start = frame.pts or 0
        self._durations[start] = frame.duration
        self._span = (min(self._span[0], start), max(self._span[1], start + frame.duration))
        self._write(self._video.encode(frame))

    def sound(self, packet: Sound) -> None:
        """Write a packet, or what it becomes."""
        track = self._tracks.get(packet.stream.index)
        for made in track.packets(packet) if track else ():
            self._mux(made)

    def finish(self) -> None:
        """Flush the encoder, write the end of the file and give it its name."""
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
        self._undo.close()

    def _close_anyhow(self) -> None:
        with suppress(FFmpegError, OSError):
            self._container.close()

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
