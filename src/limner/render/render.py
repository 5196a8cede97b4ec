"""From a photo and a network's alpha to the finished picture, for commands, batches and the server."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from limner.errors import InputError
from limner.images import Alpha, Colour, Image, Photo, Pixels, parse_colour, resize
from limner.images.strips import strips
from limner.mattes.foreground import estimate_foreground
from limner.mattes.masks import feather, largest, shift_edge, to_uint8
from limner.mattes.refine import refine_alpha
from limner.render.backgrounds import FITS, blurred, desaturated, lay_out, mix, shadow
from limner.render.framing import ID_PHOTOS, Frame, crop_to, frame_of

OWN = ("blur", "grey", "original")
"""Backgrounds that are made of the photo's own."""
REFINEMENTS = ("fast", "fine", "none")


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What is made of a photo and its alpha."""

    mask: bool = False  # the matte alone, in grey
    background: str = (
        "transparent"  # or blur, grey, original, picture (given beside), or a colour, rgba(...) too
    )
    fit: str = "cover"  # of a picture: cover, contain or tile
    align: tuple[float, float] = (0.5, 0.5)  # of a picture: from (0, 0), top left, to (1, 1)
    blur: float = 0.02  # radius of the blur, as a fraction of the longer side
    lens: bool = False  # blur by a disc
    shadow: float = 0.0  # opacity of a drop shadow, in [0, 1]
    refine: str = "fast"  # or fine, or none
    shift: float = 0.0  # pixels by which the edge moves outwards
    feather: int = 0  # pixels over which the edge is softened
    subjects: int = 0  # keep so many, the largest; 0 keeps all
    crop: str = ""  # subject, square, W:H or an identity photo: limner.render.framing.CROPS
    margin: float = 0.05  # of the crop around the subject, as a fraction of the longer side of its box

    def __post_init__(self) -> None:
        if self.background not in ("transparent", "picture", *OWN):
            parse_colour(self.background)
        _require(self.fit in FITS, f"unknown fit '{self.fit}': use one of {', '.join(FITS)}")
        _require(
            self.refine in REFINEMENTS,
            f"unknown refinement '{self.refine}': use one of {', '.join(REFINEMENTS)}",
        )
        _require(0 < self.blur <= 0.5, f"blur is a fraction of the longer side in (0, 0.5], got {self.blur}")
        _require(0 <= self.shadow <= 1, f"shadow is an opacity in [0, 1], got {self.shadow}")
        _require(0 <= self.margin <= 2, f"margin is a fraction in [0, 2], got {self.margin}")
        _require(abs(self.shift) <= 100, f"shift is at most 100 pixels either way, got {self.shift}")
        _require(0 <= self.feather <= 200, f"feather is 0 to 200 pixels, got {self.feather}")
        _require(self.subjects >= 0, f"subjects must not be negative, got {self.subjects}")
        _require(all(0 <= place <= 1 for place in self.align), f"align is in [0, 1], got {self.align}")

    @property
    def transparent(self) -> bool:
        """Whether the result has an alpha."""
        return not self.mask and self.background not in ("picture", *OWN) and _colour(self)[1] < 1

    def to_json(self) -> dict[str, Any]:
        """The settings that differ from the default ones."""
        return {
            field.name: value
            for field, value in zip(fields(self), asdict(self).values(), strict=True)
            if value != field.default
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> "Finish":
        """The settings that `to_json` gave.

        Raises:
            InputError: If one is unknown, of a wrong type or out of its range.
        """
        known = {field.name: field for field in fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise InputError(f"unknown option '{name}': use one of {', '.join(known)}")
            default = known[name].default
            right = isinstance(value, (int, float) if isinstance(default, float) else type(default) | list)
            if not right or isinstance(value, bool) != isinstance(default, bool):
                raise InputError(f"{name} must be like {default!r}, got {value!r}")
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return cls(**values)


def finish(photo: Photo, alpha: Alpha, options: Finish, *, picture: Image | None = None) -> Photo:
    """Refine, crop and compose.

    Args:
        photo: The photo; an alpha of its own is multiplied in.
        alpha: (H, W) float32 in [0, 1], of the network, at the photo's size.
        options: What to make.
        picture: What goes behind the subject where the background is "picture", else unused; (H, W, 3)
            uint8, any size.

    Returns:
        A cut-out has an alpha, a composite has none, a matte has (H, W) pixels. Pixels of a cut-out that are
        not seen are black: nothing of the background is left in it.

    Raises:
        InputError: If the crop does not fit, or the picture is missing.
    """
    alpha = finished_alpha(photo, alpha, options)  # lets go of the network's: 0.4 GB of 100 megapixels
    return compose_finished(photo, alpha, options, picture=picture)


def compose_finished(photo: Photo, alpha: Alpha, options: Finish, *, picture: Image | None = None) -> Photo:
    """The second half of `finish`: crop and compose, with the `finished_alpha`."""
    if options.background != "picture":
        picture = None
    elif picture is None:
        raise InputError("the background is to be a picture, and none is given")
    pixels = photo.pixels
    dpi = photo.dpi
    if options.crop:
        frame = finished_frame(alpha, options)
        pixels, alpha = crop_to(pixels, frame), crop_to(alpha, frame)
        if options.crop in ID_PHOTOS:
            form = ID_PHOTOS[options.crop]
            pixels, alpha, dpi = resize(pixels, form.size), resize(alpha, form.size), (form.dpi, form.dpi)
    if options.mask:
        return replace(photo, pixels=to_uint8(alpha), alpha=None, profile=None, dpi=dpi)
    photo = replace(photo, pixels=pixels, alpha=None, dpi=dpi)
    foreground = estimate_foreground(pixels, alpha)
    if options.transparent:
        return _cut(photo, foreground, alpha, options)
    return replace(photo, pixels=mix(foreground, alpha, _background(photo, alpha, options, picture)))


def finished_frame(alpha: Alpha, options: Finish) -> Frame:
    """What is kept of the picture, given its `finished_alpha`: all of it without a crop."""
    if not options.crop:
        return Frame(0, 0, *alpha.shape)
    own = options.mask or options.background in OWN
    return frame_of(alpha, options.crop, margin=options.margin, inside=own)


def finished_alpha(photo: Photo, alpha: Alpha, options: Finish) -> Alpha:
    """The alpha with its edge refined, moved and softened, and only of the subjects that are kept."""
    if options.refine != "none":
        alpha = refine_alpha(photo.image, alpha, fine=options.refine == "fine")
    if options.subjects:
        alpha = largest(alpha, options.subjects)
    if options.shift:
        alpha = shift_edge(alpha, options.shift)
    if options.feather:
        alpha = feather(alpha, options.feather)
    return alpha if photo.alpha is None else alpha * photo.alpha


def _cut(photo: Photo, foreground: Image, alpha: Alpha, options: Finish) -> Photo:
    """The subject over its shadow over what is to be seen of the colour behind, on nothing."""
    if options.shadow:
        dark = shadow(alpha, opacity=options.shadow)
        foreground, alpha = _over(foreground, alpha, _in_colours_of(photo, (0, 0, 0)), dark)
    colour, opacity = _colour(options)
    if opacity:
        flat = np.full_like(alpha, opacity)
        foreground, alpha = _over(foreground, alpha, _in_colours_of(photo, colour), flat)
    pixels = foreground.copy() if foreground is photo.pixels else foreground
    for rows in strips(len(pixels), pixels[0].nbytes):
        pixels[rows] *= (alpha[rows] >= 0.5 / 255)[..., None]
    return replace(photo, pixels=pixels, alpha=alpha)


def _over(foreground: Pixels, alpha: Alpha, colour: Pixels, opacity: Alpha) -> tuple[Pixels, Alpha]:
    """Straight colours and alpha of a layer over one of a single colour, (3,), of the same type.

    Reference:
        Porter and Duff, "Compositing digital images", SIGGRAPH 1984, "over".
    """
    below = (1 - alpha) * opacity
    whole = alpha + below
    share = np.divide(below, whole, out=np.zeros_like(alpha), where=whole > 0)
    return mix(foreground, 1 - share, colour), whole


def _colour(options: Finish) -> tuple[Colour, float]:
    """The colour behind and its opacity in [0, 1]."""
    if options.background == "transparent":
        return (0, 0, 0), 0.0
    *colour, opacity = parse_colour(options.background)
    return (colour[0], colour[1], colour[2]), opacity / 255


def _in_colours_of(photo: Photo, colour: Colour) -> Pixels:
    """An sRGB colour, (3,), in the numbers of the photo's profile and at its depth."""
    found: Pixels = photo.like(np.array([[colour]], np.uint8))[0, 0]
    return found


def _background(photo: Photo, alpha: Alpha, options: Finish, picture: Image | None) -> Image:
    size = (alpha.shape[0], alpha.shape[1])
    if options.background == "blur":
        behind = blurred(photo.pixels, alpha, radius=options.blur * max(size), lens=options.lens)
    elif options.background == "grey":
        behind = desaturated(photo.pixels)
    elif options.background == "original":
        behind = photo.pixels
    else:
        if picture is not None:
            behind = photo.like(lay_out(picture, size, fit=options.fit, align=options.align))
        else:
            behind = np.broadcast_to(_in_colours_of(photo, _colour(options)[0]), (*size, 3))
    if options.shadow:
        light = 1 - shadow(alpha, opacity=options.shadow)[..., None]
        behind = np.rint(behind * light).astype(behind.dtype)
    return behind


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)
