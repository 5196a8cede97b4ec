"""DEFLATE, in which PNG and TIFF files hold their rows, and its checksums.

ISA-L packs about as tightly as zlib at its first level in a quarter of the time. Smaller files are zlib's.
"""

import zlib
from typing import Any

fast: Any
try:
    from isal import isal_zlib as fast
except ImportError:  # there are no wheels for 32 bits and for Windows on ARM
    fast = zlib

FAST, SMALL = 1, 7
"""Levels: that of ISA-L, and that of zlib, which takes 25 times as long for an eighth fewer bytes."""

adler32, crc32 = fast.adler32, fast.crc32


def pack_part(data: memoryview, *, compress: bool) -> bytes:
    """A part of a raw stream; it ends at a byte, and no other part is needed to read it."""
    module, level = _choice(compress)
    deflate = module.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    packed: bytes = deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)
    return packed


def pack(data: memoryview, *, compress: bool) -> bytes:
    """A whole zlib stream."""
    module, level = _choice(compress)
    packed: bytes = module.compress(data, level)
    return packed


def _choice(compress: bool) -> tuple[Any, int]:
    return (zlib, SMALL) if compress else (fast, FAST)
