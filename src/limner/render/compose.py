"""From image and alpha to a finished picture: ``I = alpha * F + (1 - alpha) * B``."""

from typing import overload

import numpy as np

from limner.errors import InputError
from limner.images import Alpha, Colour, Image, Pillow, Rgba, as_image, to_pillow
from limner.mattes.foreground import estimate_foreground
from limner.mattes.masks import to_uint8
from limner.render.backgrounds import blurred, lay_out, mix


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
        behind = np.broadcast_to(np.array(background, np.uint8), pixels.shape)
    else:
        behind = lay_out(as_image(background), (alpha.shape[0], alpha.shape[1]))
    result = mix(pixels, alpha, behind)
    return to_pillow(result) if isinstance(foreground, Pillow) else result


def blur_background(image: Image, alpha: Alpha, *, radius: float | None = None, lens: bool = False) -> Image:
    """The photo with everything but its subject out of focus, (H, W, 3) of the image's type.

    Args:
        image: (H, W, 3) uint8 or uint16.
        alpha: (H, W) float32 in [0, 1].
        radius: Of the blur, pixels; by default 2 % of the longer side.
        lens: Blur by a disc, as an open lens does.

    Raises:
        InputError: If the sizes differ, or the radius is not positive.
    """
    pixels = _same_size(image, alpha)
    radius = 0.02 * max(alpha.shape) if radius is None else radius
    behind = blurred(pixels, alpha, radius=radius, lens=lens)
    return mix(estimate_foreground(pixels, alpha), alpha, behind)


def _same_size(image: Image | Pillow, alpha: Alpha) -> Image:
    pixels = as_image(image)
    if pixels.shape[:2] != alpha.shape:
        raise InputError(f"sizes differ: image {pixels.shape[:2]}, alpha {alpha.shape}")
    return pixels
