"""Colours that a file names by numbers, without a profile: primaries and a transfer curve.

Reference:
    ITU-T H.273, "Coding-independent code points" (2024), tables 2 and 3; ICC.1:2022.
"""

import struct
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Primaries: TypeAlias = tuple[float, ...]
"""x and y of red, green, blue and white."""

_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
SRGB: Primaries = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65)
ADOBE: Primaries = (0.640, 0.330, 0.210, 0.710, 0.150, 0.060, *_D65)
PRIMARIES: dict[int, Primaries] = {
    1: SRGB,
    2: SRGB,  # not said
    4: (0.670, 0.330, 0.210, 0.710, 0.140, 0.080, *_C),
    5: (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
GAMMAS: dict[int, float | None] = {  # transfer -> exponent; None is the curve of sRGB
    **dict.fromkeys((1, 2, 6, 7, 11, 12, 13, 14, 15)),  # video's are meant for the same screens
    4: 2.2,
    5: 2.8,
    8: 1.0,
}
PQ, HLG = 16, 18
HDR = {PQ: "PQ (HDR)", HLG: "HLG (HDR)"}

_D50 = np.array((0.9642, 1.0, 0.8249))
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_TAGS = (b"desc", b"cprt", b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")  # of a profile
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # parameters of an ICC curve of type 3
_NEAR = 0.002  # of coordinates that mean the same
_REFERENCE_WHITE = 203  # of HDR, cd/m2: ITU-R BT.2408
_HLG_PEAK = 1000  # cd/m2
_KNEE = 0.75  # of the light up to which HDR is left as it is


def srgb_encode(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light in [0, 1] -> sRGB values in [0, 1] (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def srgb_decode(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """SRGB values in [0, 1] -> light in [0, 1], the inverse of `srgb_encode`."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def same_primaries(first: Primaries, second: Primaries) -> bool:
    """Whether both are the same, but for rounding."""
    return all(abs(a - b) <= _NEAR for a, b in zip(first, second, strict=True))


def to_xyz(primaries: Primaries) -> NDArray[np.float64]:
    """Linear RGB -> XYZ under the white of the primaries, (3, 3); white has Y = 1.

    Raises:
        numpy.linalg.LinAlgError, ZeroDivisionError: If they span no colours.
    """
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in np.reshape(primaries, (4, 2)).tolist()]).T
    found: NDArray[np.float64] = columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])
    return found


def make_profile(primaries: Primaries, gamma: float | None, name: str) -> bytes:
    """An ICC profile, version 4, of RGB colours; ``gamma`` makes light of a value, None is sRGB's curve.

    Raises:
        numpy.linalg.LinAlgError, ZeroDivisionError: If the primaries span no colours.
    """
    matrix = to_xyz(primaries)
    white, wanted = _BRADFORD @ matrix.sum(axis=1), _BRADFORD @ _D50
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(wanted / white) @ _BRADFORD @ matrix
    curve = (3, _SRGB_CURVE) if gamma is None else (0, (gamma,))
    curves = b"para\0\0\0\0" + struct.pack(">HH", curve[0], 0) + _fixed(curve[1])
    points = [b"XYZ \0\0\0\0" + _fixed(point) for point in (_D50, *adapted.T)]
    tags = (_text(name), _text("none"), *points, curves, curves, curves)
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for key, data in zip(_TAGS, tags, strict=True):
        table += key + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">II4s", start + len(body), 0, b"\4\x40\0\0") + b"mntrRGB XYZ "
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(_D50)
    return head.ljust(128, b"\0") + table + body


def tone_map(
    pixels: NDArray[np.uint8 | np.uint16], primaries: Primaries, transfer: int
) -> NDArray[np.uint8 | np.uint16]:
    """HDR pixels in sRGB: as bright as they are up to three quarters of white, and pressed together above.

    Light is relative to HDR's white of 203 cd/m2. The largest of a pixel's three channels is pressed by
    ``1 - (1 - k) exp((k - m) / (1 - k))`` above ``k``, the others in proportion, so that hues stay.

    The pixels are (H, W, 3), the transfer curve is `PQ` or `HLG`.

    Reference:
        ITU-R BT.2100 (2018) for both curves, BT.2408 for the white.
    """
    most = np.iinfo(pixels.dtype).max
    light = _LIGHT[transfer](np.arange(most + 1) / most)
    to_srgb = np.linalg.inv(to_xyz(SRGB)) @ to_xyz(primaries)
    luminance = to_xyz(primaries)[1]
    result = np.empty_like(pixels)
    for row, values in enumerate(pixels):
        linear = light[values]
        if transfer == HLG:
            linear *= (linear @ luminance)[:, None] ** 0.2 * (_HLG_PEAK / _REFERENCE_WHITE)
        linear = (linear @ to_srgb.T).clip(0, None)
        peak = linear.max(axis=1, keepdims=True)
        pressed = 1 - (1 - _KNEE) * np.exp((_KNEE - np.maximum(peak, _KNEE)) / (1 - _KNEE))
        linear *= np.where(peak > _KNEE, pressed / np.maximum(peak, _KNEE), 1)
        result[row] = np.rint(srgb_encode(linear).clip(0, 1) * most)
    return result


def _pq_light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a display, relative to the white."""
    root = values ** (32 / 2523)
    light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return light ** (16384 / 2610) * (10_000 / _REFERENCE_WHITE)


def _hlg_light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the scene, in [0, 1]."""
    return np.where(
        values <= 0.5, values**2 / 3, (np.exp((values - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )


_LIGHT = {PQ: _pq_light, HLG: _hlg_light}


def _fixed(values: "NDArray[np.float64] | tuple[float, ...]") -> bytes:
    return struct.pack(f">{len(values)}i", *(round(float(value) * 65536) for value in values))


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(data), 28) + data
