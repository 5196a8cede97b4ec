"""PNG chunks: those that Pillow is given, and those that are read here (colours, EXIF data).

Pillow unpacks every note of a file, and refuses long ones. Here only those are unpacked that are used.
"""

import logging
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from limner.images.png import SIGNATURE, chunk

_NOTES = {b"tEXt", b"zTXt", b"iTXt"}
_RAW_PROFILES = {"exif": "exif", "app1": "exif", "icc": "icc_profile", "icm": "icc_profile"}
_XMP = b"XML:com.adobe.xmp"
_COLOURS = {b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM"}
_PIXELS = {b"tRNS", b"acTL", b"fcTL", b"fdAT"}  # ancillary by name; pixels are wrong without them
_MOST_BYTES = 64 * 2**20  # of a note or profile, unpacked
_log = logging.getLogger(__name__)


class _Chunk(NamedTuple):
    name: bytes
    start: int  # of its length, in the file
    body: memoryview
    whole: bool  # whether its checksum is right


def read_chunks(data: bytes, name: str) -> tuple[bytes, dict[str, Any]]:
    """A PNG file for Pillow, without the chunks that are read here or of no use; and their contents.

    A damaged chunk that holds no pixels is left out, and a missing end added, with a warning.

    Returns:
        The file, the same object where it needs no change, and what was found: "icc_profile", "exif" and
        "xmp", as in Pillow's ``info``, and the chunks "cICP", "sRGB", "gAMA" and "cHRM", bytes.
    """
    view = memoryview(data)
    kept: list[bytes | memoryview] = [SIGNATURE]
    found: dict[str, Any] = {}
    offset, ended = len(SIGNATURE), False
    for part in _chunks(view):
        end = part.start + 12 + len(part.body)
        ancillary = part.name[0:1].islower() and part.name not in _PIXELS
        if ancillary and not part.whole:
            _log.warning(
                "%s: its %s chunk is damaged and left out", name, part.name.decode("ascii", "replace")
            )
        elif part.name in _NOTES:
            found |= _note(part, name)
        elif part.name in _COLOURS:
            found |= _colour(part, name)
        else:
            kept.append(view[part.start : end])
        offset, ended = end, part.name == b"IEND"
    rest = b"" if ended else data[offset:]
    dropped = sum(map(len, kept)) < offset
    if not ended and _is_no_pixel(rest) and offset > len(SIGNATURE):
        _log.warning("%s: its end is missing", name)
        rest, dropped = chunk(b"IEND", b""), True
    return b"".join((*kept, rest)) if dropped else data, found


def _is_no_pixel(rest: bytes) -> bool:
    """Whether a piece of a chunk, at the end of a file, belongs to none that holds pixels."""
    return b"IEND".startswith(rest[4:8]) or (rest[4:5].islower() and rest[4:8] not in _PIXELS)


def _chunks(data: memoryview) -> Iterator[_Chunk]:
    """The whole chunks, up to the end of the picture or of the file."""
    offset = len(SIGNATURE)
    while offset + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, offset)
        if offset + 12 + length > len(data) or not name.isalpha():
            return
        body = data[offset + 8 : offset + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, offset + 8 + length)
        yield _Chunk(name, offset, body, zlib.crc32(body, zlib.crc32(name)) == checksum)
        offset += 12 + length
        if name == b"IEND":
            return


def _note(part: _Chunk, name: str) -> dict[str, Any]:
    """EXIF data, colours or XMP of a note that has them; other notes are not unpacked."""
    key, _, rest = bytes(part.body).partition(b"\0")
    kind = _RAW_PROFILES.get(key.removeprefix(b"Raw profile type ").decode("latin-1").lower())
    if key != _XMP and (kind is None or not key.startswith(b"Raw")):
        return {}
    if part.name == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    else:
        packed, rest = part.name == b"zTXt", rest[1:] if part.name == b"zTXt" else rest
    text = _unpacked(rest, key.decode("latin-1"), name) if packed else rest
    if text is None:
        return {}
    if key == _XMP:
        return {"xmp": text}
    try:
        block = bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        _log.warning("%s: its note '%s' is damaged and left out", name, key.decode("latin-1"))
        return {}
    if kind == "exif" and not block.startswith(b"Exif\0\0"):
        return {}  # APP1 holds XMP as well
    return {str(kind): block}


def _colour(part: _Chunk, name: str) -> dict[str, Any]:
    if part.name != b"iCCP":
        return {part.name.decode(): bytes(part.body)}
    profile = _unpacked(bytes(part.body).partition(b"\0")[2][1:], "colour profile", name)
    return {} if profile is None else {"icc_profile": profile}


def _unpacked(data: bytes, what: str, name: str) -> bytes | None:
    """Of zlib's; None with a warning where it is damaged or too long."""
    inflate = zlib.decompressobj()
    try:
        result = inflate.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        _log.warning("%s: its %s is damaged (%s) and left out", name, what, error)
        return None
    if inflate.unconsumed_tail:
        _log.warning("%s: its %s has more than %d MB and is left out", name, what, _MOST_BYTES >> 20)
        return None
    return result
