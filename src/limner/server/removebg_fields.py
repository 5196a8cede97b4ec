"""The parameters of remove.bg, as its clients write them, in the words of Limner."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from limner.errors import InputError
from limner.images import parse_colour
from limner.rendering.layout import Layout, Length
from limner.rendering.options import PICTURE, Options
from limner.server.problems import RefusedError

SIZES = {
    **dict.fromkeys(("preview", "small", "regular"), 250_000),
    "medium": 1_500_000,
    "hd": 4_000_000,
    **dict.fromkeys(("full", "4k", "auto"), 25_000_000),
    "50mp": 50_000_000,
}
"""Size -> most pixels of the result."""
FORMATS = ("auto", "png", "jpg", "jpeg", "webp", "zip")
NOT_PEOPLE = (
    *("product", "car", "car_interior", "car_part", "animal", "graphic", "graphics", "transportation"),
    "other",
)
"""Types of foreground that are not found here."""
SHADOW = 40.0
"""Opacity, percent, of the shadow that is asked for without one."""
MARGIN = Length(500, 0.5)
"""A margin is at most so many pixels, or that fraction of the subject."""
SOURCES = ("image_file", "image_file_b64", "image_url")
BACKGROUNDS = ("bg_color", "bg_image_file", "bg_image_url")
YES_NO: dict[str, Any] = {"type": "boolean", "default": False}
FIELDS: dict[str, dict[str, Any]] = {
    "image_file": {"type": "string", "format": "binary", "description": "The picture."},
    "image_file_b64": {"type": "string", "description": "The picture in base64, or as a data URL."},
    "image_url": {"type": "string", "description": "Where the picture is; its host must be allowed."},
    "size": {
        "type": "string",
        "enum": [*list(SIZES)[:-1], "50MP"],
        "default": "preview",
        "description": "Most pixels: 0.25, 1.5, 4, 25 or 50 million.",
    },
    "type": {"type": "string", "enum": ["auto", "person"], "default": "auto"},
    "type_level": {"type": "string", "enum": ["none", "1", "2", "latest"], "default": "1"},
    "format": {"type": "string", "enum": list(FORMATS), "default": "auto"},
    "roi": {"type": "string", "description": "Where the subject is: x1 y1 x2 y2, in px or %."},
    "crop": {**YES_NO, "description": "Cut off all around the subject."},
    "crop_margin": {"type": "string", "description": "One, two or four, in px or %."},
    "scale": {"type": "string", "description": "Of the subject: 10% to 100%, or original."},
    "position": {"type": "string", "description": "original, center, or one or two percentages."},
    "channels": {"type": "string", "enum": ["rgba", "alpha"], "default": "rgba"},
    "add_shadow": YES_NO,
    "shadow_type": {"type": "string", "enum": ["none", "drop", "car"], "default": "none"},
    "shadow_opacity": {"type": "number", "minimum": 0, "maximum": 100, "default": SHADOW},
    "semitransparency": {**YES_NO, "default": True, "description": "Without effect on people."},
    "bg_color": {"type": "string", "description": "A name, or hex digits with or without #."},
    "bg_image_file": {"type": "string", "format": "binary"},
    "bg_image_url": {"type": "string", "description": "As image_url."},
}
"""What is understood, for OpenAPI."""

_NOTHING = {"", "undefined", "null"}
_ALIASES = {"image_base64": "image_file_b64"}  # removebgplus says it so
_TRUTHS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a request asks for; of pictures, whence they come."""

    options: Options
    format: str  # png, jpg, webp or zip
    most_pixels: int
    classified: bool  # whether the answer names the type
    ignored: tuple[str, ...]  # names of parameters that are unknown
    source: str  # one of `SOURCES`
    background: str = ""  # one of `BACKGROUNDS`, or none


