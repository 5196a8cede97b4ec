"""What the outline of the subject tells: the box of the subject, and where its head is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import Alpha, Size
from limner.mattes.masks import remove_small_parts, threshold

LEAST_SUBJECT = 1e-4
"""A subject covers at least this fraction of the picture; less is what a matte of an empty room leaves."""
HEAD_PART = 0.1
"""A part of the mask that may hold the head has at least this fraction of the largest part's area."""
HEAD_SHAPE = 1.25
"""Height of a head with its hair, crown to chin, against its width: tells where to look for the rest."""
FOREHEAD = 0.3
"""Where the forehead is, from the crown (0) to the chin by that shape (1)."""
FACE_SHAPE = 1.75
"""Height of a head against its width at the forehead, where the hair is short."""
HAIR_SHAPE = 1.31
"""The same where long hair covers the neck, and widens the forehead too."""
NECK = (0.75, 1.6)
"""Where a neck may be, as `FOREHEAD`."""
SHOULDERS = 1.15
"""What is wider than so many times the head above are shoulders."""
NARROW = 0.9
"""A neck is narrower than this much of the head."""
TO_NECK = 0.6
"""Weight of the height as far as the neck, beside that by the forehead."""
LEAST_SHAPE = 0.8
"""What is less high than this much of its width is no head."""
LEAST_FILL = 0.5
"""A head fills at least this fraction of its box."""
UPPER = 0.1
"""At most this much of a head is above the row where it is thick."""
THIN = 0.15
"""The head is wider than this fraction of the square root of the subject's area: a raised finger is not."""
CROWN = 0.1
"""The crown is where the outline is this much of the head's width: strands of hair are thinner."""


class NoSubjectError(InputError):
    """There is no subject in the picture."""


@dataclass(frozen=True)
class Frame:
    """A rectangle in pixels of the picture, which may reach beyond its borders."""

    top: int
    left: int
    height: int
    width: int

    def resized(self, before: Size, after: Size) -> "Frame":
        """The same part of a picture whose size has changed."""
        down, across = (new / old for new, old in zip(after, before, strict=True))
        return Frame(
            round(self.top * down),
            round(self.left * across),
            round(self.height * down),
            round(self.width * across),
        )


def find_subject(alpha: Alpha) -> Frame | None:
    """The smallest rectangle around the subject; None where there is none.

    The subject is where the alpha is at least 0.5, less the specks (`remove_small_parts`). It covers at least
    `LEAST_SUBJECT` of the picture.
    """
    mask = remove_small_parts(threshold(alpha))
    if not mask.any() or mask.sum() < LEAST_SUBJECT * mask.size:
        return None
    (top, bottom), (left, right) = (np.flatnonzero(mask.any(axis=axis))[[0, -1]].tolist() for axis in (1, 0))
    return Frame(top, left, bottom + 1 - top, right + 1 - left)


def subject_box(alpha: Alpha) -> Frame:
    """As `find_subject`.

    Raises:
        NoSubjectError: If there is no subject.
    """
    box = find_subject(alpha)
    if box is None:
        raise NoSubjectError("no person found to crop to: leave the crop away, or give another picture")
    return box


def head_of(alpha: Alpha) -> Frame:
    """The head's box, hair included, from the outline of the subject alone.

    Its height is a mean of that as far as the neck and of `FACE_SHAPE` times the width of the forehead; where
    hair covers the neck, it is `HAIR_SHAPE` times that width. An estimate: within 7 % for two of five heads,
    within 15 % for two of three. Of a head that the upper border cuts off, the box reaches beyond the
    border, as far as an ellipse would.

    Raises:
        InputError: If there is no subject, or no head in its outline.
    """
    subject_box(alpha)
    mask = remove_small_parts(threshold(alpha), HEAD_PART)
    widths = mask.sum(axis=1)
    thick = int(np.argmax(widths >= THIN * math.sqrt(mask.sum())))
    height, width = _head_size(widths[thick:])
    above = widths[max(0, thick - int(UPPER * height)) : thick][::-1] < CROWN * width
    top = thick - (int(np.argmax(above)) if above.any() else len(above))
    height += thick - top
    across = mask[top : top + max(1, height // 2)].sum(axis=0)
    columns = np.flatnonzero(across >= CROWN * across.max())
    left, width = int(columns[0]), int(columns[-1]) + 1 - int(columns[0])
    if height < LEAST_SHAPE * width or mask[top : top + height, left : left + width].mean() < LEAST_FILL:
        raise InputError(
            "no head stands out in the outline of the person: give a portrait from the front, or another crop"
        )
    missing = _missing_crown(int(widths[0]) / width, height) if top == 0 else 0
    return Frame(top - missing, left, height + missing, width)


def _head_size(widths: NDArray[np.int64]) -> tuple[int, int]:
    """Height and width of a head that begins in the first of these rows, pixels."""
    down = np.arange(1, len(widths) + 1)
    widest = np.maximum.accumulate(widths)
    high_enough = np.flatnonzero(down >= HEAD_SHAPE * widest[down // 2])
    scale = int(down[high_enough[0]]) if len(high_enough) else len(widths)
    forehead, first, last = (int(fraction * scale) for fraction in (FOREHEAD, *NECK))
    below = widths[first : last + 1]
    shoulders = np.flatnonzero(below > SHOULDERS * widest[first])
    neck = first + int(np.argmin(below[: shoulders[0]] if len(shoulders) else below))
    if widths[neck] < NARROW * widest[neck]:
        height = TO_NECK * neck + (1 - TO_NECK) * FACE_SHAPE * widths[forehead]
    else:
        height = HAIR_SHAPE * widths[forehead]
    return max(1, round(height)), int(widest[scale // 2])


def _missing_crown(chord: float, height: int) -> int:
    """Pixels of an elliptic head above the border, by its width there as a fraction of its largest."""
    lost = 0.5 * (1 - math.sqrt(1 - min(1.0, chord) ** 2))  # fraction of the whole head
    return round(height * lost / (1 - lost))
