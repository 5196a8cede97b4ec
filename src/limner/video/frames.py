"""A decoded frame: its planes as arrays, its picture in RGB, and the way back."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from av import VideoFrame
from av.buffer import Buffer
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from limner.images import Alpha, Image, Size

Plane: TypeAlias = NDArray[Any]
"""(h, w) uint8, or uint16 with values of 10 bits; chroma is half as large where the format says so."""

FULL_RANGE = int(ColorRange.JPEG)
_LIMITED_RANGE = int(ColorRange.MPEG)
_RGB, _BT709, _UNKNOWN = 0, 1, 2  # matrices of ITU-T H.273
_SCALER_MATRICES = {
    _BT709: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


@dataclass(frozen=True)
class Colours:
    """What the numbers of a clip's planes mean, as ITU-T H.273 counts it."""

    matrix: int
    range: int  # 1 limited, 2 full, 0 not said
    primaries: int
    transfer: int

    @property
    def full(self) -> bool:
        """Whether black is 0 and white the greatest value, rather than 16 and 235."""
        return self.range == FULL_RANGE

    def scaler(self, size: Size) -> tuple[Colorspace, int]:
        """Matrix and range for FFmpeg's scaler; where the clip does not say, as players guess."""
        guess = Colorspace.ITU709 if size[0] >= 720 or size[1] >= 1280 else Colorspace.ITU601
        return _SCALER_MATRICES.get(self.matrix, guess), FULL_RANGE if self.full else _LIMITED_RANGE


RGB_AS_VIDEO = Colours(_BT709, _LIMITED_RANGE, 1, 1)
"""What pictures in RGB become: BT.709 in limited range."""


@dataclass(frozen=True)
class StreamInfo:
    """What the frames of a clip have in common, and the notes that its container carries."""

    size: Size  # (height, width), square pixels
    rate: Fraction  # frames a second, as a rule
    time_base: Fraction  # seconds of one unit of their times
    colours: Colours
    metadata: dict[str, str]


