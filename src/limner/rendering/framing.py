"""Where a picture is cropped: around the subject, to an aspect ratio, or as an identity photo."""

from typing import TypeVar

import numpy as np

from limner.errors import InputError
from limner.images import Alpha, Pixels
from limner.rendering.identity import ID_PHOTOS, id_frame, id_name
from limner.rendering.outline import Frame, subject_box

_Array = TypeVar("_Array", Pixels, Alpha)

CROPS = ("subject", "square", *ID_PHOTOS)
"""What `frame_of` knows, beside an aspect ratio such as "4:5"."""


def frame_of(alpha: Alpha, crop: str, *, margin: float = 0.05, inside: bool = False) -> Frame:
    """The rectangle to cut out.

    "subject" is the smallest one around the subject with its margin; "square" and "W:H" the smallest such
    one of that shape. A frame never reaches beyond a border that cuts the subject off: where it does not fit
    it becomes smaller and leaves away the lower end, or the sides, of the subject. An identity photo's frame
    is set by the head (see `id_frame`).

    Args:
        alpha: (H, W) float32 in [0, 1].
        crop: One of `CROPS`, or an aspect ratio "W:H".
        margin: Space around the subject, as a fraction of the longer side of its box.
        inside: Keep the frame within the picture, as is needed where the photo's own background is shown.

    Raises:
        InputError: If there is no subject, the crop is unknown, or the picture shows too little for an
            identity photo.
    """
    box = subject_box(alpha)
    if crop in ID_PHOTOS:
        return id_frame(alpha, ID_PHOTOS[crop], inside=inside)
    height, width = alpha.shape
    # Whether the frame ends at the top, left, bottom and right of the picture, where the subject is cut off.
    ends = (box.top == 0, box.left == 0, box.top + box.height == height, box.left + box.width == width)
    cut_off = [inside or end for end in ends]
    space = round(margin * max(box.height, box.width))
    top, left = max(0, box.top - space), max(0, box.left - space)
    bottom, right = min(height, box.top + box.height + space), min(width, box.left + box.width + space)
    if crop == "subject":
        return Frame(top, left, bottom - top, right - left)
    aspect = _aspect(crop)
    tall = max(bottom - top, round((right - left) / aspect))
    shrink = min(
        1.0,
        height / tall if cut_off[0] and cut_off[2] else 1.0,
        width / (tall * aspect) if cut_off[1] and cut_off[3] else 1.0,
    )
    tall, wide = round(tall * shrink), round(tall * shrink * aspect)
    top = _shift(top, tall, height, cut_off[0], cut_off[2] or bottom == height)
    return Frame(top, _shift((left + right - wide) // 2, wide, width, cut_off[1], cut_off[3]), tall, wide)


def _shift(start: int, length: int, end: int, first: bool, last: bool) -> int:
    """Where a stretch starts that reaches beyond neither border that is closed; the first one counts more."""
    if last:
        start = min(start, end - length)
    return max(0, start) if first else start


def crop_to(array: _Array, frame: Frame) -> _Array:
    """The pixels of a frame, zeros where it reaches beyond the picture."""
    inner = _inner(array, frame)
    if inner.shape[:2] == (frame.height, frame.width):
        return inner
    whole = np.zeros((frame.height, frame.width, *array.shape[2:]), array.dtype)
    top, left = max(0, -frame.top), max(0, -frame.left)
    whole[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return whole


def extend_to(pixels: Pixels, frame: Frame) -> Pixels:
    """The same of colours, the border repeated beyond the picture: black would spoil what is beside it."""
    inner = _inner(pixels, frame)
    if inner.shape[:2] == (frame.height, frame.width):
        return inner
    rows = (np.arange(frame.height) + frame.top).clip(0, pixels.shape[0] - 1)
    columns = (np.arange(frame.width) + frame.left).clip(0, pixels.shape[1] - 1)
    extended: Pixels = pixels[rows][:, columns]
    return extended


def _inner(array: _Array, frame: Frame) -> _Array:
    """What of a frame is in the picture."""
    return array[
        max(0, frame.top) : max(0, frame.top + frame.height),
        max(0, frame.left) : max(0, frame.left + frame.width),
    ]


def crop_name(text: str) -> str:
    """The crop as `frame_of` knows it, however a person spells it: " Square", "3.5 x 4.5 cm"; "" is no crop.

    Raises:
        InputError: If it is none.
    """
    name = id_name(text) or "".join(text.lower().split())
    if name not in ("", *CROPS):
        _aspect(name)
    return name


def _aspect(crop: str) -> float:
    """Width over height of "square" or "W:H"."""
    if crop == "square":
        return 1.0
    width, _, height = crop.partition(":")
    try:
        aspect = float(width) / float(height)
    except (ValueError, ZeroDivisionError):
        aspect = -1.0
    if not 0.05 <= aspect <= 20:
        raise InputError(f"unknown crop '{crop}': use {', '.join(CROPS)}, or an aspect ratio such as 4:5")
    return aspect
