"""Colour profiles made by hand (ICC specification, version 2), and what they say, computed by hand."""

import struct

import numpy as np
from numpy.typing import NDArray

GAMMA = 2.2
P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
"""Display P3's primaries in columns, X, Y and Z in rows, adapted to D50."""
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


def wide_profile() -> bytes:
    """An RGB profile with P3's primaries and a plain gamma."""
    columns = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), P3.T, strict=True)}
    return _profile(b"RGB ", columns | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(GAMMA)))


def grey_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def wide_to_srgb(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Pixels of `wide_profile` in sRGB, 0..255, colours outside cut off."""
    linear = (pixels / 255) ** GAMMA @ P3.T @ np.linalg.inv(SRGB).T
    return encoded(linear.clip(0, 1)) * 255


def encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The curve of sRGB."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, 5) + b"hand\0" + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": _xyz(np.array([0.9642, 1.0, 0.8249])),
        **tags,
    }
    place = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data
    size = place + len(body)
    header = struct.pack(">II", size, 0) + struct.pack(">I", 0x02100000) + b"mntr" + space + b"XYZ "
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)  # D50
    return header + bytes(128 - len(header)) + table + body


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
