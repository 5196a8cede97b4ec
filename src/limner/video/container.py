"""A finished clip in a container: frames encoded, sound copied or encoded anew, times as they were."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import numpy as np
from av import AudioStream, Packet, VideoFrame, VideoStream
from av.container import OutputContainer

from limner.video.decoder import Item
from limner.video.frames import StreamInfo, blank, planes
from limner.video.outputs import MP4, Output
from limner.video.sound import Track
from limner.video.target import muxer, named_errors, target_file

KEPT = ("title", "artist", "comment", "date", "creation_time", "location")
"""What is copied of the notes that a container carries."""


Write: TypeAlias = Callable[[Item], None]
"""Takes frames with their sound, in order."""


@contextmanager
def container_writer(output: Output, info: StreamInfo, sound: Sequence[AudioStream]) -> Iterator[Write]:
    """A container in a file, or the same through a pipe."""
    path, options = output.path, {}
    if output.extension in MP4 and (path is None or (path.exists() and not path.is_file())):
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}  # there may be no way back
    with target_file(path) as file, muxer(file, output, options) as container:
        writer = FileWriter(container, output, info, sound)
        yield writer.write
        writer.finish()


class FileWriter:
    """Frames encoded and sound copied into a container."""

    def __init__(
        self, container: OutputContainer, output: Output, info: StreamInfo, sound: Sequence[AudioStream]
    ) -> None:
        self._container, self._path = container, output.path
        self._durations: dict[int, int] = {}
        self._span = (sys.maxsize, 0)  # of the frames' times
        self._order: list[int] = []  # times that the encoder forgot, see `_fix_order`
        self._first_dts: int | None = None
        self._last: Packet[VideoStream] | None = None
        # MP4 adds durations up in the order of decoding: the last one makes the sum right
        self._sums_up = output.extension in MP4
        self._video = self._add_video(output, info)
        notes = {name: info.metadata[name] for name in KEPT if name in info.metadata}
        container.metadata.update(notes)
        self._tracks = {one.index: Track(container, one, output.extension) for one in sound}

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

    def write(self, item: Item) -> None:
        """Write packets of sound, or what they become, and encode a frame."""
        for packet in item.sound:
            if track := self._tracks.get(packet.stream.index):
                self._mux(track.packets(packet))
        frame = item.frame
        if any(self._padding):
            frame = _padded(frame, self._padding)
        start = frame.pts or 0
        self._durations[start] = frame.duration
        self._span = (min(self._span[0], start), max(self._span[1], start + frame.duration))
        self._write(self._video.encode(frame))

    def finish(self) -> None:
        """Flush the encoders."""
        self._write(self._video.encode(None))
        for track in self._tracks.values():
            self._mux(track.packets(None))
        if self._last is not None:
            if self._sums_up and self._last.dts is not None and self._first_dts is not None:
                elapsed = self._last.dts - self._first_dts
                self._last.duration = max(1, self._span[1] - self._span[0] - elapsed)
            self._mux([self._last])

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
                self._mux([self._last])
            self._last = packet

    def _mux(self, packets: "Sequence[Packet[Any]]") -> None:
        with named_errors(self._path):
            self._container.mux(packets)


def _padded(frame: VideoFrame, padding: tuple[int, int]) -> VideoFrame:
    """With its last row and column repeated."""
    height, width = frame.height + padding[0], frame.width + padding[1]
    result = blank(frame.format.name, (height, width), frame)
    for source, target in zip(planes(frame), planes(result), strict=True):
        missing = [(0, wanted - present) for wanted, present in zip(target.shape, source.shape, strict=True)]
        target[...] = np.pad(source, missing, mode="edge")
    return result
