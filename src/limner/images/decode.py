"""Pictures in: decoded, turned upright, brought to one form."""

import logging

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageChops
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images.arrays import MAX_PIXELS, Alpha, Image, Labels, Pixels, Rgba, Size
from limner.images.cicp import tone_map
from limner.images.colour import BROKEN_PROFILE, colour_space, picture_to_srgb
from limner.images.deep import is_deep, is_premultiplied, join, read_deep
from limner.images.depth import to_uint8, unpremultiply
from limner.images.metadata import BROKEN_EXIF, orientation, shot_exif
from limner.images.opening import Pillow, Source, name_of, open_picture, read_source
from limner.images.photo import Photo
from limner.images.strips import strips
from limner.images.unprofiled import adobe_rgb

_ANIMATED = {"GIF", "PNG", "WEBP", "TIFF", "AVIF"}
_TURN = PIL.Image.Transpose
_TURNS = {  # EXIF orientation -> what makes it upright
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_90,
}
_MODES = {  # colour space of a profile -> modes of the pictures that it can describe
    "RGB": {"RGB", "RGBA", "P", "PA", "L", "LA", "1", "I;16"},
    "GRAY": {"L", "LA", "1", "I;16"},
    "CMYK": {"CMYK"},
    "Lab": {"LAB"},
}
_log = logging.getLogger(__name__)


