"""A finished clip written, whole or not at all: in a container, as pictures or bytes, to a device."""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import cast

from av import AudioStream, VideoStream
from tqdm import tqdm

from limner import files
from limner.images import encode_image
from limner.video.container import Write, container_writer
from limner.video.decoder import Item
from limner.video.frames import StreamInfo, picture_of
from limner.video.outputs import CODECS, Output
from limner.video.target import muxer, named_errors, target_file


@dataclass
class Outcome:
    """What became of a clip."""

    frames: int = 0
    seconds: float = 0.0  # of the clip that were written
    wall_s: float = 0.0
    stopped: bool = False  # before its end, because that was asked for
    broken: str = ""  # what was wrong with the input; what was there of it is written
    repaired: int = 0  # times of frames and packets of sound that were out of order


def write_items(
    items: Iterable[Item],
    output: Output,
    info: StreamInfo,
    *,
    sound: Sequence[AudioStream] = (),
    expected: int = 0,
) -> Outcome:
    """Write frames in `Output.format`, with the packets of some streams of sound, and show the progress.

    ``expected`` is about how many frames there will be, 0 where unknown.

    Raises:
        OutputError: If they cannot be written.
    """
    outcome, started = Outcome(), time.perf_counter()
    with (
        open_writer(output, info, sound) as write,
        tqdm(total=expected or None, unit="frame", disable=None) as bar,
    ):
        for item in items:
            write(item)
            outcome.frames += 1
            end = (item.frame.pts or 0) + item.frame.duration
            outcome.seconds = max(outcome.seconds, float(end * info.time_base))
            bar.update()
    outcome.wall_s = time.perf_counter() - started
    return outcome


def open_writer(
    output: Output, info: StreamInfo, sound: Sequence[AudioStream] = ()
) -> AbstractContextManager[Write]:
    """Write frames in `Output.format` inside the block; an error there leaves nothing behind.

    Raises:
        OutputError: If nothing can be written there.
    """
    if output.codec is CODECS["png"]:
        return _png_writer(cast(Path, output.path))
    if output.codec is CODECS["raw"]:
        return _raw_writer(output.path)
    if output.codec is CODECS["camera"]:
        return _device_writer(output, info)
    return container_writer(output, info, sound)


@contextmanager
def _device_writer(output: Output, info: StreamInfo) -> Iterator[Write]:
    """A loopback device, which shows each frame as soon as it is written."""
    with muxer(str(output.path), output, {}) as container:
        video = cast(VideoStream, container.add_stream(output.codec.encoder, rate=info.rate))
        video.height, video.width = info.size
        video.pix_fmt = output.format

        def write(item: Item) -> None:
            with named_errors(output.path):
                container.mux(video.encode(item.frame))

        yield write


@contextmanager
def _raw_writer(path: Path | None) -> Iterator[Write]:
    """The bytes of the frames without a header: grey, RGB or RGBA, one frame after the other."""
    with target_file(path) as file:

        def write(item: Item) -> None:
            with named_errors(path):
                file.write(picture_of(item.frame).data)

        yield write


@contextmanager
def _png_writer(folder: Path) -> Iterator[Write]:
    """A folder of numbered PNG files, from 00000.png on."""
    temporary = folder.with_name(files.temporary_name(folder.name))
    files.make_folder(temporary)
    numbers = count()

    def write(item: Item) -> None:
        data = encode_image(picture_of(item.frame), ".png")
        with named_errors(folder):
            (temporary / f"{next(numbers):05d}.png").write_bytes(data)

    try:
        yield write
        with named_errors(folder):
            temporary.replace(folder)  # onto an empty folder too
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
