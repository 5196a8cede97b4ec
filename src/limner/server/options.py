"""The options of a request: those of the commands, as query parameters or fields of a form."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limner.images import Metadata
from limner.render.framing import CROPS
from limner.render.render import Finish
from limner.server.problems import RefusedError

FORMATS = {"png": "image/png", "webp": "image/webp", "jpg": "image/jpeg", "tif": "image/tiff"}
"""Format of a result -> its media type."""


class Options(BaseModel):
    """What is made of a picture."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    output: Literal["cutout", "mask", "composite"] | None = Field(
        None, description="By default a composite if there is an opaque background, else a cut-out."
    )
    background: str = Field(
        "transparent",
        max_length=100,
        description="transparent, blur, grey, original, or a colour: a name, #rrggbb[aa], rgb(r, g, b). "
        "A form may hold a picture here instead.",
        examples=["white", "#0c2340", "blur"],
    )
    fit: str = Field("cover", description="How a picture fills the frame: cover, contain or tile.")
    align: str = Field(
        "0.5,0.5",
        max_length=50,
        description="Which part of a picture is seen: X,Y from 0,0, top left, to 1,1.",
    )
    blur: float = Field(2, gt=0, le=50, description="Radius, in percent of the longer side.")
    lens: bool = Field(False, description="Blur by a disc, as an open lens does.")
    shadow: float = Field(0, ge=0, le=100, description="Opacity of a drop shadow, percent.")
    refine: Literal["fast", "none"] = Field("fast", description="Lay the edge where the picture has one.")
    shift: float = Field(0, ge=-100, le=100, description="Pixels by which the edge moves outwards.")
    feather: int = Field(0, ge=0, le=200, description="Pixels over which the edge is softened.")
    subjects: int = Field(0, ge=0, le=1000, description="Keep so many, the largest; 0 keeps all.")
    crop: str = Field(
        "",
        max_length=20,
        description=f"{', '.join(CROPS)}, or an aspect ratio such as 4:5.",
        examples=["square", "35x45mm"],
    )
    margin: float = Field(5, ge=0, le=200, description="Around the subject in a crop, percent.")
    format: Literal["png", "webp", "jpg", "tif"] = Field("png", description="Of the result.")
    compress: bool = Field(False, description="Take longer for a smaller file.")
    metadata: Metadata = Field("no-gps", description="Kept of the photo's EXIF data: all but the place.")

    def finish(self, *, picture: bool) -> Finish:
        """The same for `limner.render.render`.

        Args:
            picture: Whether a background picture came with the request.

        Raises:
            InputError: If a value cannot be used.
            RefusedError: If the options contradict each other.
        """
        options = Finish(
            mask=self.output == "mask",
            background="picture" if picture else self.background,
            fit=self.fit,
            align=_place(self.align),
            blur=self.blur / 100,
            lens=self.lens,
            shadow=self.shadow / 100,
            refine=self.refine,
            shift=self.shift,
            feather=self.feather,
            subjects=self.subjects,
            crop=self.crop,
            margin=self.margin / 100,
        )
        if options.mask and options.background != "transparent":
            raise RefusedError(422, "contradiction", "a mask is the matte alone: leave out background")
        if self.output == "cutout" and not options.transparent:
            raise RefusedError(
                422, "contradiction", "a cutout is transparent: leave out background, or output"
            )
        if self.output == "composite" and options.transparent:
            raise RefusedError(422, "contradiction", "a composite needs an opaque background")
        if options.transparent and self.format == "jpg":
            raise RefusedError(
                422, "contradiction", "jpg has no transparency: use png or webp, or a background"
            )
        return options


def read_options(query: Mapping[str, str], fields: Mapping[str, str]) -> Options:
    """Options from the query and from the fields of a form.

    Raises:
        RefusedError: If one is unknown, out of its range, or given in both.
    """
    twice = set(query) & set(fields)
    if twice:
        raise RefusedError(422, "given-twice", f"'{min(twice)[:100]}' is in the query and in the form")
    try:
        return Options.model_validate({**query, **fields})
    except ValidationError as error:
        raise RefusedError(422, "options", _told(error)) from error


def _told(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in found["loc"])[:100]
    if found["type"] == "extra_forbidden":
        return f"unknown option '{name}': use one of {', '.join(Options.model_fields)}"
    return f"{name}: {found['msg']}, got {str(found['input'])[:100]!r}"


def _place(text: str) -> tuple[float, float]:
    try:
        across, down = map(float, text.split(","))
    except ValueError as error:
        raise RefusedError(422, "options", f"align: two numbers such as 0.5,0, got {text!r}") from error
    return down, across
