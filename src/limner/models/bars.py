"""Bars of one colour on two sides of a picture, as phones and players add them: no network need see them."""

import numpy as np

from limner.images import Image

TOLERANCE = 8
"""Levels by which a pixel of a bar may differ from the colour of its corner: JPEG is not exact."""

SMALLEST = 0.02
"""Thickness of each bar, at least, over the picture's length in that direction."""

FADE = 16
"""Lines behind a bar within which the picture begins: the length of JPEG's largest blocks."""


def between_bars(image: Image) -> tuple[slice, slice]:
    """Rows and columns between bars above and below, and left and right; all of them where there are none.

    A bar ends along more than half its length. The backdrop of a studio does not: there a few pixels of the
    subject come first.

    Args:
        image: (H, W, 3) uint8.
    """
    rows = _between(image)
    return rows, _between(image[rows].swapaxes(0, 1))


def _between(lines: Image) -> slice:
    count = len(lines)
    first, last = _thickness(lines), _thickness(lines[::-1])
    is_pair = min(first, last) >= max(1, SMALLEST * count) and first + last < count
    return slice(first, count - last) if is_pair else slice(0, count)


def _thickness(lines: Image) -> int:
    """How many lines, from the first on, are a bar; 0 if they do not end as one."""
    colour = lines[0, 0].astype(np.int16)

    def other(line: Image) -> float:
        """Fraction of the pixels that have another colour."""
        return float((np.abs(line - colour) > TOLERANCE).any(axis=1).mean())

    thickness = next((index for index, line in enumerate(lines) if other(line)), len(lines))
    begins = any(other(line) > 0.5 for line in lines[thickness : thickness + FADE])
    return thickness if begins else 0
