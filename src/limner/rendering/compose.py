"""The compositing equation, of colours that are known: ``I = alpha * F + (1 - alpha) * B``."""

import numpy as np

from limner.errors import InputError
from limner.images import Alpha, Colour, Image
from limner.rendering.backgrounds import lay_out, mix


def composite(foreground: Image, alpha: Alpha, background: Colour | Image) -> Image:
    """``round(alpha * F + (1 - alpha) * B)``, (H, W, 3) uint8.

    Of a photo F is not known along the edge: `limner.rendering.render.render` finds it first.

    Args:
        foreground: (H, W, 3) uint8, the subject's own colours.
        alpha: (H, W) float32 in [0, 1].
        background: A colour, or an image of any size, which is scaled to cover the frame.

    Raises:
        InputError: If the sizes of foreground and alpha differ.
    """
    if foreground.shape[:2] != alpha.shape:
        raise InputError(f"sizes differ: image {foreground.shape[:2]}, alpha {alpha.shape}")
    if isinstance(background, tuple):
        return mix(foreground, alpha, np.array(background, np.uint8))
    return mix(foreground, alpha, lay_out(background, (alpha.shape[0], alpha.shape[1])))
