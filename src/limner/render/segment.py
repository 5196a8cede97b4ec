"""A picture in, the subject's finished alpha out."""

from functools import lru_cache
from pathlib import Path

from limner.images import Alpha, Image, Pillow, Source, as_image
from limner.mattes.refine import refine_alpha
from limner.models.segmenter import Segmenter
from limner.models.spec import DEFAULT_MODEL


def segment(
    image: Source | Pillow | Image, *, model: str | Path = DEFAULT_MODEL, refine: bool = True
) -> Alpha:
    """Alpha of the subject of a picture, (H, W) float32 in [0, 1], at the picture's upright size.

    The model stays loaded for the next call; use `Segmenter` to choose device and threads.

    Args:
        image: A path, the bytes of a file, an open file, a Pillow picture or an (H, W, 3) uint8 array.
        model: The name of a bundled model, or the path of an ``.onnx`` file.
        refine: Lay the edge where the picture has one (`limner.refine_alpha`).

    Raises:
        InputError: If the picture cannot be used.
        ModelError: If the model cannot be used.
    """
    pixels = as_image(image)
    alpha = _loaded(model)(pixels)
    return refine_alpha(pixels, alpha) if refine else alpha


@lru_cache(maxsize=2)
def _loaded(model: str | Path) -> Segmenter:
    return Segmenter(model)
