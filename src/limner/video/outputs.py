"""What can be written: containers, codecs, and what a name on the command line asks for."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import av

from limner.errors import InputError, OutputError
from limner.rendering.options import Options
from limner.video.reader import Clip

MP4 = (".mp4", ".m4v", ".mov")
"""Extensions of one family of containers."""


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
    "camera": Codec(encoder="rawvideo", formats=("yuv420p", "yuv420p")),
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
    ".v4l2": ("v4l2", ("camera",)),
}
"""Extension -> FFmpeg's name of the container, and the codecs that it holds here. The last two are no names
of files: a folder, and a device that other programs take for a camera."""

SOUND = {
    **dict.fromkeys(MP4, ("AAC", "aac")),
    **dict.fromkeys((".mkv", ".webm"), ("Opus", "libopus")),
}
"""Extension -> what sound becomes that the container does not hold, and FFmpeg's name of the encoder."""


@dataclass(frozen=True, kw_only=True)
class Output:
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


def choose_output(
    output: str,
    options: Options,
    *,
    deep: bool = False,
    codec: str | None = None,
    form: str | None = None,
) -> Output:
    """What a name on the command line asks for.

    Args:
        output: A file name; ``-`` for standard output; a folder, or a name without extension, for PNG files;
            ``/dev/video`` and a number for a loopback device, which other programs take for a camera.
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
    elif output.startswith("/dev/video"):
        extension = ".v4l2"
        _check_loopback(path)
    elif output.endswith("/") or os.path.isdir(output) or not path.suffix:  # noqa: PTH112
        extension = ".png"
    else:
        extension = path.suffix.lower()
    if extension == ".png" and path is not None and path.suffix:
        folder = path.with_suffix("")
        raise InputError(f"{output} would hold one picture: give a folder, such as {folder}/")
    if extension not in CONTAINERS:
        known = ", ".join(name for name in CONTAINERS if name not in (".png", ".v4l2"))
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
    return Output(path=path, extension=extension, codec=chosen, transparent=transparent, matte=options.mask)


def _check_loopback(path: Path) -> None:
    if not path.exists():
        number = path.name.removeprefix("video")
        raise InputError(
            f"no device {path} for other programs to take for a camera: make it with "
            f"sudo modprobe v4l2loopback video_nr={number} exclusive_caps=1"
        )


def check_place(path: Path, *, folder: bool = False) -> None:
    """Refuse a place where nothing can be written, before any work.

    Raises:
        OutputError: If so.
    """
    if folder:
        if path.is_dir() and any(path.iterdir()):
            raise OutputError(f"the folder {path} is not empty: give a new one")
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is a file: give a folder for the pictures")
    parent = path.absolute().parent
    if not parent.is_dir():
        raise OutputError(f"cannot write {path}: its folder does not exist; make it first")
    if not os.access(parent, os.W_OK):
        raise OutputError(f"cannot write {path}: its folder is read-only; choose another place")
