"""Small clips for the tests, made and read with PyAV alone."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from limner.images import Image

Array = NDArray[Any]
BASE = Fraction(1, 9000)
STEP = 300  # of that base: 30 frames a second


def pictures(count: int, height: int, width: int) -> list[Image]:
    """A bright square that moves over a soft ramp of colours."""
    rows, columns = np.mgrid[:height, :width]
    found = []
    for number in range(count):
        image = np.stack([columns * 200 // width, rows * 200 // height, 60 + 0 * rows], axis=2).astype(
            np.uint8
        )
        left = number * 2 % (width // 2)
        image[height // 4 : height // 2, left : left + width // 4] = (230, 200, 40)
        found.append(image)
    return found


def make_clip(
    path: Path,
    images: Sequence[Image],
    *,
    times: Sequence[int] | None = None,
    sound: str = "",
    seconds: float = 0.0,
    layout: str = "yuv420p",
    codec: str = "libx264",
    change: Callable[[Any], object] = lambda stream: None,
) -> Path:
    """Write a clip; ``times`` are in units of `BASE`, ``change`` sets more of the video stream."""
    times = times or [STEP * number for number in range(len(images) + 1)]
    durations = dict(zip(times, np.diff(times).tolist(), strict=False))
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(
            codec, rate=30, options={"crf": "4", "bf": "0"} if "264" in codec else {}
        )
        video.height, video.width = images[0].shape[:2] if images else (48, 64)
        video.pix_fmt = layout
        video.codec_context.time_base = video.time_base = BASE
        change(video)
        tones: Any = container.add_stream(sound, rate=48000) if sound else None
        for image, time, end in zip(images, times, times[1:], strict=False):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = frame.reformat(
                format=layout,
                dst_colorspace=video.codec_context.colorspace
                if video.codec_context.colorspace != 2
                else None,
                dst_color_range=video.codec_context.color_range or 1,
            )
            frame.pts, frame.duration, frame.time_base = time, end - time, BASE
            for packet in video.encode(frame):
                packet.duration = durations[packet.pts]
                container.mux(packet)
        for packet in video.encode(None):
            packet.duration = durations[packet.pts]
            container.mux(packet)
        if tones is not None:
            rng = np.random.default_rng(0)
            size = tones.codec_context.frame_size or 1024
            kind = tones.codec_context.format.name
            for number in range(int(seconds * 48000 / size)):
                noise = rng.normal(0, 0.1, (2, size)).astype(np.float32)
                if kind != "fltp":
                    noise = (noise.T.reshape(1, -1) * 30000).astype(np.int16)
                part = av.AudioFrame.from_ndarray(noise, format=kind, layout="stereo")
                part.sample_rate, part.pts = 48000, number * size
                container.mux(tones.encode(part))
            container.mux(tones.encode(None))
    return path


def remux(
    sources: Sequence[Path],
    target: Path,
    change: Callable[[Any, int, int], object] = lambda packet, number, part: None,
    **options: str,
) -> Path:
    """Copy the packets of clips, one clip after the other, into one file.

    Args:
        sources: Of streams alike.
        target: Its extension says which container.
        change: Of a packet, its number in its stream and that of its clip; may set its times.
        options: Of the container.
    """
    with av.open(str(target), "w", options=options) as container:
        streams: dict[int, Any] = {}
        for part, source in enumerate(sources):
            with av.open(str(source)) as clip:
                for stream in clip.streams:
                    if stream.index not in streams:
                        streams[stream.index] = container.add_stream_from_template(stream)
                numbers = dict.fromkeys(streams, 0)
                for packet in clip.demux():
                    if packet.dts is None:
                        continue
                    index = packet.stream.index
                    change(packet, numbers[index], part)
                    numbers[index] += 1
                    packet.stream = streams[index]
                    container.mux(packet)
    return target


def moved(packet: Any, seconds: float) -> None:
    """Move the times of a packet."""
    ticks = round(seconds / packet.time_base)
    packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks


def decoded(path: Path, *, decoder: str | None = None) -> list[Any]:
    """All frames of a video; libvpx's decoder is needed to see the alpha of VP9."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if decoder is None:
            return list(container.decode(stream))
        context: Any = av.CodecContext.create(decoder, "r")
        found: list[Any] = []
        for packet in container.demux(stream):
            found += context.decode(packet)
        return found


def rgb(frame: Any) -> Image:
    """The picture of a frame by FFmpeg's own conversion, turned as its display matrix says."""
    image: Image = frame.to_ndarray(format="rgb24")
    return np.rot90(image, round(frame.rotation / 90))


def samples(path: Path) -> Array:
    """All samples of the sound."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def sound_packets(path: Path) -> list[bytes]:
    """The bytes of each packet of sound."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
