"""The files of the web page, as any web server can show them."""

import json
import math
from pathlib import Path
from typing import Any

from limner.rendering.identity import ID_PHOTOS
from limner.rendering.options import DEFAULTS, SCHEMA, Option

WEB = Path(__file__).parent / "web"
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""Of the files of the page; those that the system knows may be others."""


def page_files() -> dict[str, bytes]:
    """Path of each file -> its content; `index.html` is the page, `options.js` is made from the schema."""
    files = {
        path.relative_to(WEB).as_posix(): path.read_bytes()
        for path in sorted(WEB.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }
    return {**files, "options.js": _options_module().encode()}


def _options_module() -> str:
    """The schema of options and the formats of identity photos, as a module of JavaScript."""
    options = {name: _described(name, option) for name, option in SCHEMA.items()}
    photos = {
        name: {"height": photo.size[0], "width": photo.size[1], "head": photo.head, "above": photo.above}
        for name, photo in ID_PHOTOS.items()
    }
    return (
        "// Made from the schema of options (limner.rendering.options).\n"
        f"export const OPTIONS = {json.dumps(options, indent=2)};\n"
        f"export const ID_PHOTOS = {json.dumps(photos, indent=2)};\n"
    )


def _described(name: str, option: Option) -> dict[str, Any]:
    limits = {"low": option.low, "high": option.high}
    return {
        "default": DEFAULTS[name],
        "whole": type(DEFAULTS[name]) is int,
        "unit": option.unit,
        "choices": option.choices,
        "needs": option.needs,
        **{name: value for name, value in limits.items() if math.isfinite(value)},
    }
