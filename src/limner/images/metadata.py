"""EXIF data of the shot (camera, time, place, rights), apart from what describes the file itself."""

import struct
from typing import Any, Literal, get_args

import PIL.ExifTags
import PIL.Image

Metadata = Literal["no-gps", "keep", "strip"]
METADATA: tuple[Metadata, ...] = get_args(Metadata)
"""What may be asked for: all but the place (the default), all, nothing."""

BROKEN_EXIF = (
    *(struct.error, OSError, SyntaxError, ValueError),
    *(TypeError, LookupError, ArithmeticError, AttributeError),
)
"""What Pillow raises on EXIF data that cannot be read or written again."""

_Base, _Ifd = PIL.ExifTags.Base, PIL.ExifTags.IFD
_KEPT = (
    *(_Base.ImageDescription, _Base.Make, _Base.Model, _Base.Software),
    *(_Base.DateTime, _Base.Artist, _Base.Copyright),
)
# Not true of a picture that was turned, cropped or composited; and an offset in the old file.
_FORM = (_Base.ExifImageWidth, _Base.ExifImageHeight, _Base.ExifInteroperabilityOffset)


def orientation(exif: PIL.Image.Exif) -> int:
    """How the picture is to be turned, 1 to 8, whatever type the number has; 1 where it is none of these.

    Raises:
        struct.error, OSError, ...: If it is damaged; see `BROKEN_EXIF`.
    """
    value = exif.get(_Base.Orientation, 1)
    if isinstance(value, bytes | tuple):
        value = value[0]
    return int(value) if int(value) in range(1, 9) else 1


def shot_exif(exif: PIL.Image.Exif) -> bytes | None:
    """The part of a file's EXIF data that stays true of the upright pixels alone; None where there is none.

    Size, orientation, resolution and the embedded thumbnail, which shows the old picture, are left out.

    Raises:
        struct.error, OSError, ...: If it is damaged; see `BROKEN_EXIF`.
    """
    result = PIL.Image.Exif()
    for tag in _KEPT:
        if tag in exif:
            result[tag] = exif[tag]
    shot: dict[int, Any] = {tag: value for tag, value in exif.get_ifd(_Ifd.Exif).items() if tag not in _FORM}
    gps = exif.get_ifd(_Ifd.GPSInfo)
    if shot:
        result[_Ifd.Exif] = shot
    if gps:
        result[_Ifd.GPSInfo] = dict(gps)
    return result.tobytes() if len(result) else None


def select_exif(exif: bytes | None, metadata: Metadata) -> PIL.Image.Exif:
    """What is to be written of the EXIF data of a photo."""
    result = PIL.Image.Exif()
    if exif is not None and metadata != "strip":
        result.load(exif)
        if metadata == "no-gps" and _Ifd.GPSInfo in result:
            del result[_Ifd.GPSInfo]
    return result
