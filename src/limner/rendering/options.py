"""Options of rendering, each stated once for Python, commands, server and docs.

Nothing heavy is imported here, since every command declares its options when it starts.
"""

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import InputError

if TYPE_CHECKING:
    from limner.images import Colour, Image
    from limner.rendering.layout import Layout

OWN = ("blur", "grey", "original")
"""Backgrounds that are made of the photo's own."""

PICTURE = "picture"
"""The background where `Options.picture` goes behind the subject."""

FITS = ("cover", "contain", "tile")
"""How a picture fills the frame."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """What there is to know of an option beside its name, type and default."""

    help: str
    group: str  # of the help page
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    metavar: str = ""
    needs: str = ""  # what else must be chosen for it to have an effect

    def check(self, name: str, value: Any, default: Any) -> None:
        """Refuse a value of a wrong type or out of range."""
        wanted = type(default)
        right = isinstance(value, (int, float)) if wanted is float else isinstance(value, wanted)
        if not right or isinstance(value, bool) != (wanted is bool):
            raise InputError(f"{name} must be {_ARTICLES[wanted]}, got {value!r}")
        if self.choices and value not in self.choices:
            raise InputError(f"unknown {name} '{value}': use one of {', '.join(self.choices)}")
        if wanted in (int, float) and not self.low <= value <= self.high:
            raise InputError(f"{name} is {self.range}, got {value}")

    @property
    def range(self) -> str:
        """The values it may have, with their unit."""
        if self.high == math.inf:
            return f"at least {self.low:g}" if self.low > -math.inf else self.unit
        return f"from {self.low:g} to {self.high:g} {self.unit}".rstrip()


_ARTICLES = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}


def _option(default: Any, text: str, group: str, **more: Any) -> Any:
    return field(default=default, metadata={"option": Option(help=text, group=group, **more)})


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a photo and its alpha are rendered. `SCHEMA` describes each option.

    A background may also be a colour of three or four numbers up to 255, the `Path` of a picture, an array or
    a Pillow picture.

    Attributes:
        picture: What goes behind the subject, (H, W, 3) uint8, where the background is a picture.
        layout: Where the subject stands, instead of a crop; not before a background of the photo's own.

    Raises:
        InputError: If a value is of a wrong type, out of its range, or would have no effect.

    Example:
        >>> limner.Options(background="blur", blur=3).non_default()
        {'background': 'blur', 'blur': 3}
    """

    mask: bool = _option(False, "the alpha alone, in grey", "result")
    background: Any = _option(  # noqa: RUF009
        "transparent",
        "transparent, blur, grey, original, a picture file, or a colour: name, #rrggbb, rgb(r, g, b)",
        "background",
        metavar="WHAT",
    )
    fit: str = _option(
        "cover", "how a picture fills the frame", "background", choices=FITS, needs="a picture behind"
    )
    align: tuple[float, float] = _option(
        (0.5, 0.5),
        "which part of a picture is seen: 0,0 is its top left, 1,1 its bottom right",
        "background",
        low=0,
        high=1,
        metavar="X,Y",
        needs="a picture behind",
    )
    blur: float = _option(
        2.0,
        "radius of the blur, in percent of the longer side",
        "background",
        unit="percent",
        low=0.01,
        high=50,
        needs="background blur",
    )
    lens: bool = _option(False, "blur by a disc, as an open lens does", "background", needs="background blur")
    shadow: float = _option(
        0.0, "opacity of a drop shadow", "background", unit="percent", low=0, high=100, needs="no mask"
    )
    refine: str = _option(
        "fast", "refinement of the edge; fine needs SciPy", "edge", choices=("fast", "fine", "none")
    )
    shift: float = _option(
        0.0, "move the edge outwards, or inwards if negative", "edge", unit="pixels", low=-100, high=100
    )
    feather: int = _option(0, "soften the edge", "edge", unit="pixels", low=0, high=200)
    subjects: int = _option(0, "keep the N largest people only; 0 keeps all", "edge", low=0, metavar="N")
    crop: str = _option(
        "",
        "subject, square, an aspect ratio W:H, or an identity photo: 35x45mm, 2x2in",
        "frame",
        metavar="FRAME",
    )
    margin: float = _option(
        5.0,
        "space around the subject in a crop, in percent of the longer side of its box",
        "frame",
        unit="percent",
        low=0,
        high=200,
        needs="a crop",
    )
    picture: "Image | None" = field(default=None, compare=False, repr=False)
    layout: "Layout | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        background, picture = _background(self.background, self.picture)
        object.__setattr__(self, "background", background)
        object.__setattr__(self, "picture", picture)
        object.__setattr__(self, "align", _pair(self.align))
        for name, option in SCHEMA.items():
            if name != "align":
                option.check(name, getattr(self, name), DEFAULTS[name])
        if self.crop:
            from limner.rendering.framing import crop_name

            object.__setattr__(self, "crop", crop_name(self.crop))
        chosen = {
            "a picture behind": self.background == PICTURE,
            "background blur": self.background == "blur",
            "no mask": not self.mask,
            "a crop": bool(self.crop),
            "": True,
        }
        for name, option in SCHEMA.items():
            if getattr(self, name) != DEFAULTS[name] and not chosen[option.needs]:
                raise InputError(f"{name} has no effect here: it needs {option.needs}")
        if self.mask and self.background != "transparent":
            raise InputError("a mask is the alpha alone: leave out background, or mask")
        if self.layout and (self.crop or self.background in OWN):
            raise InputError(f"a layout goes with neither a crop nor a background of {', '.join(OWN)}")

    @property
    def transparent(self) -> bool:
        """Whether the result has an alpha."""
        return not self.mask and self.background not in (PICTURE, *OWN) and self.colour[1] < 1

    @property
    def colour(self) -> "tuple[Colour, float]":
        """The colour behind, and its opacity in [0, 1]."""
        if self.background == "transparent":
            return (0, 0, 0), 0.0
        from limner.images import parse_colour

        red, green, blue, opacity = parse_colour(self.background)
        return (red, green, blue), opacity / 255

    def non_default(self) -> dict[str, Any]:
        """The options that differ from their defaults, as JSON holds them; a picture is not among them."""
        values = {name: getattr(self, name) for name in SCHEMA if getattr(self, name) != DEFAULTS[name]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Options":
        """Options by name.

        Raises:
            InputError: If one is unknown, of a wrong type or out of its range.
        """
        for name in values:
            if name not in {*SCHEMA, "picture", "layout"}:
                import difflib

                near = difflib.get_close_matches(name, SCHEMA, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(SCHEMA)}"
                raise InputError(f"unknown option '{name}': {hint}")
        return cls(**values)


def picture_or_name(background: str) -> str | Path:
    """A background as a person writes it: the path of a picture, or a name or colour as it is."""
    if background in ("transparent", PICTURE, *OWN):
        return background
    from limner.images import FORMATS

    path = Path(background)
    return path if path.suffix.lower() in FORMATS or path.is_file() else background


def _background(background: Any, picture: Any) -> "tuple[str, Image | None]":
    """What `Options` keeps of both. A text never names a file: it may come from a stranger."""
    from limner.images import Pillow, as_image, load_image, parse_colour

    if picture is not None:
        if background != PICTURE:
            raise InputError(f"a picture goes with background='{PICTURE}', got {background!r}")
        return PICTURE, as_image(picture)
    if isinstance(background, Path):
        return PICTURE, load_image(background)
    if isinstance(background, Pillow) or hasattr(background, "dtype"):
        return PICTURE, as_image(background)
    if isinstance(background, (tuple, list)):
        return _colour_text(background), None
    if not isinstance(background, str):
        raise InputError(
            f"a background is a name, a colour, a path, an array or a Pillow picture, got {background!r}"
        )
    if background not in ("transparent", PICTURE, *OWN):
        parse_colour(background)
    return background, None


def _colour_text(values: tuple[Any, ...] | list[Any]) -> str:
    try:
        numbers = [operator.index(value) for value in values]
    except TypeError:
        numbers = []
    if len(numbers) not in (3, 4) or not all(0 <= number <= 255 for number in numbers):
        raise InputError(f"a colour is red, green, blue (and opacity), each from 0 to 255, got {values!r}")
    return "#" + "".join(f"{number:02x}" for number in numbers)


def _pair(align: Any) -> tuple[float, float]:
    try:
        across, down = (float(value) for value in align)
    except (TypeError, ValueError) as error:
        raise InputError(f"align is two numbers, x and y, such as (0.5, 0), got {align!r}") from error
    if not (0 <= across <= 1 and 0 <= down <= 1):
        raise InputError(f"align is two numbers from 0 to 1, got {align!r}")
    return across, down


SCHEMA: dict[str, Option] = {
    one.name: one.metadata["option"] for one in fields(Options) if "option" in one.metadata
}
"""Name of each option -> what there is to know of it."""

DEFAULTS = {one.name: one.default for one in fields(Options) if one.name in SCHEMA}
"""Name of each option -> its default."""
