"""The options of a request: those of the commands, as query parameters or fields of a form."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from limner.images import Metadata
from limner.rendering.options import DEFAULTS, PICTURE, SCHEMA, Options
from limner.server.problems import RefusedError

FORMATS = {
    "png": "image/png",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "tif": "image/tiff",
    "gif": "image/gif",
}
"""Format of a result -> its media type."""


def _field(name: str) -> Any:
    """Type and description of an option as a parameter."""
    option, default = SCHEMA[name], DEFAULTS[name]
    if name == "align":
        return str, Field("0.5,0.5", max_length=50, description=_sentence(option.help))
    if name == "refine":
        return Literal["fast", "fine", "none"], Field(default, description=_sentence(option.help))
    limits: dict[str, Any] = {}
    if type(default) in (int, float):
        limits = {"ge": option.low, "le": option.high if option.high < math.inf else 1000}
    elif isinstance(default, str):
        limits = {"max_length": 100}
    unit = f", {option.unit}" if option.unit and option.unit not in option.help else ""
    return type(default), Field(default, description=_sentence(option.help + unit), **limits)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


IGNORED = "Limner-Ignored"
"""The header that names the parameters without effect."""


def ignored_header(names: Iterable[str]) -> dict[str, str]:
    """For parameters that were sent and had no effect; nothing where there are none."""
    text = json.dumps(", ".join(names))[1:-1][:200]  # as a header can hold it
    return {IGNORED: text} if text else {}


class Encoding(BaseModel):
    """How the result is given."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    output: Literal["cutout", "mask", "composite"] | None = Field(
        None, description="By default a composite if there is an opaque background, else a cut-out."
    )
    format: Literal["png", "webp", "jpg", "tif", "gif"] = Field(
        "png", description="Of the result; png, webp and gif hold all frames of an animation."
    )
    compress: bool = Field(False, description="Take longer for a smaller file.")
    metadata: Metadata = Field("no-gps", description="Kept of the photo's EXIF data: all but the place.")


Parameters: Any = create_model(
    "Parameters", __base__=Encoding, **{name: _field(name) for name in SCHEMA if name != "mask"}
)
"""The options of a request: those of `limner.rendering.options`; a mask is an output."""


def to_options(parameters: Any, *, picture: bool) -> Options:
    """What is to be made.

    Args:
        parameters: `Parameters`.
        picture: Whether a background picture came with the request.

    Raises:
        InputError: If a value cannot be used.
        RefusedError: If the parameters contradict each other.
    """
    output, form = parameters.output, parameters.format
    values = {name: getattr(parameters, name) for name in SCHEMA if name != "mask"}
    values["align"] = _place(parameters.align)
    if picture:
        values["background"] = PICTURE
    options = Options(mask=output == "mask", **values)
    if output == "cutout" and not options.transparent:
        raise RefusedError(422, "contradiction", "a cutout is transparent: leave out background, or output")
    if output == "composite" and options.transparent:
        raise RefusedError(422, "contradiction", "a composite needs an opaque background")
    if options.background == PICTURE and not picture:
        raise RefusedError(422, "options", "background: send the picture as a file of that name")
    if options.transparent and form == "jpg":
        raise RefusedError(422, "contradiction", "jpg has no transparency: use png or webp, or a background")
    return options


def read_options(query: Mapping[str, str], fields: Mapping[str, str]) -> Any:
    """`Parameters` from the query and from the fields of a form.

    Raises:
        RefusedError: If one is unknown, out of its range, or given in both.
    """
    twice = set(query) & set(fields)
    if twice:
        raise RefusedError(422, "given-twice", f"'{min(twice)[:100]}' is in the query and in the form")
    try:
        return Parameters.model_validate({**query, **fields})
    except ValidationError as error:
        raise RefusedError(422, "options", explain(error)) from error


def explain(error: ValidationError) -> str:
    """What is wrong with the first parameter that is refused."""
    found = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in found["loc"])[:100]
    if found["type"] == "extra_forbidden":
        return f"unknown option '{name}': use one of {', '.join(Parameters.model_fields)}"
    return f"{name}: {found['msg']}, got {str(found['input'])[:100]!r}"


def _place(text: str) -> tuple[float, float]:
    try:
        across, down = map(float, text.split(","))
    except ValueError as error:
        raise RefusedError(422, "options", f"align: two numbers such as 0.5,0, got {text!r}") from error
    return across, down
