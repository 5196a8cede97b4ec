"""A finished clip written: the containers and codecs that Limner offers, sound copied, whole files only."""

import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import av
import numpy as np
from av import AudioStream, Packet, VideoFrame, VideoStream
from av.container import OutputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from limner import files
from limner.errors import InputError
from limner.finishing import Finish
from limner.images import encode_image
from limner.video.frames import blank, planes
from limner.video.reading import Clip, Sound

_MP4 = (".mp4", ".m4v", ".mov")
KEPT = ("title", "artist", "comment", "date", "creation_time", "location")
"""What is copied of the notes that a container carries."""


@dataclass(frozen=True, kw_only=True)
class Codec:
    """How frames are encoded."""

    encoder: str  # FFmpeg's name
    formats: tuple[str, str]  # of clips of 8 and of more bits
    alpha: bool = False
    even: bool = False  # sides must be even: a row or a column is repeated
    quality: str = ""  # the option that --quality sets
    options: dict[str, str] = field(default_factory=dict)


CODECS = {
    "h264": Codec(
        encoder="libx264",
        formats=("yuv420p", "yuv420p"),
        even=True,
        quality="crf",
        options={"preset": "veryfast", "crf": "20"},
    ),
    "h265": Codec(
        encoder="libx265",
        formats=("yuv420p", "yuv420p10le"),
        even=True,
        quality="crf",
        options={"preset": "veryfast", "crf": "22", "x265-params": "log-level=error"},
    ),
    "vp9": Codec(
        encoder="libvpx-vp9",
        formats=("yuva420p", "yuva420p"),
        alpha=True,
        quality="crf",
        options={"crf": "24", "deadline": "realtime", "cpu-used": "6", "row-mt": "1", "auto-alt-ref": "0"},
    ),
    "prores": Codec(
        encoder="prores_ks",
        formats=("yuva444p10le", "yuva444p10le"),
        alpha=True,
        quality="qscale",
        options={"profile": "4444", "alpha_bits": "16"},
    ),
    "png": Codec(encoder="png", formats=("gbrap", "gbrap"), alpha=True),
    "raw": Codec(encoder="rawvideo", formats=("gbrap", "gbrap"), alpha=True),
}
"""Name -> codec."""

CONTAINERS = {
    ".mp4": ("mp4", ("h264", "h265")),
    ".m4v": ("mp4", ("h264", "h265")),
    ".mov": ("mov", ("h264", "h265", "prores")),
    ".mkv": ("matroska", ("h264", "h265", "vp9", "prores")),
    ".webm": ("webm", ("vp9",)),
    ".raw": ("rawvideo", ("raw",)),
    ".png": ("image2", ("png",)),
}
"""Extension -> FFmpeg's name of the container, and the codecs that it holds here."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is written and where, checked when made."""

    path: Path | None  # None: standard output
    extension: str
    codec: Codec
    transparent: bool  # frames have an alpha
    matte: bool  # frames are the alpha

    def format(self, clip: Clip) -> str:
        """FFmpeg's name of the planar format that is encoded."""
        name = self.codec.formats[clip.deep]
        if self.matte and name.startswith("gbr"):
            return "gray"
        return name if self.transparent else name.replace("yuva", "yuv").replace("gbrap", "gbrp")

    def working_format(self, clip: Clip) -> str:
        """The one in which frames are composed: the same, in colours, without the alpha."""
        name = self.codec.formats[clip.deep]
        return name.replace("yuva", "yuv").replace("gbrap", "gbrp")


