"""Colours of files without an ICC profile: nclx in AVIF and HEIC, chunks in PNG, tags in TIFF."""

import logging
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from limner.images.cicp import ADOBE, GAMMAS, HDR, PRIMARIES, SRGB, Primaries, make_profile, same_primaries

_INTO = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # boxes that are looked into -> bytes before what they hold
_TIFF_WHITE, _TIFF_PRIMARIES = 318, 319
_SRGB_GAMMA, _NEAR = 0.45455, 0.005  # exponent that makes a value of light; what else counts as it
_log = logging.getLogger(__name__)


def png_colours(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The result of `limner.images.png_chunks.read_chunks` as ``icc_profile`` or ``hdr`` of Pillow's info.

    cICP counts before iCCP, that before sRGB, and that before gAMA and cHRM.
    """
    chunks = {key: found[key] for key in ("cICP", "sRGB", "gAMA", "cHRM") if key in found}
    others = {key: value for key, value in found.items() if key not in chunks}
    if len(chunks.get("cICP", b"")) == 4:
        others.pop("icc_profile", None)
        if chunks["cICP"][3] == 0:
            _log.warning(
                "%s: its values are of video's narrow range; they are taken as of the full one", name
            )
        return others | _said(chunks["cICP"][0], chunks["cICP"][1], name)
    if "icc_profile" in found or "sRGB" in chunks:
        return others
    gamma, primaries = _SRGB_GAMMA, SRGB
    if len(chunks.get("gAMA", b"")) == 4:
        gamma = struct.unpack(">I", chunks["gAMA"])[0] / 1e5
    if len(chunks.get("cHRM", b"")) == 32:
        white, *colours = np.reshape(np.frombuffer(chunks["cHRM"], ">u4") / 1e5, (4, 2)).tolist()
        primaries = tuple(value for pair in (*colours, white) for value in pair)
    return others | _profile(primaries, gamma, name)


def nclx_colours(data: bytes, name: str) -> dict[str, Any]:
    """The first colours of an AVIF or HEIC file that are given by numbers, as `png_colours`.

    Reference:
        ISO/IEC 23008-12 (2022), "ColourInformationBox".
    """
    for body in _boxes(data, 0, len(data)):
        if body[:4] == b"nclx" and len(body) >= 8:
            primaries, transfer = struct.unpack_from(">HH", body, 4)
            return _said(primaries, transfer, name)
    return {}


def tiff_colours(tags: Any, name: str) -> dict[str, Any]:
    """The primaries that a TIFF file names, with the curve of sRGB, as `png_colours`."""
    colours = tags.get(_TIFF_PRIMARIES, ())
    white = tags.get(_TIFF_WHITE, SRGB[6:])
    if len(colours) != 6 or len(white) != 2:
        return {}
    return _profile(tuple(float(value) for value in (*colours, *white)), _SRGB_GAMMA, name)


def adobe_rgb() -> bytes:
    """The profile that cameras mean by R03.

    Reference:
        Adobe RGB (1998) Color Image Encoding, 2005; DCF 2.0 (JEITA CP-3461), optional colour space.
    """
    return make_profile(ADOBE, 563 / 256, "Adobe RGB (1998)")


def _boxes(data: bytes, offset: int, end: int) -> Iterator[bytes]:
    """What colour boxes hold."""
    while offset + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, offset)
        head = 8
        if length == 1 and offset + 16 <= end:
            (length,), head = struct.unpack_from(">Q", data, offset + 8), 16
        last = min(offset + length, end) if length else end
        if last < offset + head:
            return
        if kind == b"colr":
            yield data[offset + head : last]
        elif kind in _INTO:
            yield from _boxes(data, offset + head + _INTO[kind], last)
        offset = last


def _said(primaries: int, transfer: int, name: str) -> dict[str, Any]:
    """Of two code points."""
    if primaries in PRIMARIES and transfer in HDR:
        _log.warning("%s: its colours are %s; they are tone-mapped to sRGB", name, HDR[transfer])
        return {"hdr": (PRIMARIES[primaries], transfer)}
    if primaries not in PRIMARIES or transfer not in GAMMAS:
        _log.warning(
            "%s: its colours (primaries %d, transfer %d) are unknown to Limner; they are taken as sRGB",
            name,
            primaries,
            transfer,
        )
        return {}
    exponent = GAMMAS[transfer]
    return _profile(PRIMARIES[primaries], 1 / exponent if exponent else _SRGB_GAMMA, name)


def _profile(primaries: Primaries, gamma: float, name: str) -> dict[str, Any]:
    """Nothing for sRGB."""
    curve = None if abs(gamma - _SRGB_GAMMA) <= _NEAR else gamma
    if curve is None and same_primaries(primaries, SRGB):
        return {}
    p3 = curve is None and same_primaries(primaries, PRIMARIES[12])
    title = "Display P3" if p3 else "RGB" + (f", gamma {1 / curve:.4g}" if curve else "")
    try:
        return {"icc_profile": make_profile(primaries, None if curve is None else 1 / curve, title)}
    except (np.linalg.LinAlgError, ArithmeticError, struct.error):
        _log.warning("%s: its primaries or its gamma cannot be right; they are taken as sRGB", name)
        return {}
