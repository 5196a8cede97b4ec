"""Identity photos: their formats, and the frame that shows the head as large and where it belongs."""

import logging
import re
from dataclasses import dataclass

import numpy as np

from limner.errors import InputError
from limner.images import Alpha, Mask
from limner.mattes.masks import remove_small_parts, threshold
from limner.rendering.outline import Frame, head_of

_log = logging.getLogger(__name__)

CUT = (0.02, 0.2)
"""Fractions of a head that the upper border may cut off: without a word, and with a warning."""
PLAY = 0.05
"""How far from its place a head may be where the picture ends, as a fraction of the frame's side."""
TOUCH = 0.02
"""A subject is cut off by a border that it touches along this fraction of the frame's side."""
GAP = 0.08
"""How far from a side of the frame hair or a shoulder may be cut off, as a fraction of the frame's width."""
OVER = 0.06
"""How much more of the height than allowed a head may take, with a warning: the outline tells no better."""
LEAST_DPI = 75
"""A photo is refused where the picture has fewer pixels an inch: a face is then 100 pixels high."""


@dataclass(frozen=True, kw_only=True)
class IdPhoto:
    """A format of identity photo; fractions are of its height.

    Authorities differ and change their rules, and some refuse photos whose background was edited.
    """

    size_mm: tuple[float, float]  # height, width
    size: tuple[int, int]  # height, width in pixels
    head: float  # from the chin to the crown, hair included
    largest_head: float  # that is allowed
    above: float  # from the crown to the upper border
    least_dpi: float  # pixels an inch that are asked for

    @property
    def dpi(self) -> float:
        """Pixels an inch."""
        return self.size[0] / self.size_mm[0] * 25.4


ID_PHOTOS = {
    # ICAO Doc 9303 part 3: the head takes 70-80 % of the height; 34 of 45 mm, 3.5 mm above it; 300 dpi.
    "35x45mm": IdPhoto(
        size_mm=(45, 35), size=(1063, 827), head=0.75, largest_head=0.8, above=0.08, least_dpi=300
    ),
    # US Department of State: a head of 1 to 1 3/8 in, eyes 1 1/8 to 1 3/8 in above the lower border; 300 dpi.
    "2x2in": IdPhoto(
        size_mm=(50.8, 50.8), size=(1200, 1200), head=0.6, largest_head=0.69, above=0.08, least_dpi=300
    ),
}
"""Both at 600 dots an inch."""

_UNITS_MM = {"mm": 1.0, "cm": 10.0, "in": 25.4}  # other spellings are all of inches
_UNIT = r"\s*(mm|cm|in|inch|inches|''|[\"″”])?\s*"
_SIZE = rf"(\d+(?:[.,]\d+)?){_UNIT}[x\u00d7*]\s*(\d+(?:[.,]\d+)?){_UNIT}"


def id_name(text: str) -> str | None:
    """The key of `ID_PHOTOS` that a size means, within 0.5 mm; None where there is no such format.

    Width first, in any unit: "3.5 x 4,5 cm", "35mm x 45mm", "2 x 2 inches"; without one in any that fits.
    """
    found = re.fullmatch(_SIZE, text.strip().lower())
    if found is None:
        return None
    width, first, height, last = found.groups()
    unit = last or first
    for factor in [_UNITS_MM.get(unit, _UNITS_MM["in"])] if unit else _UNITS_MM.values():
        size_mm = [float(side.replace(",", ".")) * factor for side in (height, width)]
        for name, photo in ID_PHOTOS.items():
            if np.allclose(size_mm, photo.size_mm, rtol=0, atol=0.5):
                return name
    return None


