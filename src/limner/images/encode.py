"""Pictures out: the extension decides the format."""

import io
from pathlib import Path
from typing import Any

import PIL.Image

from limner import files
from limner.errors import InputError
from limner.images.arrays import Alpha, Image, Pixels, Rgba
from limner.images.photo import Photo
from limner.images.png import encode_png
from limner.images.strips import samples

FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95, "exact": True}),
    ".tif": ("TIFF", {"compression": "tiff_deflate"}),
    ".tiff": ("TIFF", {"compression": "tiff_deflate"}),
    ".bmp": ("BMP", {}),
}
"""Extension -> Pillow's name of the format and the options it is written with."""

_OPAQUE = {"JPEG", "BMP"}


def check_format(path: str | Path, *, transparent: bool) -> None:
    """Refuse a target whose extension is unknown, or whose format cannot hold the transparency.

    Raises:
        InputError: If so.
    """
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise InputError(
            f"cannot write {path}: unknown picture format '{extension}'; use {', '.join(FORMATS)}"
        )
    name = FORMATS[extension][0]
    if transparent and name in _OPAQUE:
        raise InputError(
            f"cannot write {path}: {name} has no transparency; write .png or .webp, or choose a background"
        )


def encode_image(image: Image | Rgba, extension: str) -> bytes:
    """Encode a grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4) uint8 picture.

    Args:
        image: The picture.
        extension: One of `FORMATS`, such as ``".png"``.

    Raises:
        InputError: If the extension is unknown, or the format cannot hold the picture.
    """
    check_format(f"picture{extension}", transparent=image.ndim == 3 and image.shape[2] == 4)
    return _encoded(image, None, extension)


def encode_photo(photo: Photo, extension: str, *, compress: bool = False) -> bytes:
    """Encode a photo with all that its format can hold.

    Args:
        photo: The photo.
        extension: One of `FORMATS`, such as ``".png"``.
        compress: Take longer for a smaller file.

    Raises:
        InputError: As `encode_image`.
    """
    check_format(f"picture{extension}", transparent=photo.alpha is not None)
    return _encoded(photo.pixels, photo.alpha, extension, compress=compress)


def save_photo(path: str | Path, photo: Photo, *, compress: bool = False) -> None:
    """Write a photo; the extension decides the format. See `encode_photo` and `save_image`.

    Raises:
        InputError: As `save_image`.
    """
    check_format(path, transparent=photo.alpha is not None)
    files.write_bytes(path, encode_photo(photo, Path(path).suffix, compress=compress))


def save_image(path: str | Path, image: Image | Rgba) -> None:
    """Write a grey, RGB or RGBA uint8 picture; the extension decides the format.

    The file appears whole or not at all, and an existing one is only replaced by a whole one.

    Raises:
        InputError: If the extension is unknown, the format cannot hold the picture, or it cannot be written.
    """
    check_format(path, transparent=image.ndim == 3 and image.shape[2] == 4)
    files.write_bytes(path, encode_image(image, Path(path).suffix))


def _encoded(pixels: Pixels, alpha: Alpha | None, extension: str, *, compress: bool = False) -> bytes:
    name, options = FORMATS[extension.lower()]
    if name == "PNG":
        return encode_png(pixels, alpha, compress=compress)
    height, width = pixels.shape[:2]
    stored = samples(pixels, alpha, slice(0, height))
    picture = PIL.Image.fromarray(stored[..., 0] if stored.shape[2] == 1 else stored)
    stored = samples(pixels, alpha, slice(0, height))
    picture = PIL.Image.fromarray(stored[..., 0] if stored.shape[2] == 1 else stored)
    buffer = io.BytesIO()
    try:
        picture.save(buffer, name, **options)
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot hold a picture of {width} x {height}: {error}; try .png") from error
    return buffer.getvalue()