def load_photo(source: Source, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Decode a picture with all that belongs to it.

    Any mode is read: grey, palette, RGB, CMYK, Lab, with transparency or without, 8 or 16 bits a channel.
    EXIF orientation is applied. RGB pixels stay in the colours of their profile; CMYK, Lab and grey ones
    that have a profile become sRGB. Of an animation the first frame is taken, and a warning is logged.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        max_pixels: Larger pictures are refused before they are decoded.

    Raises:
        InputError: If there is no such file, or it is not a whole picture of at most ``max_pixels``.

    Example:
        >>> photo = limner.load_photo("photo.jpg")
        >>> photo.pixels.dtype.name, photo.alpha is None
        ('uint8', True)
    """
    name = name_of(source)
    with open_picture(read_source(source), name, max_pixels) as picture:
        return decode_photo(picture, name)


def load_image(source: Source, *, max_pixels: int = MAX_PIXELS, least_side: int | None = None) -> Image:
    """Decode a picture into an upright sRGB image: the `Photo.image` of `load_photo`.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        max_pixels: Larger pictures are refused before they are decoded.
        least_side: Decode a JPEG at 1/2, 1/4 or 1/8 of its size, which is faster, as long as both its sides
            keep at least so many pixels; other formats are decoded at their own size.

    Raises:
        InputError: As `load_photo`.

    Example:
        >>> image = limner.load_image("photo.jpg")
        >>> image.dtype.name, image.ndim, image.shape[2]
        ('uint8', 3, 3)
    """
    name = name_of(source)
    with open_picture(read_source(source), name, max_pixels) as picture:
        return decode_photo(picture, name, least_side).image


def load_alpha(source: Source, *, max_pixels: int = MAX_PIXELS) -> Alpha:
    """Decode a mask that holds opacity, (H, W) float32 in [0, 1]: what is opaque or white is the subject.

    A picture with transparency gives its alpha channel, unless that is opaque everywhere; any other gives its
    grey levels: 1, 8 or 16 bits, or colours whose three channels are equal.

    Raises:
        InputError: As `load_image`, or if the picture has neither transparency nor grey levels.
    """
    name = name_of(source)
    picture = _stored(source, max_pixels)
    if picture.mode.startswith("I"):
        picture = PIL.Image.fromarray(to_uint8(_deep_grey(picture, name)))
    picture = _opacity(picture) or picture
    if picture.mode not in {"1", "L"}:
        first, *others = picture.convert("RGB").split()
        if any(PIL.ImageChops.difference(first, other).getbbox() for other in others):
            raise InputError(
                f"{name} is not a mask: it has colours and no transparency; save it as 8-bit grey, or, "
                "if its colours stand for labels, say which labels are the subject"
            )
        picture = first
    grey: Alpha = np.asarray(picture.convert("L"), np.float32)
    return grey / np.float32(255)


def load_grey(source: Source, *, max_pixels: int = MAX_PIXELS) -> Labels:
    """Decode a one-channel picture (a mask, or label indices) as it is stored, (H, W) uint8.

    A palette picture gives its indices, an RGBA one its alpha channel.

    Raises:
        InputError: As `load_image`, or if the picture has colours and no alpha channel.
    """
    picture = _stored(source, max_pixels)
    if "A" in picture.getbands():
        return np.asarray(picture.getchannel("A"))
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if picture.mode in {"L", "P"}:
        return np.asarray(picture)
    raise InputError(f"{name_of(source)} is not a mask: its mode is {picture.mode}; save it as 8-bit grey")


def picture_size(source: Source) -> Size:
    """Size of the upright picture, from its header alone.

    Raises:
        InputError: If there is no such file, or it is not a picture.
    """
    name = name_of(source)
    with open_picture(read_source(source), name) as picture:
        width, height = picture.size
        return (width, height) if _exif(picture, name)[0] >= 5 else (height, width)


def to_pillow(array: Image | Rgba) -> Pillow:
    """The same picture as Pillow holds it: (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8."""
    return PIL.Image.fromarray(array)


def photo_from_pillow(picture: Pillow, name: str) -> Photo:
    """A decoded Pillow picture as a photo; ``name`` is for messages.

    Raises:
        InputError: If its pixels have more than 16 bits.
    """
    if picture.mode == "F":
        raise InputError(f"{name} holds floating-point pixels: save it with 8 or 16 bits a channel")
    turn, exif = _exif(picture, name)
    upright = _turned(picture, turn)
    profile = _profile(picture, name)
    space = "RGB" if profile is None else colour_space(profile)
    if picture.mode.startswith("I") and space == "RGB":
        grey = _deep_grey(upright, name)[..., None]
        return _photo(picture, grey.repeat(3, axis=2), _keyed(picture, grey), profile, exif)
    if picture.mode.startswith("I"):  # littleCMS converts grey at 8 bits only
        upright = PIL.Image.fromarray(to_uint8(_deep_grey(upright, name)))
    pixels, alpha = _arrays(_rgb(upright, profile, space))
    return _photo(picture, pixels, alpha, profile if space == "RGB" else None, exif)


def decode_photo(picture: Pillow, name: str, least_side: int | None = None) -> Photo:
    """A picture that is `open_picture` and not decoded yet, as `load_photo` and `load_image` give it."""
    _say_if_animated(picture, name)
    if is_deep(picture, name):
        return _deep_photo(picture, name)
    if least_side is not None:
        picture.draft(None, (least_side, least_side))
    picture.load()
    return photo_from_pillow(picture, name)


def _deep_photo(picture: Pillow, name: str) -> Photo:
    premultiplied = is_premultiplied(picture)
    halves = read_deep(picture)
    turn, exif = _exif(picture, name)
    samples = join(*(_turned(half, turn) for half in halves))
    if premultiplied:
        unpremultiply(samples)
    alpha = _keyed(picture, samples)
    if samples.shape[2] == 4:
        opacity = samples[..., 3] * np.float32(1 / 65535)
        alpha = None if opacity.min() == 1 else opacity
    pixels = np.ascontiguousarray(samples[..., :3])
    return _photo(picture, pixels, alpha, _profile(picture, name), exif)


def _photo(
    picture: Pillow, pixels: Pixels, alpha: Alpha | None, profile: bytes | None, exif: bytes | None
) -> Photo:
    if "hdr" in picture.info:
        pixels = tone_map(pixels, *picture.info["hdr"])
    return Photo(pixels=pixels, alpha=alpha, profile=profile, exif=exif, dpi=_dpi(picture))


def _stored(source: Source, max_pixels: int) -> Pillow:
    """The upright picture in the mode that it is stored in."""
    name = name_of(source)
    with open_picture(read_source(source), name, max_pixels) as picture:
        _say_if_animated(picture, name)
        picture.load()
        return _turned(picture, _exif(picture, name)[0])


def _say_if_animated(picture: Pillow, name: str) -> None:
    if picture.format in _ANIMATED and getattr(picture, "is_animated", False):
        _log.warning("%s holds several frames: only the first is used", name)


def _turned(picture: Pillow, turn: int) -> Pillow:
    return picture.transpose(_TURNS[turn]) if turn in _TURNS else picture


def _exif(picture: Pillow, name: str) -> tuple[int, bytes | None]:
    """The orientation, and what else the file says of the shot."""
    try:
        exif = picture.getexif()
        return orientation(exif), shot_exif(exif)
    except BROKEN_EXIF as error:
        _log.warning("%s: its EXIF data is damaged (%s) and left out", name, error)
        return 1, None


def _dpi(picture: Pillow) -> tuple[float, float] | None:
    """Pixels an inch, where they can be true: JPEG, whose numbers are the smallest, has 16 bits for them."""
    across, down = (round(float(value), 1) for value in picture.info.get("dpi", (0, 0)))
    return (across, down) if all(1 < value < 65_536 for value in (across, down)) else None


def _profile(picture: Pillow, name: str) -> bytes | None:
    """The colour profile, where it fits the picture and can be used."""
    profile: bytes | None = picture.info.get("icc_profile")
    if not profile:
        return adobe_rgb() if picture.mode in {"RGB", "RGBA"} and _is_adobe_rgb(picture) else None
    try:
        space = colour_space(profile)
        if picture.mode not in _MODES.get(space, ()):
            reason = f"it is for {space} pictures"
        else:
            picture_to_srgb(PIL.Image.new(_plain(picture.mode, space), (1, 1)), profile)
            return profile
    except BROKEN_PROFILE as error:
        reason = str(error)
    _log.warning("%s: its colour profile does not fit (%s); its values are taken as sRGB", name, reason)
    return None


def _is_adobe_rgb(picture: Pillow) -> bool:
    """Whether a camera says so in its EXIF data, as those do that write no profile."""
    try:
        found: object = picture.getexif().get_ifd(PIL.ExifTags.IFD.Interop).get(1)
    except BROKEN_EXIF:
        return False  # which is said where the rest of it is read
    return found == "R03"


def _plain(mode: str, space: str) -> str:
    """The mode in which littleCMS takes a picture."""
    return mode if space in {"CMYK", "Lab"} else "L" if space == "GRAY" else "RGB"


def _rgb(picture: Pillow, profile: bytes | None, space: str) -> Pillow:
    """As RGB, or RGBA where anything is transparent; in sRGB unless its profile is for RGB."""
    opacity = _opacity(picture)
    if profile is not None and space != "RGB":
        picture = picture_to_srgb(picture.convert(_plain(picture.mode, space)), profile)
    if opacity is None:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    picture = picture.convert("RGBA")
    picture.putalpha(opacity)
    return picture


def _opacity(picture: Pillow) -> Pillow | None:
    """The alpha channel, as a grey picture, unless all is opaque."""
    if not picture.has_transparency_data:
        return None
    opacity = picture.convert("RGBA").getchannel("A")
    return None if opacity.getextrema() == (255, 255) else opacity


def _arrays(picture: Pillow) -> tuple[Image, Alpha | None]:
    """The samples of an RGB or RGBA picture, copied a few rows at a time."""
    width, height = picture.size
    pixels = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.float32) if picture.mode == "RGBA" else None
    for rows in strips(height, 4 * width):
        part = np.asarray(picture.crop((0, rows.start, width, rows.stop)))
        pixels[rows] = part[..., :3]
        if alpha is not None:
            alpha[rows] = part[..., 3] / np.float32(255)
    return pixels, alpha


def _deep_grey(picture: Pillow, name: str) -> NDArray[np.uint16]:
    values = np.asarray(picture)
    if values.dtype != np.uint16 and values.min() < 0:
        raise InputError(f"{name} holds negative pixels: save it with 8 or 16 bits a channel, from 0")
    if values.dtype != np.uint16 and values.max() > 65535:
        raise InputError(f"{name} holds 32-bit pixels: save it with 8 or 16 bits a channel")
    return values.astype(np.uint16, copy=False)


def _keyed(picture: Pillow, samples: NDArray[np.uint16]) -> Alpha | None:
    """0 where the samples, (H, W, C), are the colour that a 16-bit PNG names as transparent, else 1."""
    key = picture.info.get("transparency")
    if key is None:
        return None
    seen: NDArray[np.bool_] = np.any(samples != np.asarray(key, np.uint16), axis=2)
    return seen.astype(np.float32)