def choose_target(
    output: str,
    options: Finish,
    *,
    deep: bool = False,
    codec: str | None = None,
    form: str | None = None,
) -> Target:
    """What a name on the command line asks for.

    Args:
        output: A file name; ``-`` for standard output; a folder, or a name without extension, for PNG files.
        options: What is made of the frames.
        deep: Whether the clip has more than 8 bits.
        codec: A key of `CODECS`; by default the container's usual one.
        form: An extension that decides in place of the name's, such as "mkv".

    Raises:
        InputError: If the container is unknown, or holds neither the codec nor an alpha, or this build of
            FFmpeg lacks the codec.
    """
    transparent = options.transparent
    path = None if output == "-" else Path(output)
    if form is not None:
        extension = "." + form.lstrip(".").lower()
    elif path is None:
        raise InputError("say what goes to standard output: --format raw, mkv, webm, mov or mp4")
    elif output.endswith("/") or path.is_dir() or not path.suffix:
        extension = ".png"
    else:
        extension = path.suffix.lower()
    if extension == ".png" and path is not None and path.suffix:
        folder = path.with_suffix("")
        raise InputError(f"{output} would hold one picture: give a folder, such as {folder}/")
    if extension not in CONTAINERS:
        known = ", ".join(name for name in CONTAINERS if name != ".png")
        raise InputError(
            f"cannot write {output}: unknown kind of video '{extension}'; use {known}, or a folder/"
        )
    names = CONTAINERS[extension][1]
    if codec is None:
        fitting = [name for name in names if CODECS[name].alpha == transparent or name in ("png", "raw")]
        if not fitting and transparent:
            raise InputError(
                f"{extension} has no transparency here: write .webm, .mov, .mkv or a folder of PNG files, or "
                "choose a background"
            )
        deep_first = "h265" if deep and "h265" in fitting else None
        codec = deep_first or (fitting or list(names))[0]
    if codec not in CODECS or codec not in names:
        raise InputError(f"{extension} holds no '{codec}' here: use {', '.join(names)}")
    chosen = CODECS[codec]
    if transparent and not chosen.alpha:
        raise InputError(f"{codec} has no transparency: use vp9 or prores, or choose a background")
    if codec not in ("png", "raw") and chosen.encoder not in av.codecs_available:
        raise InputError(
            f"this build of FFmpeg cannot write {codec} ({chosen.encoder} is missing): choose another "
            "--codec, or pip install --force-reinstall av"
        )
    if path is not None:
        check_place(path, folder=extension == ".png")
    return Target(path=path, extension=extension, codec=chosen, transparent=transparent, matte=options.mask)


class Writer(Protocol):
    """Takes the finished frames and the packets of sound, in order."""

    def frame(self, frame: VideoFrame) -> None:
        """Encode a frame: in the working format, with a plane of alpha after the others where it has one."""

    def sound(self, packet: Sound) -> None:
        """Copy a packet."""

    def finish(self) -> None:
        """Write what is left and give the file its name."""

    def abandon(self) -> None:
        """Leave nothing behind."""


def open_writer(target: Target, clip: Clip, *, quality: int | None = None, sound: bool = True) -> Writer:
    """Start to write the frames of a clip.

    Raises:
        InputError: If the container cannot hold the sound, or nothing can be written there.
    """
    if target.codec is CODECS["png"]:
        assert target.path is not None
        return PngWriter(target.path)
    if target.codec is CODECS["raw"]:
        return RawWriter(target)
    return FileWriter(target, clip, quality=quality, sound=sound)


