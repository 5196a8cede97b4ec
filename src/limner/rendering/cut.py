"""The public functions `segment` and `cut`: a picture in, its alpha or the result out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from limner import files
from limner.images import (
    ANIMATED,
    Alpha,
    Image,
    Metadata,
    Photo,
    Picture,
    Pillow,
    Rgba,
    as_photo,
    encode_photo,
    load_animation,
    to_pillow,
    to_uint8,
)
from limner.mattes.confidence import expected_iou
from limner.models.segmenter import Segmenter
from limner.models.spec import DEFAULT_MODEL
from limner.rendering import pipeline
from limner.rendering.options import Options, picture_or_name
from limner.rendering.render import adjusted_alpha, compose, refined_alpha, storable


def segment(picture: Picture, *, model: str | Path = DEFAULT_MODEL, refine: str = "fast") -> Alpha:
    """Alpha of the subject of a picture, (H, W) float32 in [0, 1], at the picture's upright size.

    It is refined along the edge. The model stays loaded for the next call; use
    `Segmenter` for a network's alpha alone, and to choose device and threads.

    Args:
        picture: A path, the bytes of a file, an open file, a `Photo`, a Pillow picture or an array; see
            `limner.images.as_photo`.
        model: The name of a bundled model, or the path of an ``.onnx`` file.
        refine: "fast", "fine" (more of the hair, slower, needs SciPy) or "none".

    Raises:
        InputError: If the picture cannot be used, or ``refine`` is none of these.
        ModelError: If the model cannot be used.
        MissingExtraError: If "fine" is asked for without SciPy.

    Example:
        >>> alpha = limner.segment("photo.jpg")
        >>> float(alpha.min()), float(alpha.max())
        (0.0, 1.0)
    """
    options = Options(refine=refine)
    photo = as_photo(picture)
    return refined_alpha(photo, _loaded(model)(photo.image), options)


@dataclass(frozen=True, eq=False)
class Result:
    """What `cut` made of a picture; of an animation, its first frame.

    Attributes:
        photo: The picture with all that belongs to it.
        alpha: (H, W) float32 in [0, 1], opacity of the subject at the input's size, before any crop.
        confidence: In [0, 1], the IoU that the subject's mask probably has; see `expected_iou`.

    Example:
        >>> result = limner.cut(np.zeros((64, 48, 3), np.uint8), model="small")
        >>> result.rgba.shape, result.image.shape, result.alpha.shape
        ((64, 48, 4), (64, 48, 3), (64, 48))
    """

    photo: Photo
    alpha: Alpha = field(repr=False)
    confidence: float
    _options: Options = field(repr=False)
    _run: Callable[..., pipeline.Encoded] | None = field(repr=False)  # makes all frames of an animation

    @property
    def image(self) -> Image:
        """(H, W, 3) uint8 sRGB; a cut-out over white."""
        return self.photo.image

    @property
    def rgba(self) -> Rgba:
        """(H, W, 4) uint8, straight alpha; opaque where there is no transparency."""
        pixels = Photo(pixels=self.photo.pixels, profile=self.photo.profile).image
        opacity = np.ones(pixels.shape[:2], np.float32) if self.photo.alpha is None else self.photo.alpha
        return np.dstack((pixels, to_uint8(opacity)))

    @property
    def pillow(self) -> Pillow:
        """The same as a Pillow picture: L for a mask, RGBA for a cut-out, else RGB."""
        if self.photo.pixels.ndim == 2:
            return to_pillow(self.photo.pixels)
        return to_pillow(self.image if self.photo.alpha is None else self.rgba)

    def encode(self, extension: str, *, compress: bool = False, metadata: Metadata = "no-gps") -> bytes:
        """The bytes that `limner cut` writes: of an animation all frames, where the format holds them.

        Args:
            extension: Such as ".png".
            compress: Take longer for a smaller file.
            metadata: What is kept of the EXIF data.

        Raises:
            InputError: If the format is unknown, or cannot hold the result.
        """
        extension = extension.lower()
        if self._run and extension in ANIMATED:
            return self._run(extension=extension, compress=compress, metadata=metadata).data
        photo = storable(self.photo, self._options, extension)
        return encode_photo(photo, extension, compress=compress, metadata=metadata)

    def save(self, path: str | Path, *, compress: bool = False, metadata: Metadata = "no-gps") -> None:
        """Write what `limner cut` writes; the extension decides the format. See `encode`.

        Raises:
            InputError: As `encode`.
            OutputError: If it cannot be written.
        """
        pipeline.check_target(str(path), self._options)
        files.write_bytes(path, self.encode(Path(path).suffix, compress=compress, metadata=metadata))

    def _repr_png_(self) -> bytes:
        """How a notebook shows it."""
        return encode_photo(self.photo, ".png")


def cut(picture: Picture, *, model: str | Path = DEFAULT_MODEL, **options: Any) -> Result:
    """Cut the person out of a picture: what the command ``limner cut`` does.

    Args:
        picture: A path, the bytes of a file, an open file, a `Photo`, a Pillow picture or an array; see
            `limner.images.as_photo`.
        model: The name of a bundled model, or the path of an ``.onnx`` file.
        **options: Fields of `Options`, such as ``background="white"`` or ``crop="35x45mm"``; a background may
            be the path of a picture.

    Raises:
        InputError: If the picture or an option cannot be used.
        ModelError: If the model cannot be used.

    Example:
        >>> limner.cut("photo.jpg").save("person.png")
        >>> limner.cut("photo.jpg", background="white", crop="4:5").image.dtype.name
        'uint8'
    """
    if isinstance(options.get("background"), str):
        options["background"] = picture_or_name(options["background"])
    chosen = Options.of(options)
    source: Any = picture.read() if hasattr(picture, "read") else picture
    photo, moves = _first_frame(source)
    segmenter = _loaded(model)
    found = segmenter(photo.image)
    alpha = adjusted_alpha(photo, refined_alpha(photo, found, chosen), chosen)
    run = partial(pipeline.run, source, segmenter, chosen) if moves else None
    return Result(compose(photo, alpha, chosen), alpha, expected_iou(found), chosen, run)


def _first_frame(picture: Any) -> tuple[Photo, bool]:
    """The photo, and whether others follow it."""
    if not isinstance(picture, (str, Path, bytes)):
        return as_photo(picture), False
    frames, _ = load_animation(picture)
    photo, _ = next(frames)
    return photo, next(frames, None) is not None


@lru_cache(maxsize=2)
def _loaded(model: str | Path) -> Segmenter:
    return Segmenter(model)
