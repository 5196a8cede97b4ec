"""The forms that pictures have inside the package, and how large they may be."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8, RGB, upright, sRGB values."""
Rgba: TypeAlias = NDArray[np.uint8]
"""(H, W, 4) uint8, RGB and straight (never premultiplied) alpha."""
Pixels: TypeAlias = NDArray[Any]
"""(H, W, 3) RGB or (H, W) grey, uint8 or uint16, upright, in the colours of a profile."""
Alpha: TypeAlias = NDArray[np.float32]
"""(H, W) float32 in [0, 1], opacity of the subject."""
Mask: TypeAlias = NDArray[np.bool_]
"""(H, W) bool, True on the subject."""
Labels: TypeAlias = NDArray[np.uint8]
"""(H, W) uint8 class indices."""
Size: TypeAlias = tuple[int, int]
"""(height, width) in pixels."""
Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue, each in 0..255."""

MAX_PIXELS = 178_956_970
"""Largest picture decoded by default, about 179 megapixels: Pillow refuses more, and warns at half."""


def too_large(name: str, found: str, limit: int) -> str:
    """The message for the file ``name`` of the size ``found``, where ``limit`` pixels are allowed."""
    return f"{name} is too large ({found}): the limit is {limit / 1e6:.0f} megapixels; make it smaller first"