class FileWriter:
    """One file in a container, or the same through a pipe."""

    def __init__(self, target: Target, clip: Clip, *, quality: int | None, sound: bool) -> None:
        self._path = target.path
        self._place = Place(target.path)
        self._container: OutputContainer | None = None
        self._durations: dict[int, int] = {}
        self._span = (sys.maxsize, 0)  # of the frames' times
        self._first_dts: int | None = None
        self._last: Packet[VideoStream] | None = None
        # MP4 adds durations up in the order of decoding: the last one makes the sum right
        self._sums_up = target.extension in _MP4
        self._sound: dict[int, AudioStream] = {}
        try:
            self._open(target, clip, quality)
            if sound:
                self._add_sound(target, clip)
        except BaseException:
            self.abandon()
            raise

    def _open(self, target: Target, clip: Clip, quality: int | None) -> None:
        fragments = target.path is None and target.extension in _MP4
        self._container = container = av.open(
            self._place.file,
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

    def _add_sound(self, target: Target, clip: Clip) -> None:
        assert self._container is not None
        for stream in clip.sound:
            try:
                self._sound[stream.index] = self._container.add_stream_from_template(stream)
            except ValueError as error:
                raise InputError(
                    f"{target.extension} cannot hold this sound ({stream.codec_context.name}): write .mkv, "
                    "which can, or leave it out with --no-sound"
                ) from error

    def frame(self, frame: VideoFrame) -> None:
        """Encode a frame."""
        if any(self._padding):
            frame = _padded(frame, self._padding)
        assert frame.pts is not None
        self._durations[frame.pts] = frame.duration
        self._span = (min(self._span[0], frame.pts), max(self._span[1], frame.pts + frame.duration))
        self._write(self._video.encode(frame))

    def sound(self, packet: Sound) -> None:
        """Copy a packet."""
        stream = self._sound.get(packet.stream.index)
        if stream is not None:
            packet.stream = stream
            self._mux(packet)

    def finish(self) -> None:
        """Flush the encoder, write the end of the file and give it its name."""
        assert self._container is not None
        self._write(self._video.encode(None))
        if self._last is not None:
            if self._sums_up and self._last.dts is not None and self._first_dts is not None:
                elapsed = self._last.dts - self._first_dts
                self._last.duration = max(1, self._span[1] - self._span[0] - elapsed)
            self._mux(self._last)
        with _named_errors(self._path):
            self._container.close()
            self._place.keep()

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._container is not None:
            with suppress(FFmpegError, OSError):
                self._container.close()
        self._place.drop()

    def _write(self, packets: "Sequence[Packet[VideoStream]]") -> None:
        """All but the last, which `finish` writes."""
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
            if self._last is None:
                self._first_dts = packet.dts
            else:
                self._mux(self._last)
            self._last = packet

    def _mux(self, packet: "Packet[Any]") -> None:
        assert self._container is not None
        with _named_errors(self._path):
            self._container.mux(packet)


class RawWriter:
    """The bytes of the frames without a header: grey, RGB or RGBA, one frame after the other."""

    def __init__(self, target: Target) -> None:
        self._path = target.path
        self._place = Place(target.path)

    def frame(self, frame: VideoFrame) -> None:
        """Write a frame."""
        with _named_errors(self._path):
            self._place.file.write(np.ascontiguousarray(picture_of(frame)).data)

    def sound(self, packet: Sound) -> None:
        """Raw frames have no sound."""

    def finish(self) -> None:
        """Give the file its name."""
        with _named_errors(self._path):
            self._place.keep()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._place.drop()


class PngWriter:
    """A folder of numbered PNG files, from 00000.png on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.tmp")
        self._count = 0
        files.make_folder(self._temporary)

    def frame(self, frame: VideoFrame) -> None:
        """Write a picture."""
        data = encode_image(np.ascontiguousarray(picture_of(frame)), ".png")
        with _named_errors(self._folder):
            (self._temporary / f"{self._count:05d}.png").write_bytes(data)
        self._count += 1

    def sound(self, packet: Sound) -> None:
        """Pictures have no sound."""

    def finish(self) -> None:
        """Give the folder its name."""
        with _named_errors(self._folder):
            self._temporary.replace(self._folder)  # onto an empty folder too

    def abandon(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self._temporary, ignore_errors=True)


class Place:
    """A new file that takes the target's name only when it is whole; standard output as it is."""

    def __init__(self, path: Path | None) -> None:
        self._path = None if path is None else Path(os.path.realpath(path))
        self._temporary: Path | None = None
        if self._path is None:
            self.file: BinaryIO = sys.stdout.buffer
            return
        self._temporary = self._path.with_name(f".{self._path.name[:100]}.{secrets.token_hex(6)}.tmp")
        with _named_errors(path):
            self.file = self._temporary.open("xb", buffering=1 << 20)

    def keep(self) -> None:
        """The file is whole."""
        self.file.flush()
        if self._path is not None and self._temporary is not None:
            self.file.close()
            if self._path.exists():
                self._temporary.chmod(self._path.stat().st_mode)
            self._temporary.replace(self._path)

    def drop(self) -> None:
        """The file is not wanted."""
        if self._temporary is not None:
            with suppress(OSError):  # of a full disk, which has been told
                self.file.close()
            self._temporary.unlink(missing_ok=True)


def picture_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """A frame in RGB planes as an array, (H, W, 3), or (H, W, 4) with an alpha; a grey one (H, W)."""
    found = planes(frame)
    if len(found) == 1:
        return found[0].astype(np.uint8)
    green, blue, red, *alpha = found
    return np.stack([red, green, blue, *alpha], axis=-1).astype(np.uint8)


def _padded(frame: VideoFrame, padding: tuple[int, int]) -> VideoFrame:
    """With its last row and column repeated."""
    height, width = frame.height + padding[0], frame.width + padding[1]
    result = blank(frame.format.name, (height, width), frame)
    for source, target in zip(planes(frame), planes(result), strict=True):
        missing = [(0, wanted - present) for wanted, present in zip(target.shape, source.shape, strict=True)]
        target[...] = np.pad(source, missing, mode="edge")
    return result


def check_place(path: Path, *, folder: bool = False) -> None:
    """Refuse a place where nothing can be written, before any work.

    Raises:
        InputError: If so.
    """
    if folder:
        if path.is_dir() and any(path.iterdir()):
            raise InputError(f"the folder {path} is not empty: give a new one")
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file: give a folder for the pictures")
    parent = path.absolute().parent
    if not parent.is_dir():
        raise InputError(f"cannot write {path}: its folder does not exist; make it first")
    if not os.access(parent, os.W_OK):
        raise InputError(f"cannot write {path}: its folder is read-only; choose another place")


@contextmanager
def _named_errors(path: Path | None) -> Iterator[None]:
    """What fails while writing becomes an InputError; a reader of a pipe that has gone does not."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, FFmpegError) as error:
        reason = error.strerror or error
        raise InputError(
            f"cannot write {path or 'to standard output'}: {reason}; make room or choose another place"
        ) from error