class Scaler:
    """Formats and sizes converted by FFmpeg, in any thread; one state for each use and thread."""

    def __init__(self, colours: Colours, size: Size) -> None:
        self.colours = colours
        self._matrix, self._range = colours.scaler(size)
        self._states = threading.local()

    def rgb(self, frame: VideoFrame, size: Size | None = None) -> Image:
        """The picture of a frame, (h, w, 3) uint8, at its own or another size, antialiased."""
        size = size or (frame.height, frame.width)
        found = self._reformat("rgb", frame, "rgb24", size, Interpolation.BILINEAR)
        return np.ascontiguousarray(found.to_ndarray())

    def planes(self, image: Image, layout: str, size: Size | None = None) -> VideoFrame:
        """A frame of the clip's colours from a picture, (H, W, 3) uint8, at its own or another size."""
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        return self._reformat(f"planes{image.shape}", frame, layout, size or (frame.height, frame.width))

    def convert(self, frame: VideoFrame, layout: str, size: Size) -> VideoFrame:
        """The frame in another format or size, its colours and its times kept."""
        if frame.format.name.replace("yuvj", "yuv") == layout and (frame.height, frame.width) == size:
            return frame  # old names, yuvj420p, carry the range
        converted = self._reformat("convert", frame, layout, size)
        copy_times(frame, converted)
        return converted

    def letterbox(self, frame: VideoFrame, layout: str, size: Size, shape: Size) -> VideoFrame:
        """The frame in another format, in the middle of another size, as large as it fits, on black.

        It is shown in the proportions of ``shape``, (height, width).
        """
        scale = min(whole / length for whole, length in zip(size, shape, strict=True))
        inner = max(2, 2 * round(shape[0] * scale / 2)), max(2, 2 * round(shape[1] * scale / 2))
        inner = min(inner[0], size[0]), min(inner[1], size[1])
        top, left = ((whole - length) // 4 * 2 for whole, length in zip(size, inner, strict=True))
        result = blank(layout, size, frame)
        values = black(layout, self.colours)
        for part, target, value in zip(
            planes(self.convert(frame, layout, inner)), planes(result), values, strict=True
        ):
            target[...] = value
            row, column = top * part.shape[0] // inner[0], left * part.shape[1] // inner[1]
            target[row : row + part.shape[0], column : column + part.shape[1]] = part
        return result

    def _reformat(
        self, use: str, frame: VideoFrame, layout: str, size: Size, interpolation: Interpolation = _EXACT
    ) -> VideoFrame:
        states = self._states.__dict__.setdefault("of", {})
        state: VideoReformatter = states.setdefault((use, layout, size), VideoReformatter())
        return state.reformat(
            frame,
            width=size[1],
            height=size[0],
            format=layout,
            src_colorspace=self._matrix,
            dst_colorspace=self._matrix,
            src_color_range=FULL_RANGE if is_rgb(frame) else self._range,
            dst_color_range=FULL_RANGE if layout.startswith(("rgb", "gbr")) else self._range,
            interpolation=interpolation,
            threads=1,
        )


def picture_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """A frame in RGB planes as an array, (H, W, 3), or (H, W, 4) with an alpha; a grey one (H, W)."""
    return np.ascontiguousarray(frame.to_ndarray())


def planes(frame: VideoFrame) -> list[Plane]:
    """Views of the planes of a planar frame, in the order in which they are stored."""
    deep = frame.format.components[0].bits > 8
    found: list[Plane] = []
    for part in frame.planes:
        values = np.frombuffer(memoryview(part), np.uint16 if deep else np.uint8)
        found.append(values.reshape(part.height, -1)[:, : part.width])
    return found


def blank(layout: str, size: Size, like: VideoFrame) -> VideoFrame:
    """A frame to be filled, with the times of another."""
    frame = VideoFrame(size[1], size[0], layout)
    copy_times(like, frame)
    return frame


def copy_times(source: VideoFrame, target: VideoFrame) -> None:
    """Give a frame the times of another."""
    target.pts, target.duration = source.pts, source.duration
    if source.time_base is not None:
        target.time_base = source.time_base


def black(layout: str, colours: Colours) -> list[int]:
    """Value of black in each plane."""
    if layout.startswith("gbr"):
        return [0, 0, 0]
    scale = 4 if "10" in layout else 1
    return [(0 if colours.full else 16) * scale, 128 * scale, 128 * scale]


def is_rgb(frame: VideoFrame) -> bool:
    """Whether its numbers are red, green and blue (or a palette of them) rather than Y'CbCr."""
    name = frame.format.name
    return frame.format.is_rgb or name.startswith(("rgb", "bgr", "gbr", "pal"))


def colours_of(frame: VideoFrame) -> Colours:
    """What a frame says of its colours; pictures in RGB become BT.709 in limited range."""
    if is_rgb(frame):
        return RGB_AS_VIDEO
    full = frame.format.name.startswith("yuvj")
    matrix = _UNKNOWN if frame.colorspace == _RGB else frame.colorspace
    return Colours(matrix, FULL_RANGE if full else frame.color_range, frame.color_primaries, frame.color_trc)


def squared(size: Size, aspect: Fraction) -> Size:
    """The size of a picture once its pixels are square: it grows to one side, by an even number of pixels.

    Args:
        size: (height, width), pixels.
        aspect: Width of a pixel as a multiple of its height; taken for 1 where no recorder writes it, or it
            changes no side by a whole pixel.
    """
    height, width = size
    if not Fraction(1, 4) <= aspect <= 4 or abs(aspect - 1) * max(size) < 1:
        return size
    if aspect > 1:
        return height, 2 * round(width * aspect / 2)
    return 2 * round(height / aspect / 2), width


def is_sideways(frame: VideoFrame) -> bool:
    """Whether `upright` makes its rows columns."""
    return _turn(frame)[0]


def upright(frame: VideoFrame) -> VideoFrame:
    """The frame turned and mirrored as its display matrix says: a planar one, of the same times."""
    turn = _turn(frame)
    if turn == (False, False, False):
        return frame
    transposed, mirrored, flipped = turn
    size = (frame.width, frame.height) if transposed else (frame.height, frame.width)
    result = blank(frame.format.name, size, frame)
    for source, target in zip(planes(frame), planes(result), strict=True):
        part = source.T if transposed else source
        part = part[:, ::-1] if mirrored else part
        target[...] = part[::-1] if flipped else part
    return result


def _turn(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """Whether rows become columns, then whether left and right, top and bottom change places.

    The matrix takes a stored place (x, y) to ``(a x + c y, b x + d y)`` (ISO/IEC 14496-12, 6.2.2).
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(data, Buffer):
        return False, False, False
    a, b, _, c, d = np.frombuffer(memoryview(data), np.int32)[:5].tolist()
    return (True, c < 0, b < 0) if abs(b) > abs(a) else (False, a < 0, d < 0)


def alpha_plane(alpha: Alpha, layout: str) -> Plane:
    """An alpha as a plane of a format, in all its levels."""
    return levels(alpha, 1023 if "10" in layout else 255)


def levels(alpha: Alpha, span: int, low: int = 0) -> Plane:
    """An alpha as whole numbers from ``low`` to ``low + span``."""
    return np.rint(alpha * span + low).astype(np.uint16 if span > 255 else np.uint8)


def fill(frame: VideoFrame, values: Sequence[Plane]) -> VideoFrame:
    """Write the planes of a frame."""
    for plane, value in zip(planes(frame), values, strict=True):
        plane[...] = value
    return frame
