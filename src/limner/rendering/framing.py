"""Where a finished picture is cut: around the subject, to an aspect ratio, or as an identity photo."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from limner.errors import InputError
from limner.images import Alpha, Image
from limner.mattes.masks import threshold

_Array = TypeVar("_Array", Image, Alpha)


@dataclass(frozen=True)
class Frame:
    """A rectangle in pixels of the picture, which may reach beyond its borders."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class IdPhoto:
    """A format of identity photo; fractions are of its height.

    Authorities differ and change their rules, and some refuse photos whose background was edited.
    """

    size_mm: tuple[float, float]  # height, width
    size: tuple[int, int]  # height, width in pixels
    head: float  # from the chin to the crown, hair included
    above: float  # from the crown to the upper border

    @property
    def dpi(self) -> float:
        """Pixels an inch."""
        return self.size[0] / self.size_mm[0] * 25.4


ID_PHOTOS = {
    # ICAO Doc 9303 part 3: the head takes 70-80 % of the height; 34 of 45 mm, 3.5 mm above it.
    "35x45mm": IdPhoto(size_mm=(45, 35), size=(1063, 827), head=0.75, above=0.08),
    # US Department of State: a head of 1 to 1 3/8 in, eyes 1 1/8 to 1 3/8 in above the lower border.
    "2x2in": IdPhoto(size_mm=(50.8, 50.8), size=(1200, 1200), head=0.6, above=0.08),
}
"""Both at 600 dots an inch."""

CROPS = ("subject", "square", *ID_PHOTOS)
"""What `frame_of` knows, beside an aspect ratio such as "4:5"."""


def frame_of(alpha: Alpha, crop: str, *, margin: float = 0.05, inside: bool = False) -> Frame:
    """The rectangle to cut out.

    "subject" is the smallest one around the subject with its margin; "square" and "W:H" the smallest such
    one of that shape. A frame never reaches beyond a border that cuts the subject off: where it does not fit
    it becomes smaller and leaves away the lower end, or the sides, of the subject. An identity photo's frame
    is set by the head (see `head_of`).

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
    cut_off = [inside or edge for edge in _cut_off(box, alpha)]
    if crop in ID_PHOTOS:
        return _id_frame(alpha, ID_PHOTOS[crop], cut_off)
    space = round(margin * max(box.height, box.width))
    height, width = alpha.shape
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


def _cut_off(box: Frame, alpha: Alpha) -> list[bool]:
    """Whether the subject is cut off at the top, left, bottom and right of the picture."""
    height, width = alpha.shape
    return [box.top == 0, box.left == 0, box.top + box.height == height, box.left + box.width == width]


def subject_box(alpha: Alpha) -> Frame:
    """The smallest rectangle that holds all pixels with an alpha of at least 0.5.

    Raises:
        InputError: If there are none.
    """
    mask = threshold(alpha)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise InputError("no person found to crop to: leave the crop away, or give another picture")
    top, left = int(rows[0]), int(columns[0])
    return Frame(top, left, int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left)


HEAD_SHAPE = 1.25
"""Height of a head with its hair, crown to chin, against its width."""
NECK = 0.85
"""Where the outline narrows to this much of its width, it has a neck."""
CHIN = 0.94
"""Where the chin is, from the crown (0) to the narrowest place of the neck (1)."""


def head_of(alpha: Alpha) -> Frame:
    """The head's box, hair included, from the outline of the subject alone.

    A head is `HEAD_SHAPE` times as high as it is wide; where the outline narrows to a neck within a fifth of
    there, the chin is just above the narrowest place. An estimate: long or wide hair makes it too large.

    Raises:
        InputError: If there is no subject.
    """
    box = subject_box(alpha)
    mask = threshold(alpha)[box.top : box.top + box.height]
    widths = mask.sum(axis=1)
    down = np.arange(1, box.height + 1)
    widest = np.maximum.accumulate(widths)
    high_enough = np.flatnonzero(down >= HEAD_SHAPE * widest[down // 2])
    height = int(down[high_enough[0]]) if len(high_enough) else box.height
    around = slice(int(0.8 * height), min(int(1.2 * height) + 1, box.height))
    if around.start < around.stop:
        neck = around.start + int(np.argmin(widths[around]))
        if widths[neck] < NECK * widest[neck]:
            height = max(1, round(CHIN * neck))
    columns = np.flatnonzero(mask[: max(1, height // 2)].any(axis=0))
    left = int(columns[0])
    return Frame(box.top, left, height, int(columns[-1]) + 1 - left)


def crop_to(array: _Array, frame: Frame) -> _Array:
    """The pixels of a frame, zeros where it reaches beyond the picture."""
    inner = array[
        max(0, frame.top) : max(0, frame.top + frame.height),
        max(0, frame.left) : max(0, frame.left + frame.width),
    ]
    if inner.shape[:2] == (frame.height, frame.width):
        return inner
    whole = np.zeros((frame.height, frame.width, *array.shape[2:]), array.dtype)
    top, left = max(0, -frame.top), max(0, -frame.left)
    whole[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return whole


def _id_frame(alpha: Alpha, photo: IdPhoto, closed: list[bool]) -> Frame:
    head = head_of(alpha)
    if head.top == 0:
        raise InputError(
            "the head is cut off by the upper border: an identity photo shows all of it, give one that does"
        )
    height = round(head.height / photo.head)
    width = round(height * photo.size[1] / photo.size[0])
    top = head.top - round(photo.above * height)
    left = head.left + (head.width - width) // 2
    beyond = (-top, -left, top + height - alpha.shape[0], left + width - alpha.shape[1])
    sides = ("above the head", "on the left", "below the head", "on the right")
    for pixels, side, shut in zip(beyond, sides, closed, strict=True):
        if pixels > 0 and shut:
            raise InputError(
                f"the picture has {pixels} pixels too little {side} for an identity photo: give one that "
                "shows more, or, if it is background that is missing, choose a background colour"
            )
    return Frame(top, left, height, width)


def check_crop(crop: str) -> None:
    """Refuse what `frame_of` does not know; "" is no crop.

    Raises:
        InputError: If so.
    """
    if crop not in ("", *CROPS):
        _aspect(crop)


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