def id_frame(alpha: Alpha, photo: IdPhoto, *, inside: bool = False) -> Frame:
    """The frame of an identity photo.

    Where the picture ends, the head is a little larger or off its place. With a warning it may be larger
    than the format allows (`OVER`), and a little of crown, hair or shoulder cut off (`CUT`, `GAP`).

    Args:
        alpha: (H, W) float32 in [0, 1].
        photo: Its format.
        inside: Keep the frame within the picture.

    Raises:
        InputError: If there is no head in the outline, or the picture shows too little of it.
    """
    head = head_of(alpha)
    height = head.height / photo.head
    dpi = height / photo.size[0] * photo.dpi
    if dpi < LEAST_DPI:
        raise InputError(
            f"the head is {head.height} pixels high, and the identity photo shows it at "
            f"{round(photo.head * photo.size[0])}: give a larger picture"
        )
    cut = max(0.0, -head.top / head.height)
    if cut > CUT[1]:
        raise InputError(
            "the head is cut off by the upper border: an identity photo shows all of it, give one that does"
        )
    mask = remove_small_parts(threshold(alpha))
    largest = photo.largest_head
    for fraction in (*np.linspace(photo.head, largest, 10), *np.linspace(largest, largest + OVER, 6)):
        frame, lacks = _fitted(mask, photo, head, float(fraction), inside=inside)
        if not lacks or (fraction >= largest and all(pixels <= allowed for _, pixels, allowed in lacks)):
            break
    for side, pixels, allowed in lacks:
        if pixels > allowed:
            more = ", or put a colour behind, which fills what is missing" if inside else ""
            raise InputError(
                f"the picture has {pixels} pixels too little {side} for an identity photo: "
                f"give one that shows more{more}"
            )
        _log.warning("hair or a shoulder is cut off %s, where the identity photo continues", side)
    if fraction > largest:
        _log.warning(
            "the head takes %.0f %% of the identity photo's height by its outline, and %.0f are allowed: "
            "measure it",
            100 * fraction, 100 * largest,
        )  # fmt: skip
    if cut > CUT[0]:
        _log.warning("the crown is cut off by the upper border: an identity photo shows all of the head")
    if dpi < photo.least_dpi:
        _log.warning(
            "the identity photo is enlarged %.1f times, so it looks soft: the picture has %.0f dots an inch, "
            "and %.0f are asked for",
            photo.size[0] / frame.height, dpi, photo.least_dpi,
        )  # fmt: skip
    return frame


def _fitted(
    mask: Mask, photo: IdPhoto, head: Frame, fraction: float, *, inside: bool
) -> tuple[Frame, list[tuple[str, int, float]]]:
    """The frame in which the head takes this fraction of the height, and the pixels that are missing for it.

    Of these: on which side, how many, and how many may be missing, since the background fills them.
    """
    height = round(head.height / fraction)
    width = round(height * photo.size[1] / photo.size[0])
    top = head.top - round(photo.above * (1 - fraction) / (1 - photo.head) * height)
    left = head.left + (head.width - width) // 2

    def cuts(line: Mask, start: int, length: int) -> bool:
        """Whether a border of the picture cuts the subject off along this stretch."""
        return inside or line[max(0, start) : max(0, start + length)].sum() > TOUCH * length

    lowest = cuts(mask[-1], left, width)
    first, last = (cuts(mask[:, column], top, height) for column in (0, -1))
    top, down = _placed(top, height, len(mask), round(PLAY * height), inside, lowest)
    left, right = _placed(left, width, mask.shape[1], round(PLAY * width), first, last)
    lacks = [
        ("above the head" if down < 0 else "below the head", abs(down), 0.0),
        ("on the left" if right < 0 else "on the right", abs(right), 0.0 if inside else GAP * width),
    ]
    return Frame(top, left, height, width), [lack for lack in lacks if lack[1]]


def _placed(start: int, length: int, end: int, play: int, first: bool, last: bool) -> tuple[int, int]:
    """Where a stretch starts that reaches beyond no closed border, at most ``play`` from where it should.

    And how many pixels are missing for that: below 0 at the first border, above 0 at the last.
    """
    low = max(start - play, 0) if first else start - play
    high = min(start + play, end - length) if last else start + play
    if low <= high:
        return min(max(start, low), high), 0
    if last and (not first or start + length - end > -start):
        return low, low - high
    return high, high - low
