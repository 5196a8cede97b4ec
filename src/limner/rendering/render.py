"""From a photo and the subject's alpha to the result, for Python, commands and server."""

from dataclasses import replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import (
    FORMATS,
    Alpha,
    Colour,
    Image,
    Photo,
    Pillow,
    Pixels,
    as_alpha,
    as_photo,
    blend,
    resize,
    to_depth,
    to_pillow,
    to_uint8,
)
from limner.mattes.foreground import cutout_colours, estimate_foreground
from limner.mattes.masks import INVISIBLE, feather, keep_largest, remove_specks, shift_edge
from limner.mattes.refine import refine_alpha
from limner.rendering.backgrounds import blurred, desaturated, lay_out, shadow
from limner.rendering.framing import crop_to, extend_to, frame_of
from limner.rendering.identity import ID_PHOTOS
from limner.rendering.options import OWN, PICTURE, Options
from limner.rendering.outline import HEAD_PART, Frame


@overload
def render(picture: Photo, alpha: Alpha, options: Options = ...) -> Photo: ...
@overload
def render(picture: Pillow, alpha: Alpha, options: Options = ...) -> Pillow: ...
@overload
def render(picture: NDArray[np.uint8], alpha: Alpha, options: Options = ...) -> NDArray[np.uint8]: ...
def render(
    picture: Photo | Pillow | NDArray[np.uint8], alpha: Alpha, options: Options | None = None
) -> Photo | Pillow | NDArray[np.uint8]:
    """The subject cut out, or before another background: ``I = alpha * F + (1 - alpha) * B``.

    The alpha is not refined here; `segment` does that. F is the subject's own colour
    (`estimate_foreground`), so nothing of the old background is left at the edge; pixels of a cut-out that
    are not seen are 0.

    Args:
        picture: A photo, a Pillow picture or an array (see `as_photo`); the result is of the same kind.
        alpha: (H, W) float32 in [0, 1], at the picture's size; bool and uint8 are accepted.
        options: What to make; by default a cut-out.

    Returns:
        A cut-out has an alpha: an array is (H, W, 4). A composite has none: (H, W, 3); before a background
        made of the photo's own, it has the photo's. A mask is (H, W) grey.

    Raises:
        InputError: If picture or alpha is of another form, their sizes differ, or the crop does not fit.

    Example:
        >>> image, alpha = np.full((4, 6, 3), 200, np.uint8), np.eye(4, 6, dtype=np.float32)
        >>> limner.render(image, alpha).shape
        (4, 6, 4)
        >>> limner.render(image, alpha, limner.Options(background="#102030"))[0, 1].tolist()
        [16, 32, 48]
    """
    photo = as_photo(picture)
    options = options or Options()
    height, width = photo.pixels.shape[:2]
    rendered = compose(photo, adjusted_alpha(photo, as_alpha(alpha, (height, width)), options), options)
    if isinstance(picture, Photo):
        return rendered
    array = rendered.pixels
    if rendered.alpha is not None:
        array = np.dstack((array, to_depth(rendered.alpha, array.dtype)))
    return to_pillow(array) if isinstance(picture, Pillow) else array


def refined_alpha(photo: Photo, alpha: Alpha, options: Options) -> Alpha:
    """A network's alpha without stray parts (`remove_specks`), its edge refined, as the options say."""
    alpha = remove_specks(alpha)
    if options.refine == "none":
        return alpha
    return refine_alpha(photo.image, alpha, fine=options.refine == "fine")


def adjusted_alpha(photo: Photo, alpha: Alpha, options: Options) -> Alpha:
    """The alpha of the subjects that are kept, its edge moved and softened, times the photo's own opacity."""
    if options.subjects:
        alpha = keep_largest(alpha, options.subjects)
    elif options.crop in ID_PHOTOS:
        alpha = remove_specks(alpha, HEAD_PART)
    if options.shift:
        alpha = shift_edge(alpha, options.shift)
    if options.feather:
        alpha = feather(alpha, options.feather)
    if options.layout:
        alpha = options.layout.keep_region(alpha)
    return alpha if photo.alpha is None else alpha * photo.alpha


def compose(photo: Photo, alpha: Alpha, options: Options) -> Photo:
    """Crop and compose, with the `adjusted_alpha`."""
    if options.background == PICTURE and options.picture is None:
        raise InputError("the background is to be a picture, and none is given")
    pixels, own, dpi = photo.pixels, photo.alpha, photo.dpi
    if own is not None:
        pixels = pixels.copy()
        pixels[own < INVISIBLE] = np.iinfo(pixels.dtype).max  # else unseen colours spread from there
    if options.crop:
        frame, form = frame_shown(alpha, options), ID_PHOTOS.get(options.crop)

        pixels, alpha = extend_to(pixels, frame), crop_to(alpha, frame)
        own = None if own is None else crop_to(own, frame)
        if form:
            pixels, alpha = resize(pixels, form.size), resize(alpha, form.size)
            own = None if own is None else resize(own, form.size)
        dpi = (form.dpi, form.dpi) if form else dpi
    if options.layout and options.layout.moves:
        place = options.layout.place(alpha)
        pixels, alpha = place.extend(pixels), place.apply(alpha)
    if options.mask:
        return replace(photo, pixels=to_uint8(alpha), alpha=None, profile=None, dpi=dpi)
    photo = replace(photo, pixels=pixels, alpha=None, dpi=dpi)
    if own is not None and options.background in OWN:
        return _before_own(photo, own, alpha, options)
    if options.transparent:
        return _cut(photo, alpha, options)
    foreground = estimate_foreground(pixels, alpha)
    return replace(photo, pixels=blend(foreground, alpha, _background(photo, alpha, options)))


