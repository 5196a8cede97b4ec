"""Where the subject stands in the result, beyond what a crop can say: for programs that compute it."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from limner.images import Alpha, Pixels, Size, resize
from limner.rendering.framing import crop_to, extend_to
from limner.rendering.outline import Frame, subject_box

_Array = TypeVar("_Array", Alpha, Pixels)


def at_most(size: Size, max_pixels: int | None) -> Size:
    """The largest size of about the same proportions with at most so many pixels, if it has more."""
    height, width = size
    if max_pixels is None or height * width <= max_pixels:
        return size
    factor = math.sqrt(max_pixels / (height * width))
    return max(1, int(height * factor)), max(1, int(width * factor))


class Length(NamedTuple):
    """Pixels, a fraction of a whole, or a sum of both."""

    pixels: float = 0.0
    fraction: float = 0.0

    def of(self, whole: float) -> float:
        """In pixels, of a whole of so many."""
        return self.pixels + self.fraction * whole


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What of a picture may be subject, and where the subject stands.

    The canvas is the picture, or with ``crop`` the subject's box and its margins, which may reach beyond the
    picture. Without ``scale`` and ``position`` the subject stays where it is on the canvas.

    Attributes:
        region: Left, top, right and bottom of what may be subject, of the picture's width and height; all
            outside is background.
        crop: Whether the canvas is the subject's box.
        margins: Around the box of a crop: top, right, bottom, left, of its height and width.
        scale: Largest fraction of the canvas's height and width that the subject takes, exactly so much of
            one of them; None keeps its size.
        position: Where the subject is in the free part of the canvas, down and across, 0 to 1; None keeps
            the middle of its box where it is.
        max_pixels: Of the result; a larger canvas is reduced, with all that is on it.
    """

    region: tuple[Length, Length, Length, Length] | None = None
    crop: bool = False
    margins: tuple[Length, Length, Length, Length] = (Length(),) * 4
    scale: float | None = None
    position: tuple[float, float] | None = None
    max_pixels: int | None = None

    @property
    def moves(self) -> bool:
        """Whether it does more than to keep a region."""
        return self.crop or self.scale is not None or self.position is not None

    def resized(self, before: Size, after: Size) -> "Layout":
        """For a picture whose size has changed: the same region."""
        if self.region is None:
            return self
        down, across = (new / old for new, old in zip(after, before, strict=True))
        left, top, right, bottom = (
            Length(one.pixels * factor, one.fraction)
            for one, factor in zip(self.region, (across, down) * 2, strict=True)
        )
        return replace(self, region=(left, top, right, bottom))

    def keep_region(self, alpha: Alpha) -> Alpha:
        """The alpha, 0 outside the region."""
        if self.region is None:
            return alpha
        height, width = alpha.shape
        left, top, right, bottom = (
            min(max(0, round(length.of(whole))), whole)
            for length, whole in zip(self.region, (width, height) * 2, strict=True)
        )
        kept = np.zeros_like(alpha)
        kept[top:bottom, left:right] = alpha[top:bottom, left:right]
        return kept

    def place(self, alpha: Alpha) -> "Place":
        """How the picture is laid on the canvas.

        Args:
            alpha: (H, W) float32 in [0, 1].

        Raises:
            NoSubjectError: If there is no subject.
        """
        box = subject_box(alpha)
        height, width = alpha.shape
        down, across = float(box.top), float(box.left)
        if self.crop:
            top, bottom = (length.of(box.height) for length in self.margins[::2])
            right, left = (length.of(box.width) for length in self.margins[1::2])
            height, width = box.height + round(top + bottom), box.width + round(left + right)
            down, across = top, left
        scale = 1.0
        if self.scale is not None:
            scale = self.scale * min(height / box.height, width / box.width)
            down += (1 - scale) * box.height / 2
            across += (1 - scale) * box.width / 2
        if self.position is not None:
            down = self.position[0] * (height - scale * box.height)
            across = self.position[1] * (width - scale * box.width)
        return Place(
            scale, round(down - scale * box.top), round(across - scale * box.left), (height, width)
        ).reduced(self.max_pixels)


class Place(NamedTuple):
    """A picture, resized, on a canvas."""

    scale: float
    top: int  # of the resized picture on the canvas; may be negative
    left: int
    size: Size  # of the canvas

    def reduced(self, max_pixels: int | None) -> "Place":
        """The same with at most so many pixels."""
        size = at_most(self.size, max_pixels)
        factor = size[0] / self.size[0]
        return Place(self.scale * factor, round(self.top * factor), round(self.left * factor), size)

    def apply(self, alpha: Alpha) -> Alpha:
        """An alpha on the canvas, 0 around the picture."""
        seen, top, left = self._resized(alpha)
        return crop_to(seen, Frame(-top, -left, *self.size))

    def extend(self, pixels: Pixels) -> Pixels:
        """Pixels on the canvas, the borders repeated around the picture."""
        seen, top, left = self._resized(pixels)
        return extend_to(seen, Frame(-top, -left, *self.size))

    def _resized(self, layer: _Array) -> tuple[_Array, int, int]:
        """The part of the picture that shows, at the canvas's scale, and its top and left there."""
        top, rows, height = self._seen(self.top, layer.shape[0], self.size[0])
        left, columns, width = self._seen(self.left, layer.shape[1], self.size[1])
        return resize(layer[rows, columns], (height, width)), top, left

    def _seen(self, start: int, length: int, canvas: int) -> tuple[int, slice, int]:
        """Along one side: where on the canvas that part of the picture begins that shows, which, how long."""
        first = min(max(0, math.floor(-start / self.scale)), length - 1)
        last = min(max(first + 1, math.ceil((canvas - start) / self.scale)), length)
        begin, end = round(first * self.scale), round(last * self.scale)
        return start + begin, slice(first, last), max(1, end - begin)
