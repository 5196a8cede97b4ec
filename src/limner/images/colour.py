"""Colours: their names, and colour profiles."""

import io
import re
from functools import lru_cache
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageColor

from limner.errors import InputError
from limner.images.arrays import Image
from limner.images.strips import map_strips, strips

# The opacity of an rgba(...) as style sheets have it.
_FRACTION = r",\s*(0?\.\d+|0\.|1\.0*)\s*\)\s*$"

BROKEN_PROFILE = (PIL.ImageCms.PyCMSError, OSError)
"""What littleCMS raises through Pillow on a profile that it cannot use."""


def parse_colour(text: str) -> tuple[int, int, int, int]:
    """Read a colour by name ("white"), as hex ("#c86432", "#c8643280") or as "rgba(200, 100, 50, 0.5)".

    An opacity without a decimal point is in 0..255: "rgba(200, 100, 50, 128)".

    Returns:
        Red, green, blue and opacity, each in 0..255; without one the opacity is 255.

    Raises:
        InputError: If it is none of these.
    """
    fraction = re.search(_FRACTION, text)
    if fraction:
        text = f"{text[: fraction.start(1)]}{round(255 * float(fraction[1]))})"
    try:
        red, green, blue, *opacity = PIL.ImageColor.getrgb(text)
    except ValueError as error:
        raise InputError(f"'{text}' is not a colour: use a name, #rrggbb or rgb(r, g, b)") from error
    if max(red, green, blue, *opacity) > 255:
        raise InputError(f"'{text}' is not a colour: its values end at 255")
    return red, green, blue, opacity[0] if opacity else 255


def colour_space(profile: bytes) -> str:
    """What a profile describes: "RGB", "GRAY", "CMYK", "Lab" ...

    Raises:
        PIL.ImageCms.PyCMSError, OSError: If it is damaged; see `BROKEN_PROFILE`.
    """
    return str(_parsed(profile).profile.xcolor_space).strip()


def picture_to_srgb(picture: PIL.Image.Image, profile: bytes) -> PIL.Image.Image:
    """A picture in CMYK, Lab or grey in the colours of sRGB, without its transparency."""
    return PIL.ImageCms.buildTransform(_parsed(profile), _srgb(), picture.mode, "RGB").apply(picture)


def pixels_to_srgb(pixels: Image, profile: bytes) -> Image:
    """Pixels of an RGB profile in the colours of sRGB, (H, W, 3) uint8."""
    return pixels if _is_srgb(profile) else _convert(pixels, _parsed(profile), _srgb())


def pixels_from_srgb(image: Image, profile: bytes) -> Image:
    """The inverse of `pixels_to_srgb`, as far as the profile holds the colours."""
    return image if _is_srgb(profile) else _convert(image, _srgb(), _parsed(profile))


@lru_cache(maxsize=8)
def _is_srgb(profile: bytes) -> bool:
    """Whether an RGB profile is sRGB itself, by its name; one whose name cannot be read is not."""
    try:
        return "sRGB" in PIL.ImageCms.getProfileDescription(_parsed(profile))
    except PIL.ImageCms.PyCMSError:
        return False


def _convert(pixels: Image, source: Any, target: Any) -> Image:
    transform = PIL.ImageCms.buildTransform(source, target, "RGB", "RGB")
    result = np.empty_like(pixels)

    def convert(rows: slice) -> None:
        result[rows] = np.asarray(transform.apply(PIL.Image.fromarray(np.ascontiguousarray(pixels[rows]))))

    for _ in map_strips(convert, strips(len(pixels), pixels[0].nbytes)):
        pass
    return result


def _parsed(profile: bytes) -> PIL.ImageCms.ImageCmsProfile:
    return PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _srgb() -> Any:
    return PIL.ImageCms.createProfile("sRGB")
