"""A picture with all that belongs to it."""

from dataclasses import dataclass

from limner.images.arrays import Alpha, Image


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A picture with all that belongs to it."""

    pixels: Image  # (H, W, 3) uint8 or uint16, upright; (H, W) uint8 for a matte
    alpha: Alpha | None = None  # (H, W), the opacity it came with or was given
    profile: bytes | None = None  # the ICC profile of the pixels; None is sRGB
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None  # across, down

    @property
    def image(self) -> Image:
        """What a network is shown: (H, W, 3) uint8, sRGB."""
        return self.pixels
