"""Painted portraits made harder: holes near the outline, as between arm and body, and lenses out of focus."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from limner.datasets.synthetic import Layers, paint_portrait
from limner.images import Alpha, Size, to_uint8

Colours = NDArray[np.float32]


def paint_harder(rng: np.random.Generator, size: Size) -> Layers:
    """A painted portrait, with hair down to single strands; half of them with holes, 60 % out of focus."""
    layers = paint_portrait(rng, size)
    colours, alpha = layers.foreground.astype(np.float32), layers.alpha
    if rng.random() < 0.5:
        alpha = _pierced(rng, alpha)
    if rng.random() < 0.6:
        colours, alpha = _blurred(colours, alpha, rng.uniform(0.5, 3))
    return Layers(
        foreground=np.rint(colours.clip(0, 255)).astype(np.uint8),
        alpha=to_uint8(alpha).astype(np.float32) / np.float32(255),
        background=layers.background,
    )


def _pierced(rng: np.random.Generator, alpha: Alpha) -> Alpha:
    """One to three elliptic holes, 0.8 to 3 % of the shorter side in radius, near the outline."""
    unit = min(alpha.shape)
    depth = ndimage.distance_transform_edt(alpha > 0.5)
    near = np.argwhere((depth > 0.02 * unit) & (depth < 0.07 * unit))
    rows, columns = np.indices(alpha.shape)
    for _ in range(rng.integers(1, 4)):
        y, x = near[rng.integers(len(near))]
        radii, turn = rng.uniform(0.008, 0.03, 2) * unit, rng.uniform(0, np.pi)
        along = (columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)
        across = (rows - y) * np.cos(turn) - (columns - x) * np.sin(turn)
        distance = np.hypot(along / radii[0], across / radii[1]) - 1
        alpha = alpha * (distance * radii.min() + 0.5).clip(0, 1).astype(np.float32)
    return alpha


def _blurred(colours: Colours, alpha: Alpha, sigma: float) -> tuple[Colours, Alpha]:
    """The subject seen out of focus: colours are blurred as they are seen, times their opacity."""
    softened = ndimage.gaussian_filter(alpha, sigma)
    seen = ndimage.gaussian_filter(colours * alpha[..., None], (sigma, sigma, 0))
    known = softened[..., None] > 0.02
    return np.where(known, seen / np.maximum(softened, 1e-3)[..., None], colours), softened
