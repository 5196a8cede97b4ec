"""A picture with all that belongs to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.images.arrays import Alpha, Image, Pixels
from limner.images.colour import pixels_from_srgb, pixels_to_srgb
from limner.images.depth import to_depth, to_uint8
from limner.images.tiles import Tiles, kinds, spans


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A picture with all that belongs to it.

    Colours stay as the file has them: at its depth, and in the numbers of its profile. Programs that show
    the picture by its profile show the same colours.

    Example:
        >>> photo = limner.Photo(pixels=np.full((2, 3, 3), 65535, np.uint16))
        >>> photo.image.shape, photo.image.dtype.name, int(photo.image.max())
        ((2, 3, 3), 'uint8', 255)
    """

    pixels: Pixels  # (H, W, 3) uint8 or uint16, upright; (H, W) for a matte
    alpha: Alpha | None = None  # (H, W), the opacity it came with or was given
    profile: bytes | None = None  # the ICC profile of RGB pixels; None is sRGB
    exif: bytes | None = None  # what it says of the shot: camera, time, place; nothing of size or turning
    dpi: tuple[float, float] | None = None  # across, down

    @property
    def image(self) -> Image:
        """What a network is shown: (H, W, 3) uint8, sRGB, over white where it is transparent.

        The pixels themselves where they are that already; else made at each call.
        """
        image = to_uint8(self.pixels)
        if image.ndim == 2:
            image = np.stack([image] * 3, axis=2)
        if self.profile is not None:
            image = pixels_to_srgb(image, self.profile)
        return image if self.alpha is None else blend(image, self.alpha, np.full(3, 255, np.uint8))

    def from_srgb(self, image: Image) -> Pixels:
        """An sRGB picture in the colours and at the depth of this one, to be composited with it.

        Args:
            image: (H, W, 3) uint8, of any size.
        """
        if self.profile is not None:
            image = pixels_from_srgb(image, self.profile)
        return to_depth(image, self.pixels.dtype)


def blend(foreground: Pixels, alpha: Alpha, background: Pixels) -> Pixels:
    """``round(alpha * F + (1 - alpha) * B)`` of images of one size and type; computed where both are seen.

    Args:
        foreground: (H, W, C) uint8 or uint16.
        alpha: (H, W) float32 in [0, 1].
        background: Like ``foreground``, or one colour of that type, (C,).
    """
    found = kinds(alpha)
    result = np.empty_like(foreground)
    if background.ndim == 1:
        result[0] = background
        background = np.broadcast_to(result[0].copy(), foreground.shape)  # whole rows are copied below
    result[...] = background
    for rows, columns in spans(found.opaque):
        result[rows, columns] = foreground[rows, columns]
    for tiles in Tiles.of(found.mixed, alpha.shape):
        opacity, front, behind = (tiles.cut(array) for array in (alpha, foreground, background))
        for channel in range(front.shape[-1]):
            front[..., channel] = mix(front[..., channel], opacity, behind[..., channel])
        tiles.paste(front, result)
    return result


def mix(foreground: NDArray[Any], alpha: Alpha, background: NDArray[Any]) -> NDArray[np.float32]:
    """``round(alpha * F + (1 - alpha) * B)`` of arrays of the same shape."""
    mixed, back = foreground.astype(np.float32), background.astype(np.float32)
    mixed -= back
    mixed *= alpha
    mixed += back
    return np.rint(mixed, out=mixed)
