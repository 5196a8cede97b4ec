"""What can be written: containers, codecs, and what the name of a target asks for."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import av

from limner.errors import InputError, OutputError

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
class Encoding:
    """How a clip is written.

    Attributes:
        codec: "h264", "h265", "vp9" or "prores"; by default what the container usually holds.
        quality: Of the codec, on its own scale (CRF; of ProRes the quantiser): less is better.
        format: "mp4", "mov", "mkv", "webm" or "raw", where the name of the target does not say.
        sound: Copy the sound.
    """

    codec: str | None = None
    quality: int | None = None
    format: str | None = None
    sound: bool = True


USUAL = Encoding()


@dataclass(frozen=True, kw_only=True)
class Output:
    """What is written and where, checked when made."""

    path: Path | None  # None: standard output
    extension: str  # a key of `CONTAINERS`
    codec: Codec
    quality: int | None
    working_format: str  # FFmpeg's name of the planar format in which frames are composed, in colours
    format: str  # that in which they are encoded: the same, with an alpha, or an alpha alone

    @property
    def container(self) -> str:
        """FFmpeg's name of it."""
        return CONTAINERS[self.extension][0]


def choose_output(
    target: str | Path, encoding: Encoding, *, transparent: bool, matte: bool = False, deep: bool = False
) -> Output:
    """What the name of a target asks for.

    Args:
        target: A file name; ``-`` for standard output; a folder, or a name without extension, for PNG files;
            ``/dev/video`` and a number for a loopback device, which other programs take for a camera.
        encoding: What the caller asks for.
        transparent: Whether the frames have an alpha.
        matte: Whether the frames are the alpha alone.
        deep: Whether the clip has more than 8 bits.

    Raises:
        InputError: If the container is unknown, or holds neither the codec nor an alpha, or this build of
            FFmpeg lacks the codec.
        OutputError: If nothing can be written there.
    """
    name = str(target)
    path = None if name == "-" else Path(name)
    extension = _extension(name, encoding.format)
    codec = _codec(extension, encoding.codec, transparent=transparent, deep=deep)
    if path is not None:
        _check_place(path, folder=extension == ".png")
    layout = codec.formats[deep]
    working = layout.replace("yuva", "yuv").replace("gbrap", "gbrp")
    return Output(
        path=path,
        extension=extension,
        codec=codec,
        quality=encoding.quality,
        working_format=working,
        format="gray" if matte and working == "gbrp" else layout if transparent else working,
    )


def _extension(name: str, form: str | None) -> str:
    """The key of `CONTAINERS`."""
    suffix = Path(name).suffix.lower()
    if form is not None:
        extension = "." + form.lstrip(".").lower()
    elif name == "-":
        raise InputError("say what goes to standard output: --format raw, mkv, webm, mov or mp4")
    elif name.startswith("/dev/video"):
        extension = ".v4l2"
        if not Path(name).exists():
            number = Path(name).name.removeprefix("video")
            raise InputError(
                f"no device {name} for other programs to take for a camera: make it with "
                f"sudo modprobe v4l2loopback video_nr={number} exclusive_caps=1"
            )
    else:
        folder = name.endswith("/") or os.path.isdir(name) or not suffix  # noqa: PTH112
        extension = ".png" if folder else suffix
    if name == "-" and extension in (".png", ".v4l2"):
        raise InputError(f"{extension[1:]} cannot go to standard output: --format raw, mkv, webm, mov or mp4")
    if extension == ".png" and suffix:
        raise InputError(
            f"{name} would hold one picture: give a folder, such as {Path(name).with_suffix('')}/"
        )
    if extension not in CONTAINERS:
        known = ", ".join(one for one in CONTAINERS if one not in (".png", ".v4l2"))
        raise InputError(
            f"cannot write {name}: unknown kind of video '{extension}'; use {known}, or a folder/"
        )
    return extension


def _codec(extension: str, name: str | None, *, transparent: bool, deep: bool) -> Codec:
    names = CONTAINERS[extension][1]
    if name is None:
        fitting = [one for one in names if CODECS[one].alpha == transparent or one in ("png", "raw")]
        if not fitting and transparent:
            raise InputError(
                f"{extension} has no transparency here: write .webm, .mov, .mkv or a folder of PNG files, or "
                "choose a background"
            )
        name = "h265" if deep and "h265" in fitting else (fitting or names)[0]
    if name not in names:
        raise InputError(f"{extension} holds no '{name}' here: use {', '.join(names)}")
    codec = CODECS[name]
    if transparent and not codec.alpha:
        raise InputError(f"{name} has no transparency: use vp9 or prores, or choose a background")
    if name not in ("png", "raw") and codec.encoder not in av.codecs_available:
        raise InputError(
            f"this build of FFmpeg cannot write {name} ({codec.encoder} is missing): choose another "
            "--codec, or pip install --force-reinstall av"
        )
    return codec


def _check_place(path: Path, *, folder: bool) -> None:
    """Refuse a path where nothing can be written, before any work."""
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
