"""PNG files, written on all cores.

Rows are filtered in NumPy, strips of them packed in threads (`limner.images.deflate` leaves Python's lock
alone), and the parts, each of which ends at a byte, joined to one stream.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Alpha, Pixels
from limner.images.deflate import adler32, crc32, pack_part
from limner.images.depth import channels, samples
from limner.images.strips import map_strips, strips

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> colour type
_UP = 2  # the filter that takes the difference to the row above: the fastest, and on photos the smallest
_ADLER = 65521  # modulus of the checksum of a zlib stream


def encode_png(
    pixels: Pixels,
    alpha: Alpha | None = None,
    *,
    compress: bool = False,
    chunks: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """Encode a picture as PNG, uint8 or uint16: (H, W) grey, or (H, W, C): grey, grey and alpha, RGB, RGBA.

    An ``alpha``, (H, W), is stored after the colours at their depth. ``chunks`` are names and contents of
    further ones, before the picture.
    """
    body = (chunk(b"IDAT", data) for data in packed_rows(pixels, alpha, compress=compress))
    head = (chunk(*part) for part in (image_header(pixels, alpha), *chunks))
    return b"".join((SIGNATURE, *head, *body, chunk(b"IEND", b"")))


def image_header(pixels: Pixels, alpha: Alpha | None) -> tuple[bytes, bytes]:
    """The first chunk, name and contents: size, depth and channels."""
    height, width = pixels.shape[:2]
    colour_type = _COLOUR_TYPES[channels(pixels, alpha)]
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, colour_type, 0, 0, 0)


def header_chunks(
    profile: bytes | None, exif: PIL.Image.Exif, dpi: tuple[float, float] | None
) -> list[tuple[bytes, bytes]]:
    """The chunks before the picture for a colour profile, EXIF data (none where empty) and a resolution."""
    chunks = []
    if profile is not None:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(profile)))
    if dpi is not None:
        a_metre = (min(round(value / 0.0254), 2**31 - 1) for value in dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", *a_metre, 1)))
    if len(exif):
        chunks.append((b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    return chunks


def chunk(name: bytes, data: bytes) -> bytes:
    """Length, name, contents, checksum."""
    checksum = crc32(data, crc32(name))
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", checksum)))


def packed_rows(pixels: Pixels, alpha: Alpha | None, *, compress: bool) -> Iterator[bytes]:
    """The picture as one zlib stream, in parts."""
    height, width = pixels.shape[:2]

    def pack(rows: slice) -> tuple[bytes, int, int]:
        filtered = _filtered(pixels, alpha, rows)
        return pack_part(filtered.data, compress=compress), adler32(filtered.data), filtered.size

    yield b"\x78\x01"
    low, high = 1, 0
    parts = strips(height, width * channels(pixels, alpha) * pixels.itemsize)
    for data, checksum, length in map_strips(pack, parts):
        yield data
        high = (high + (checksum >> 16) + length * (low - 1)) % _ADLER
        low = (low + (checksum & 0xFFFF) - 1) % _ADLER
    yield b"\x03\x00" + struct.pack(">HH", high, low)  # an empty last block, the checksum of the whole


def _filtered(pixels: Pixels, alpha: Alpha | None, rows: slice) -> NDArray[np.uint8]:
    """A strip of rows as PNG packs them, (h, 1 + bytes of a row): the filter's number and the differences."""
    above = _bytes(samples(pixels, alpha, slice(max(rows.start - 1, 0), rows.stop)))
    result = np.empty((rows.stop - rows.start, 1 + above.shape[1]), np.uint8)
    result[:, 0] = _UP
    if rows.start:
        np.subtract(above[1:], above[:-1], out=result[:, 1:])
    else:
        result[0, 1:] = above[0]
        np.subtract(above[1:], above[:-1], out=result[1:, 1:])
    return result


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of each row, the high one first."""
    ordered = np.ascontiguousarray(values, values.dtype.newbyteorder(">"))
    return ordered.view(np.uint8).reshape(len(values), -1)