def storable(photo: Photo, options: Options, extension: str) -> Photo:
    """The rendered photo as a format can hold it: over white where both it and the options have no opacity.

    The photo is what `compose` made with the same options.
    """
    form = FORMATS.get(extension.lower())
    if photo.alpha is None or options.transparent or form is None or form.transparent:
        return photo
    white = np.full(3, np.iinfo(photo.pixels.dtype).max, photo.pixels.dtype)
    return replace(photo, pixels=blend(photo.pixels, photo.alpha, white), alpha=None)


def frame_shown(alpha: Alpha, options: Options) -> Frame:
    """What is kept of the picture, given its `adjusted_alpha`: all of it without a crop."""
    if not options.crop:
        return Frame(0, 0, *alpha.shape)
    own = options.mask or options.background in OWN
    return frame_of(alpha, options.crop, margin=options.margin / 100, inside=own)


def _cut(photo: Photo, alpha: Alpha, options: Options) -> Photo:
    """The subject over its shadow over what is to be seen of the colour behind, on nothing."""
    colour, tint = options.colour
    if not options.shadow and not tint:
        return replace(photo, pixels=cutout_colours(photo.pixels, alpha), alpha=alpha)
    pixels = estimate_foreground(photo.pixels, alpha)
    if options.shadow:
        dark = shadow(alpha, opacity=options.shadow / 100)
        pixels, alpha = _over(pixels, alpha, _in_colours_of(photo, (0, 0, 0)), dark)
    if tint:
        flat = np.full_like(alpha, tint)
        pixels, alpha = _over(pixels, alpha, _in_colours_of(photo, colour), flat)
    pixels[alpha < INVISIBLE] = 0
    return replace(photo, pixels=pixels, alpha=alpha)


def _before_own(photo: Photo, own: Alpha, alpha: Alpha, options: Options) -> Photo:
    """The subject before a background made of the photo, all of it as opaque as the photo was.

    ``own`` is the opacity that the photo came with, (H, W); ``alpha`` that of the subject, times ``own``.
    """
    subject = np.divide(alpha, own, out=np.zeros_like(alpha), where=own > 0).clip(0, 1)
    foreground = estimate_foreground(photo.pixels, subject)
    pixels = blend(foreground, subject, _background(photo, subject, options, own))
    pixels[own < INVISIBLE] = 0
    return replace(photo, pixels=pixels, alpha=own)


def _over(foreground: Pixels, alpha: Alpha, colour: Pixels, opacity: Alpha) -> tuple[Pixels, Alpha]:
    """Straight colours and alpha of a layer over one of a single colour, (3,), of the same type.

    Reference:
        Porter and Duff, "Compositing digital images", SIGGRAPH 1984, "over".
    """
    below = (1 - alpha) * opacity
    whole = alpha + below
    fraction = np.divide(below, whole, out=np.zeros_like(alpha), where=whole > 0)
    return blend(foreground, 1 - fraction, colour), whole


def _in_colours_of(photo: Photo, colour: Colour) -> Pixels:
    """An sRGB colour, (3,), in the numbers of the photo's profile and at its depth."""
    found: Pixels = photo.from_srgb(np.array([[colour]], np.uint8))[0, 0]
    return found


def _background(photo: Photo, alpha: Alpha, options: Options, own: Alpha | None = None) -> Image:
    size = alpha.shape
    if options.background == "blur":
        unseen = alpha if own is None else 1 - (1 - alpha) * own
        behind = blurred(photo.pixels, unseen, radius=options.blur / 100 * max(size), lens=options.lens)
    elif options.background == "grey":
        behind = desaturated(photo.pixels)
    elif options.background == "original":
        behind = photo.pixels
    elif options.picture is not None:
        across, down = options.align
        behind = photo.from_srgb(lay_out(options.picture, size, fit=options.fit, align=(down, across)))
    else:
        behind = np.broadcast_to(_in_colours_of(photo, options.colour[0]), (*size, 3))
    if options.shadow:
        light = 1 - shadow(alpha, opacity=options.shadow / 100)[..., None]
        behind = np.rint(behind * light).astype(behind.dtype)
    return behind
