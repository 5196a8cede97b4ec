"""JPEG files without an end mark: whether all pixels are there."""

import io
import re

import numpy as np
import PIL.Image
from numpy.typing import NDArray

SIGNATURE = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # between coded pixels: no stuffed byte, no restart
_SCAN, _FRAMES, _ALONE = 0xDA, {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}, {0x01, *range(0xD0, 0xD8)}
_FOLLOWING = (b"\x00", b"\x55", b"\xaa")  # what a decoder is given where the file ends, each in turn
_ROOM = 4096  # bytes of it


def repair_end(data: bytes, max_pixels: int) -> tuple[bytes, bool]:
    """The file with its end mark, and whether that was missing and nothing else.

    Where pixels are missing, a decoder takes them from what follows. So the file is decoded before several
    endings, and is whole where the pixels are the same; and where no scan is missing. The result is the same
    object where nothing, or more than the end, is missing. Larger pictures count as not whole.
    """
    if data.rstrip(b"\0").endswith(_END) or not _lacks_only_its_end(data):
        return data, False
    seen = [_decoded(data + byte * _ROOM + _END, max_pixels) for byte in _FOLLOWING]
    first = seen[0]
    whole = first is not None and all(one is not None and np.array_equal(one, first) for one in seen[1:])
    return (data + _END, True) if whole else (data, False)


def _decoded(data: bytes, max_pixels: int) -> NDArray[np.uint8] | None:
    try:
        with PIL.Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            width, height = picture.size
            return np.asarray(picture) if width * height <= max_pixels else None
    except (OSError, SyntaxError):
        return None


def _lacks_only_its_end(data: bytes) -> bool:
    """Whether the file has no end mark, and its scans hold every bit of every coefficient.

    Reference:
        ITU-T T.81 (1992), annexes B and G: scans of a progressive picture refine the coefficients of a band.
    """
    left: dict[int, list[int]] = {}  # component -> bits that its coefficients lack, at first all
    offset = 2
    while offset + 4 <= len(data) and data[offset] == 0xFF:
        kind = data[offset + 1]
        if kind == 0xFF or kind in _ALONE:
            offset += 1 if kind == 0xFF else 2
            continue
        if data[offset : offset + 2] == _END:
            return False
        body = data[offset + 4 : offset + 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")]
        offset += 4 + len(body)
        if kind in _FRAMES and len(body) >= 6:
            left = {number: [99] * 64 for number in body[6::3]}
        if kind == _SCAN and len(body) >= 4 + 2 * body[0]:
            first, last, low = body[1 + 2 * body[0]], body[2 + 2 * body[0]], body[3 + 2 * body[0]] & 15
            for number in body[1 : 1 + 2 * body[0] : 2]:
                if number not in left:
                    return False
                left[number][first : last + 1] = [low] * (min(last, 63) + 1 - first)
            following = _MARKER.search(data, offset)
            offset = following.start() if following else len(data)
    return bool(left) and not any(any(bits) for bits in left.values()) and offset >= len(data)
