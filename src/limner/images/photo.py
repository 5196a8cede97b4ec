"""A picture with all that belongs to it."""

from dataclasses import dataclass

import numpy as np

from limner.images.arrays import Alpha, Image, Pixels
from limner.images.colour import is_srgb, pixels_from_srgb, pixels_to_srgb
from limner.images.depth import to_depth, to_uint8
from limner.images.strips import strips


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A picture with all that belongs to it.

    Colours stay as the file has them: at its depth, and in the numbers of its profile. Programs that show
    the picture by its profile show the same colours.
    """

    pixels: Pixels  # (H, W, 3) uint8 or uint16, upright; (H, W) for a matte
    alpha: Alpha | None = None  # (H, W), the opacity it came with or was given
    profile: bytes | None = None  # the ICC profile of RGB pixels; None is sRGB
    exif: bytes | None = None  # what it says of the shot: camera, time, place; nothing of size or turning
    dpi: tuple[float, float] | None = None  # across, down

    @property
    def image(self) -> Image:
        """What a network is shown: (H, W, 3) uint8, sRGB, laid over white where it is transparent.

        The pixels themselves where they are that already; else made at each call.
        """
        image = to_uint8(self.pixels)
        if image.ndim == 2:
            image = np.stack([image] * 3, axis=2)
        if self.profile is not None and not is_srgb(self.profile):
            image = pixels_to_srgb(image, self.profile)
        return image if self.alpha is None else _over_white(image, self.alpha)

    def like(self, image: Image) -> Pixels:
        """Another picture in the colours and at the depth of this one, to be laid behind or beside it.

        Args:
            image: (H, W, 3) uint8, sRGB, of any size.
        """
        if self.profile is not None and not is_srgb(self.profile):
            image = pixels_from_srgb(image, self.profile)
        return to_depth(image, self.pixels.dtype)


def _over_white(image: Image, alpha: Alpha) -> Image:
    result = np.empty_like(image)
    for rows in strips(len(image), image[0].nbytes):
        result[rows] = np.rint(255 + alpha[rows][..., None] * (image[rows].astype(np.float32) - 255))
    return result
