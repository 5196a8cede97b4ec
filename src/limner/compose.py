"""From image and alpha to a finished picture: ``I = alpha * F + (1 - alpha) * B``."""

from typing import overload

import numpy as np

from limner.errors import InputError
from limner.images import Alpha, Colour, Image, Pillow, Rgba, as_image, resize, to_pillow
from limner.masks import to_uint8


@overload
def cutout(image: Pillow, alpha: Alpha) -> Pillow: ...
@overload
def cutout(image: Image, alpha: Alpha) -> Rgba: ...
def cutout(image: Image | Pillow, alpha: Alpha) -> Rgba | Pillow:
    """The subject on a transparent background, (H, W, 4) uint8: the image's colours beside the alpha.

    The alpha is straight: (200, 100, 50) at alpha 128 / 255 is stored as (200, 100, 50, 128).

    Args:
        image: (H, W, 3) uint8, or a Pillow picture, which gives a Pillow picture back.
        alpha: (H, W) float32 in [0, 1].

    Raises:
        InputError: If the sizes differ.
    """
    pixels = _same_size(image, alpha)
    result = np.dstack((pixels, to_uint8(alpha)))
    return to_pillow(result) if isinstance(image, Pillow) else result


@overload
def composite(foreground: Pillow, alpha: Alpha, background: Colour | Pillow | Image) -> Pillow: ...
@overload
def composite(foreground: Image, alpha: Alpha, background: Colour | Pillow | Image) -> Image: ...
def composite(
    foreground: Image | Pillow, alpha: Alpha, background: Colour | Pillow | Image
) -> Image | Pillow:
    """The subject on a new background, ``round(alpha * F + (1 - alpha) * B)``, (H, W, 3) uint8.

    Args:
        foreground: (H, W, 3) uint8, or a Pillow picture, which gives a Pillow picture back.
        alpha: (H, W) float32 in [0, 1].
        background: A colour, or a picture of any size, which is scaled to cover the whole frame.

    Raises:
        InputError: If the sizes of foreground and alpha differ.
    """
    pixels = _same_size(foreground, alpha)
    if isinstance(background, tuple):
        behind = np.array(background, np.float32)
    else:
        behind = cover(as_image(background), alpha.shape).astype(np.float32)
    opacity = alpha[..., None].astype(np.float32)
    result = np.rint(behind + opacity * (pixels - behind)).astype(np.uint8)
    return to_pillow(result) if isinstance(foreground, Pillow) else result


def cover(image: Image, size: tuple[int, ...]) -> Image:
    """Scale a picture, its proportions kept, until it covers ``size`` (height, width); cut off the rest."""
    height, width = size
    scale = max(height / image.shape[0], width / image.shape[1])
    large = resize(
        image, (max(height, round(image.shape[0] * scale)), max(width, round(image.shape[1] * scale)))
    )
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return large[top : top + height, left : left + width]


def _same_size(image: Image | Pillow, alpha: Alpha) -> Image:
    pixels = as_image(image)
    if pixels.shape[:2] != alpha.shape:
        raise InputError(f"sizes differ: image {pixels.shape[:2]}, alpha {alpha.shape}")
    return pixels