def given(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields that say something: a client's undefined or null does not."""
    stripped = {_ALIASES.get(name, name): value.strip() for name, value in fields.items()}
    return {name: value for name, value in stripped.items() if value.lower() not in _NOTHING}


def read_wanted(fields: Mapping[str, str], files: Mapping[str, bytes]) -> Wanted:
    """What is asked for.

    Args:
        fields: Those that are `given`.
        files: Uploads by the name of their field.

    Raises:
        RefusedError: If a parameter has no such value, or asks for something else than Limner can do.
    """
    names = {*fields, *files}
    unknown = tuple(sorted(names - set(FIELDS)))
    source = _only_one(names, SOURCES, "multiple_sources")
    background = _only_one(names, BACKGROUNDS, "invalid_parameter")
    for name, wrong in (("image_file", fields), ("bg_image_file", fields), *((one, files) for one in _TEXTS)):
        if name in wrong:
            kind = "a text, not a file" if wrong is files else "a file of a form, with a filename"
            raise _bad(name, f"send it as {kind}")
    if not source:
        hint = f" (unknown: {', '.join(unknown)[:200]})" if unknown else ""
        raise RefusedError(
            400, "missing_source", f"no picture: give {', '.join(SOURCES[:-1])} or {SOURCES[-1]}{hint}"
        )
    _check_type(fields)
    _truth(fields, "semitransparency")
    level = _one_of(fields, "type_level", "1", "none", "2", "latest")
    form = _one_of(fields, "format", *FORMATS)
    shown: dict[str, Any] = {"layout": _layout(fields), "shadow": _shadow(fields)}
    if background:
        shown["background"] = PICTURE if background != "bg_color" else _colour(fields["bg_color"], form)
    elif form in ("jpg", "jpeg"):
        shown["background"] = "white"
    alone = _one_of(fields, "channels", "rgba", "alpha") == "alpha"
    if alone:  # theirs looks at neither background nor shadow
        shown = {"layout": shown["layout"], "mask": True}
        background = ""
    options = Options.of(shown)
    if form == "auto":
        form = "png" if options.transparent or alone else "jpg"
    return Wanted(
        options=options,
        format=form.replace("jpeg", "jpg"),
        most_pixels=SIZES[_one_of(fields, "size", *SIZES)],
        classified=level != "none",
        ignored=unknown,
        source=source,
        background="" if background == "bg_color" else background,
    )


_TEXTS = tuple(name for name, schema in FIELDS.items() if schema.get("format") != "binary")


def decode_base64(text: str) -> bytes:
    """A picture from base64 as Python, Node or a shell writes it, or from a data URL.

    Line ends may be in it, padding may be missing, its last two digits may be those of URLs. A plus sign that
    a form has turned into a space is one again.

    Raises:
        RefusedError: If it is something else.
    """
    digits = text.partition(",")[2] if text[:5].lower() == "data:" else text
    digits = re.sub(r"[\r\n\t]", "", digits.strip()).replace(" ", "+").replace("-", "+").replace("_", "/")
    digits = digits.rstrip("=")
    try:
        if not digits:
            raise ValueError("nothing is there")
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad("image_file_b64", f"it is not base64: {error}") from error


def _only_one(names: set[str], choices: tuple[str, ...], code: str) -> str:
    found = [name for name in choices if name in names]
    if len(found) > 1:
        raise RefusedError(400, code, f"give {' or '.join(found)}, not both")
    return found[0] if found else ""


def _check_type(fields: Mapping[str, str]) -> None:
    kind = _one_of(fields, "type", "auto", "person", *NOT_PEOPLE)
    if kind in NOT_PEOPLE:
        message = f"type: '{kind}' is not found here, this server cuts out people only"
        raise RefusedError(400, "unknown_foreground", message)


def _layout(fields: Mapping[str, str]) -> Layout | None:
    region = _parsed(fields, "roi", _region)
    crop = _truth(fields, "crop")
    margins = _parsed(fields, "crop_margin", _margins)
    scale = _parsed(fields, "scale", _scale)
    position = _parsed(fields, "position", _position)
    if position is None and scale is not None and "position" not in fields:
        position = (0.5, 0.5)
    layout = Layout(
        region=region,
        crop=crop,
        margins=margins if crop and margins else (Length(),) * 4,
        scale=scale,
        position=position,
        max_pixels=SIZES[_one_of(fields, "size", *SIZES)],
    )
    return layout if layout.moves or layout.region else None


def _shadow(fields: Mapping[str, str]) -> float:
    opacity = _parsed(fields, "shadow_opacity", _percent)
    wanted = _truth(fields, "add_shadow")
    if "shadow_type" in fields:
        kind = _one_of(fields, "shadow_type", "none", "drop", "car", "3d")
        if kind == "3d":
            raise _bad("shadow_type", "a 3D shadow is not made here, use drop")
        wanted = kind == "drop"  # theirs, too, gives a car's shadow to cars only
    return (SHADOW if opacity is None else 100 * opacity) if wanted else 0.0


def _colour(text: str, form: str) -> str:
    """As Options have it; over white where the format has no transparency."""
    digits = re.fullmatch(r"[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}", text)
    try:
        *colour, opacity = parse_colour(f"#{text}" if digits else text)
    except InputError as error:
        raise _bad("bg_color", str(error)) from error
    if form in ("jpg", "jpeg"):
        colour = [round((value * opacity + 255 * (255 - opacity)) / 255) for value in colour]
        opacity = 255
    return "#" + "".join(f"{value:02x}" for value in (*colour, opacity))


def _one_of(fields: Mapping[str, str], name: str, *choices: str) -> str:
    value = fields.get(name, choices[0]).lower()
    if value not in choices:
        raise _bad(name, f"it is one of {', '.join(choices)}, got '{value[:100]}'")
    return value


def _truth(fields: Mapping[str, str], name: str) -> bool:
    value = fields.get(name, "true" if name == "semitransparency" else "false").lower()
    if value not in _TRUTHS:
        raise _bad(name, f"it is true or false, got '{value[:100]}'")
    return _TRUTHS[value]


def _parsed(fields: Mapping[str, str], name: str, parse: Callable[[str], _Value]) -> _Value | None:
    """A parameter's value; None where it is not given."""
    if name not in fields:
        return None
    try:
        return parse(fields[name].lower())
    except ValueError as error:
        raise _bad(name, f"{error}, got '{fields[name][:100]}'") from error


def _region(text: str) -> tuple[Length, Length, Length, Length] | None:
    left, top, right, bottom = _lengths(text, 4)
    for first, last in ((left, right), (top, bottom)):
        if first.pixels >= last.pixels > 0 or first.fraction >= last.fraction > 0:
            raise ValueError("it is x1 y1 x2 y2, the top left corner first")
    whole = (Length(), Length(), Length(fraction=1), Length(fraction=1))
    return None if (left, top, right, bottom) == whole else (left, top, right, bottom)


def _margins(text: str) -> tuple[Length, Length, Length, Length]:
    values = [
        Length(min(one.pixels, MARGIN.pixels), min(one.fraction, MARGIN.fraction))
        for one in _lengths(text, 1, 2, 4)
    ]
    top, right, bottom, left = (values * 4)[:4] if len(values) < 4 else values
    return top, right, bottom, left


def _scale(text: str) -> float | None:
    if text == "original":
        return None
    fraction = _percent(text)
    if fraction < 0.1:
        raise ValueError("it is from 10% to 100%, or original")
    return fraction


def _position(text: str) -> tuple[float, float] | None:
    """Down and across; theirs says it across and down."""
    if text == "original":
        return None
    if text == "center":
        return 0.5, 0.5
    values = [_percent(one) for one in _split(text)]
    if len(values) not in (1, 2):
        raise ValueError("it is original, center, or one or two percentages")
    return values[-1], values[0]


def _percent(text: str) -> float:
    """A fraction of 0 to 1."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?)\s*%?", text)
    if not found or float(found[1]) > 100:
        raise ValueError("it is a percentage such as 50%, at most 100%")
    return float(found[1]) / 100


def _lengths(text: str, *counts: int) -> list[Length]:
    """Pixels (px, or no unit) or percent."""
    found = [re.fullmatch(r"(\d{1,5}(?:\.\d{1,9})?)(px|%)?", one) for one in _split(text)]
    if len(found) not in counts or not all(found):
        many = ", ".join(str(count) for count in counts)
        raise ValueError(f"it is {many} lengths such as 30px or 10%")
    return [
        Length(fraction=float(one[1]) / 100) if one[2] == "%" else Length(pixels=float(one[1]))
        for one in found
        if one
    ]


def _split(text: str) -> list[str]:
    return re.split(r"[\s,]+", text.strip())


def _bad(name: str, message: str) -> RefusedError:
    return RefusedError(400, "invalid_parameter", f"{name}: {message}")
