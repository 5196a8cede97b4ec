"""16 bits a channel, which Pillow's own pictures cannot hold.

Pillow decodes such files to 8 bits: of each sample it keeps the high byte. Told that the two bytes stand in
the other order it keeps the low one. So a file is decoded twice, and both halves are put together.
"""

import io
import sys
from typing import Any, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images.opening import Pillow
from limner.images.strips import strips

_SWAPPED = {
    "16B": "16L",
    "16L": "16B",
    "16N": "16B" if sys.byteorder == "little" else "16L",  # N is the order of this machine
}
_PLANAR_TAG, _BITS_TAG = 284, 258

Deep: TypeAlias = NDArray[np.uint16]
Opened: TypeAlias = Any
"""A Pillow picture that is not decoded yet, with the tiles that it will be decoded from."""


def is_deep(picture: Opened, name: str) -> bool:
    """Whether a picture that is not decoded yet has 16 bits a channel and colours, or grey and alpha.

    Raises:
        InputError: If its channels lie apart, which Pillow would read wrongly.
    """
    if picture.format == "TIFF" and picture.tag_v2.get(_PLANAR_TAG) == 2:
        bits = picture.tag_v2.get(_BITS_TAG, (8,))
        if max(bits if isinstance(bits, tuple) else (bits,)) > 8:
            raise InputError(
                f"{name} keeps its 16-bit channels apart (planar): save it with interleaved channels"
            )
    return picture.mode in {"RGB", "RGBA"} and _rawmode(picture).rpartition(";")[2] in _SWAPPED


def read_deep(picture: Opened) -> tuple[Pillow, Pillow]:
    """The high and the low bytes of every sample of what `is_deep`, as two pictures of mode RGB or RGBA."""
    order, _, suffix = _rawmode(picture).rpartition(";")
    if order == "LA":  # Pillow has no other order for it; as RGBA its four bytes come as they are
        _reread(picture, "RGBA")
        high, low, high_alpha, low_alpha = picture.split()
        merge = PIL.Image.merge
        return merge("RGBA", (high, high, high, high_alpha)), merge("RGBA", (low, low, low, low_alpha))
    order = order.replace("a", "A")  # premultiplied samples are divided at full depth, later
    with PIL.Image.open(io.BytesIO(picture.fp.getvalue()), formats=(picture.format,)) as again:
        _reread(again, f"{order};{_SWAPPED[suffix]}")
    _reread(picture, f"{order};{suffix}")
    return picture, again


def is_premultiplied(picture: Opened) -> bool:
    """Whether the colours of an `is_deep` picture that is not decoded yet were multiplied by its alpha."""
    return _rawmode(picture).startswith("RGBa")


def join(high: Pillow, low: Pillow) -> Deep:
    """The samples of two halves, (H, W, C) uint16."""
    width, height = high.size
    result = np.empty((height, width, len(high.getbands())), np.uint16)
    for rows in strips(height, result[0].nbytes):
        box = (0, rows.start, width, rows.stop)
        halves = (np.asarray(half.crop(box)).astype(np.uint16) for half in (high, low))
        result[rows] = next(halves) << 8 | next(halves)
    return result


def _rawmode(picture: Opened) -> str:
    if not picture.tile:
        return ""
    args: Any = picture.tile[0].args
    return str(args if isinstance(args, str) else args[0] if args else "")


def _reread(picture: Opened, rawmode: str) -> None:
    """Decode a picture, its samples unpacked in another way."""
    picture.tile = [
        tile._replace(args=rawmode if isinstance(tile.args, str) else (rawmode, *tile.args[1:]))
        for tile in picture.tile
    ]
    picture.load()
