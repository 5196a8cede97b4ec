"""Pictures out: the extension decides the format."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageFile
from numpy.typing import NDArray

from limner import files
from limner.errors import InputError
from limner.images.check import as_stored
from limner.images.depth import samples, to_uint8
from limner.images.metadata import METADATA, Metadata, select_exif
from limner.images.opening import start_heif
from limner.images.photo import Photo
from limner.images.png import encode_png, header_chunks
from limner.images.tiff import encode_tiff


@dataclass(frozen=True)
class Format:
    """A file format that is written."""

    name: str  # as Pillow calls it
    options: dict[str, Any] = field(default_factory=dict)  # of Pillow
    smaller: dict[str, Any] = field(default_factory=dict)  # those that take longer for a smaller file
    transparent: bool = True  # whether it can hold an alpha


_JPEG = Format("JPEG", {"quality": 95, "subsampling": 0}, {"optimize": True, "progressive": True}, False)
_TIFF = Format("TIFF")
_HEIF = Format("HEIF", {"quality": 90, "chroma": 444, "enc_params": {"preset": "ultrafast"}})
FORMATS = {
    ".png": Format("PNG"),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WEBP", {"quality": 95, "exact": True}, {"method": 6}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".avif": Format("AVIF", {"quality": 90, "subsampling": "4:4:4", "speed": 8}, {"speed": 4}),
    ".heic": _HEIF,
    ".heif": _HEIF,
    ".bmp": Format("BMP", transparent=False),
}
"""Extension -> format."""

_ROOM = threading.Lock()  # Pillow has one block size for all threads


def check_format(path: str | Path, *, transparent: bool) -> None:
    """Refuse a target whose extension is unknown, or whose format cannot hold the transparency.

    Raises:
        InputError: If so, or if a package is missing that the format needs.
    """
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise InputError(
            f"cannot write {path}: unknown picture format '{extension}'; use {', '.join(FORMATS)}"
        )
    form = FORMATS[extension]
    if transparent and not form.transparent:
        raise InputError(
            f"cannot write {path}: {form.name} has no transparency; write .png or .webp, "
            "or choose a background"
        )
    if form is _HEIF:
        start_heif()


def encode_photo(
    photo: Photo,
    extension: str,
    *,
    compress: bool = False,
    quality: int | None = None,
    metadata: Metadata = "no-gps",
) -> bytes:
    """Encode a photo with all that its format can hold.

    PNG and TIFF keep 16 bits a channel; the other formats get 8. Its profile goes with it, its resolution
    where the format has a place for one (not in WebP, AVIF and HEIC).

    Args:
        photo: The photo.
        extension: One of `FORMATS`, such as ``".png"``.
        compress: Take longer for a smaller file.
        quality: Of JPEG, WebP, AVIF and HEIC, from 1 to 100; by default one at which no loss is seen.
        metadata: What is kept of the EXIF data: "no-gps" all but the place, "keep" all, "strip" nothing.

    Raises:
        InputError: If the extension is unknown, the format cannot hold the picture, or ``metadata`` is none
            of these.
    """
    check_format(f"picture{extension}", transparent=photo.alpha is not None)
    if metadata not in METADATA:
        raise InputError(f"unknown choice of metadata '{metadata}': use one of {', '.join(METADATA)}")
    form = FORMATS[extension.lower()]
    exif = select_exif(photo.exif, metadata)
    if photo.pixels.ndim == 2:
        photo = replace(photo, profile=None)
    if form.name == "PNG":
        chunks = header_chunks(photo.profile, exif, photo.dpi)
        return encode_png(photo.pixels, photo.alpha, compress=compress, chunks=chunks)
    if form.name == "TIFF":
        return encode_tiff(photo, compress=compress, exif=exif)
    height, width = photo.pixels.shape[:2]
    stored = samples(to_uint8(photo.pixels), photo.alpha, slice(None))
    options = deepcopy(form.options | (form.smaller if compress else {}))  # pillow-heif changes them
    if quality is not None:
        options["quality"] = quality
    if len(exif):
        options["exif"] = exif.tobytes()
    if photo.profile is not None:
        options["icc_profile"] = photo.profile
    if photo.dpi is not None:
        options["dpi"] = tuple(round(value) for value in photo.dpi)
    picture = PIL.Image.fromarray(stored[..., 0] if stored.shape[2] == 1 else stored)
    buffer = io.BytesIO()
    try:
        with _room(8 * height * width) if form is _JPEG and compress else nullcontext():
            picture.save(buffer, form.name, **options)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{form.name} cannot hold a picture of {width} x {height}: {error}; try .png"
        ) from error
    return buffer.getvalue()


@contextmanager
def _room(block_bytes: int) -> Iterator[None]:
    """Let Pillow write blocks of so many bytes.

    libjpeg writes an optimised file in one block, and the size that Pillow guesses is too small for noise.
    """
    with _ROOM:
        before = PIL.ImageFile.MAXBLOCK
        PIL.ImageFile.MAXBLOCK = max(before, block_bytes)
        try:
            yield
        finally:
            PIL.ImageFile.MAXBLOCK = before


def save_photo(
    path: str | Path, photo: Photo, *, compress: bool = False, metadata: Metadata = "no-gps"
) -> None:
    """Write a photo; the extension decides the format. See `encode_photo`.

    The file appears whole or not at all, and an existing one is only replaced by a whole one.

    Raises:
        InputError: As `encode_photo`.
        OutputError: If it cannot be written.

    Example:
        >>> limner.save_photo("smaller.webp", limner.load_photo("photo.jpg"), compress=True, metadata="strip")
    """
    check_format(path, transparent=photo.alpha is not None)
    files.write_bytes(path, encode_photo(photo, Path(path).suffix, compress=compress, metadata=metadata))


def encode_image(
    image: NDArray[Any], extension: str, *, compress: bool = False, quality: int | None = None
) -> bytes:
    """As `encode_photo`, of (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8, uint16 or float in [0, 1].

    An alpha, (H, W) float or bool, becomes 8-bit grey.
    """
    return encode_photo(as_stored(image), extension, compress=compress, quality=quality)


def save_image(path: str | Path, image: NDArray[Any]) -> None:
    """Write an image or an alpha; the extension decides the format. See `encode_image`.

    Raises:
        InputError: As `encode_image`.
        OutputError: If it cannot be written.

    Example:
        >>> limner.save_image("mask.png", np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10))
    """
    save_photo(path, as_stored(image))
