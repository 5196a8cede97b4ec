"""The API of remove.bg, version 1.0, for clients that already speak it.

What Limner cannot do is refused, never left away in silence; pictures are never fetched from an address.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from limner.errors import InputError
from limner.rendering.options import PICTURE, Options
from limner.server.problems import RefusedError
from limner.server.service import Job, Made
from limner.server.uploads import Upload

SIZES = {
    **dict.fromkeys(("preview", "small", "regular"), 250_000),
    "medium": 1_500_000,
    "hd": 4_000_000,
    **dict.fromkeys(("full", "4k", "50MP", "auto"), None),
}
"""Size -> most pixels of the result."""
SHADOW = 40.0
"""Opacity, percent, of the shadow that is asked for without one."""
FIELDS: dict[str, dict[str, Any]] = {
    "image_file": {"type": "string", "format": "binary", "description": "The picture."},
    "image_file_b64": {"type": "string", "description": "The picture in base64, instead."},
    "size": {"type": "string", "enum": list(SIZES), "default": "preview"},
    "type": {"type": "string", "enum": ["auto", "person"], "default": "auto"},
    "format": {"type": "string", "enum": ["auto", "png", "jpg", "webp"], "default": "auto"},
    "channels": {"type": "string", "enum": ["rgba", "alpha"], "default": "rgba"},
    "crop": {"type": "boolean", "default": False},
    "crop_margin": {"type": "string", "default": "0", "description": "Percent, such as 10%."},
    "add_shadow": {"type": "boolean", "default": False},
    "bg_color": {"type": "string", "description": "A name, or hex digits with or without #."},
    "bg_image_file": {"type": "string", "format": "binary"},
}
"""What is understood, for OpenAPI."""
_WITHOUT_EFFECT = {"type_level", "semitransparency", "shadow_type", "shadow_opacity"}
_DEFAULTS = {
    "roi": {"", "0% 0% 100% 100%"},
    "scale": {"", "original"},
    "position": {"", "original", "center"},
}


def read_job(upload: Upload) -> Job:
    """What a request asks for.

    Raises:
        RefusedError: If it is something else than Limner can do.
    """
    fields = {name: value for name, value in upload.fields.items() if value}
    _check_names({*fields, *upload.files}, fields)
    channels = _one_of(fields, "channels", "rgba", "alpha")
    _one_of(fields, "type", "auto", "person")
    wanted = _one_of(fields, "format", "auto", "png", "jpg", "webp")
    background = upload.files.get("bg_image_file")
    colour = fields.get("bg_color", "")
    if re.fullmatch(r"[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}", colour):
        colour = f"#{colour}"
    shadow = SHADOW if _truth(fields, "add_shadow") else 0.0
    behind: dict[str, Any] = {
        "background": PICTURE if background else colour or "transparent",
        "shadow": shadow,
    }
    if channels == "alpha":  # theirs looks at nothing else
        behind = {"mask": True}
    margin = _margin(fields.get("crop_margin", "0"))
    frame = {"crop": "subject", "margin": margin} if _truth(fields, "crop") else {}
    try:
        options = Options.of({**behind, **frame})
    except InputError as error:
        raise RefusedError(400, "invalid_parameter", str(error)) from error
    if options.transparent and wanted == "jpg":  # as theirs: on white
        options = replace(options, background="white")
    return Job(
        data=_picture(upload),
        options=options,
        format="png" if wanted == "auto" else wanted,
        background=background if options.background == PICTURE else None,
        most_pixels=SIZES[_one_of(fields, "size", "preview", *SIZES)],
    )


HEADERS = (
    "X-Type",
    "X-Width",
    "X-Height",
    "X-Credits-Charged",
    *(f"X-Foreground-{name}" for name in ("Top", "Left", "Width", "Height")),
)
"""Names of the headers of a response."""


def headers(made: Made) -> dict[str, str]:
    """Of the response."""
    return {
        "X-Type": "person",
        "X-Width": str(made.size[1]),
        "X-Height": str(made.size[0]),
        "X-Credits-Charged": "0",
        **{f"X-Foreground-{name.title()}": str(value) for name, value in _foreground(made).items()},
    }


def as_json(made: Made) -> dict[str, Any]:
    """The body for clients that ask for JSON."""
    places = {f"foreground_{name}": value for name, value in _foreground(made).items()}
    return {"data": {"result_b64": base64.b64encode(made.data).decode(), **places}}


def _foreground(made: Made) -> dict[str, int]:
    """Where the subject is in the result, which for a crop is all of it."""
    box, frame = made.box, made.frame
    if box is None:
        return {}
    return {
        "top": box.top - frame.top,
        "left": box.left - frame.left,
        "width": box.width,
        "height": box.height,
    }


def _check_names(names: set[str], fields: Mapping[str, str]) -> None:
    for name in ("image_url", "bg_image_url"):
        if name in names:
            raise RefusedError(
                400, "invalid_parameter", f"{name}: this server fetches nothing, send the file"
            )
    for name, plain in _DEFAULTS.items():
        if fields.get(name, "") not in plain:
            raise RefusedError(400, "invalid_parameter", f"{name} is not supported here: leave it out")
    unknown = names - set(FIELDS) - _WITHOUT_EFFECT - set(_DEFAULTS)
    if unknown:
        raise RefusedError(400, "invalid_parameter", f"unknown parameter '{min(unknown)[:100]}'")


def _picture(upload: Upload) -> bytes:
    data, text = upload.files.get("image_file"), upload.fields.get("image_file_b64")
    if data is not None and text:
        raise RefusedError(400, "multiple_sources", "give image_file or image_file_b64, not both")
    if data is not None:
        return data
    if not text:
        raise RefusedError(400, "missing_source", "no picture: give image_file or image_file_b64")
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError(400, "invalid_parameter", f"image_file_b64 is not base64: {error}") from error


def _one_of(fields: Mapping[str, str], name: str, *choices: str) -> str:
    value = fields.get(name, choices[0])
    if value not in choices:
        allowed = ", ".join(dict.fromkeys(choices))
        raise RefusedError(400, "invalid_parameter", f"{name} is one of {allowed} here, got '{value[:100]}'")
    return value


def _truth(fields: Mapping[str, str], name: str) -> bool:
    return _one_of(fields, name, "false", "true", "0", "1") in ("true", "1")


def _margin(text: str) -> float:
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%|0(?:px)?", text)
    if not found:
        message = f"crop_margin is a percentage here, such as 10%, got '{text[:50]}'"
        raise RefusedError(400, "invalid_parameter", message)
    return float(found[1] or 0)
