"""Pictures shifted and zoomed, as a camera that moves sees them."""

from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from limner.images.arrays import Size


def shift_and_zoom(
    values: NDArray[Any], size: Size, *, top: float, left: float, scale: float
) -> NDArray[Any]:
    """A picture or an alpha drawn into a frame, bicubic; 0 where it does not reach.

    Args:
        values: (H, W, 3) uint8, or (H, W) float32.
        size: Of the frame.
        top: Row of the frame at which it begins, pixels; may be negative.
        left: Likewise the column.
        scale: How much larger it is drawn.
    """
    matrix = (1 / scale, 0, -left / scale, 0, 1 / scale, -top / scale)
    bicubic = PIL.Image.Resampling.BICUBIC
    picture = PIL.Image.fromarray(values).transform(size[::-1], PIL.Image.Transform.AFFINE, matrix, bicubic)
    return np.asarray(picture)
