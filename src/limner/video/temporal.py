"""A temporal filter: refines the edge of each frame and mixes it with the motion-compensated last alpha.

In each pixel near an edge ``a_t = m(a_(t-1)) + k (p_t - m(a_(t-1)))``, where ``m`` moves the last alpha as
the subject has moved. A network (`limner.nets.temporal`) gives the new opacities ``p_t``, as affine
coefficients like those of `limner.mattes.refine`, and the fraction ``k``. Its inputs are the picture, the
segmenter's alpha, the moved alpha and `limner.video.motion_features`. Away from the segmenter's edge its
alpha is kept, and ``k`` is at least that of a plain recursive filter, so that nothing trails behind what
moves. A scene cut resets the filter.
"""

import numpy as np

from limner.images import Alpha, Image, Size, resize, resize_maps, resize_nearest, sample_bilinear, warp
from limner.images.tiles import Tiles
from limner.mattes.refine import affine_alpha, band_weight, run_on_grid, stretch, unknown_band
from limner.models.spec import model_path, to_alpha
from limner.video.motion_features import MotionFeatures, no_motion

GRID = 128
"""Longer side of the low-resolution grid that the network sees, pixels."""
SURE = 0.004
"""Alphas closer than this to 0 or 1, or to each other, are not computed at full size."""
MODEL = model_path("temporal")
_NO_SHIFT = np.zeros((2, 1, 1), np.float32)


def edge_grid(size: Size) -> Size:
    """The size of the low-resolution grid of a frame, (height, width)."""
    scale = min(1.0, GRID / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


class TemporalFilter:
    """Holds the last frame's alpha: call it with the frames of one clip, in order."""

    def __init__(self, *, refine: bool = True) -> None:
        """Start a clip.

        Args:
            refine: Refine the edge; otherwise the segmenter's alpha is mixed in as it is.
        """
        self._refine = refine
        self._last: tuple[Alpha, Alpha] | None = None  # at the size of the frame, and on the grid

    def __call__(self, image: Image, seen: Image, found: Alpha, features: MotionFeatures | None) -> Alpha:
        """The filtered alpha of a frame, (H, W) float32 in [0, 1].

        Args:
            image: (H, W, 3) uint8, the frame; of the same size in every call.
            seen: (h, w, 3) uint8, the frame resized to the segmenter's input.
            found: (h, w) float32 in [0, 1], the segmenter's alpha.
            features: On the grid of `edge_grid`; None for the first frame of a clip or a scene.
        """
        size = image.shape[0], image.shape[1]
        grid = edge_grid(size)
        last = None if features is None else self._last
        shifts, maps = (_NO_SHIFT, no_motion(grid)) if features is None else (features.shifts, features.maps)
        opacity = resize_maps(found, grid)
        before = opacity if last is None else warp(last[1], shifts)
        near = unknown_band(opacity)
        band = near & self._refine
        sure = stretch(opacity) if self._refine else opacity
        alpha = resize_nearest(sure, size)
        undecided = band | (before > SURE) & (before < 1 - SURE) | (np.abs(before - sure) > SURE)
        if undecided.any():
            pixels = np.moveaxis(resize(seen, grid), 2, 0).astype(np.float32)
            coefficients, fraction = run_on_grid(
                MODEL, pixels=pixels, alpha=opacity, last=before, features=maps
            )
            fraction = np.where(near, fraction, np.maximum(fraction, maps[:1]))
            fields = np.concatenate([coefficients, band_weight(band), fraction])
            found = to_alpha(found, (min(found.shape[0], size[0]), min(found.shape[1], size[1])))
            for tiles in Tiles.over(undecided, size):
                values, new = tiles.sample(fields), tiles.sample(found[None])[0]
                if self._refine:
                    new = affine_alpha(values[:5], tiles.cut(image), stretch(new))
                if last is not None:
                    down, right = tiles.sample(shifts)
                    rows, columns = tiles.coordinates()
                    old = sample_bilinear(last[0], rows - down * size[0], columns - right * size[1])
                    new = old + values[5] * (new - old)
                tiles.paste(new, alpha)
        self._last = alpha, resize_maps(alpha, grid)
        return alpha
