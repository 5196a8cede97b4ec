"""Colours: their names, and the profiles that say what a picture's numbers mean."""

import io
import logging
from typing import cast

import PIL.Image
import PIL.ImageCms
import PIL.ImageColor

from limner.errors import InputError

_log = logging.getLogger(__name__)


def parse_colour(text: str) -> tuple[int, int, int, int]:
    """Read a colour by name ("white"), as hex ("#c86432", "#c8643280") or as "rgba(200, 100, 50, 128)".

    Returns:
        Red, green, blue and opacity, each in 0..255; without one the opacity is 255.

    Raises:
        InputError: If it is none of these.
    """
    try:
        red, green, blue, *opacity = PIL.ImageColor.getrgb(text)
    except ValueError as error:
        raise InputError(f"'{text}' is not a colour: use a name, #rrggbb or rgb(r, g, b)") from error
    return red, green, blue, opacity[0] if opacity else 255


def to_srgb(picture: PIL.Image.Image, profile: bytes, name: str) -> PIL.Image.Image:
    """The picture with its numbers turned from those of a profile to those of sRGB."""
    try:
        source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in PIL.ImageCms.getProfileDescription(source):
            return picture
        target = PIL.ImageCms.createProfile("sRGB")
        converted = PIL.ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (PIL.ImageCms.PyCMSError, OSError) as error:
        _log.warning("%s: its colour profile does not fit (%s); its values are taken as sRGB", name, error)
        return picture
    return cast(PIL.Image.Image, converted)
