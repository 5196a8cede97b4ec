"""Mattes that stand still where the picture does, and move with it: each edge laid with those before in mind.

The last alpha is moved as the subject has moved, and the new one is mixed in, in each pixel near an edge:
``a_t = m(a_(t-1)) + k (p_t - m(a_(t-1)))``. A network (`limner.nets.temporal`) gives both the new opacities
``p_t``, as lines in colour space like those of `limner.mattes.refine`, and the share ``k``. It sees the
picture, what the segmenter found, the moved alpha and `limner.video.motion_features`. Far from where the
segmenter is unsure, its word is not changed, and the share is no less than a plain filter's, so that
nothing trails behind what moves. After a cut it starts anew.
"""

from dataclasses import dataclass

import numpy as np

from limner.images import Alpha, Image, Size, resize, resize_maps, resize_nearest, sample_bilinear, warp
from limner.images.tiles import Tiles
from limner.mattes.refine import affine_alpha, band_weight, run_on_grid, stretch, unknown_band
from limner.models.spec import model_path, to_alpha
from limner.video.motion_features import Clues, no_clues

GRID = 128
"""Cells along the longer side of a frame on which its edge is found, at most."""
SURE = 0.004
"""How near an alpha is to 0 or 1, or two alphas are to each other, where nothing need be drawn."""
MODEL = model_path("temporal")
_STILL = np.zeros((2, 1, 1), np.float32)


def edge_grid(size: Size) -> Size:
    """The grid of cells on which the edge of a frame of this size is found."""
    scale = min(1.0, GRID / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


@dataclass(frozen=True)
class _Matte:
    alpha: Alpha  # (H, W), at the size of the frame
    small: Alpha  # (h, w), on the grid


class Steady:
    """The last frame's alpha: call it with the frames of one clip, in order."""

    def __init__(self, *, lay: bool = True) -> None:
        """Begin a clip.

        Args:
            lay: Lay the edge; otherwise what the segmenter found is mixed in as it is.
        """
        self._lay = lay
        self._last: _Matte | None = None

    def __call__(self, image: Image, seen: Image, found: Alpha, clues: Clues | None) -> Alpha:
        """The alpha of a frame, (H, W) float32 in [0, 1].

        Args:
            image: (H, W, 3) uint8, the frame; of the same size in every call.
            seen: (h, w, 3) uint8, the same stretched to the segmenter's size.
            found: (h, w) float32 in [0, 1], what it found.
            clues: On the grid of `edge_grid`; none where the frame begins a clip or a scene.
        """
        size = image.shape[0], image.shape[1]
        grid = edge_grid(size)
        last = None if clues is None else self._last
        shifts, told = (_STILL, no_clues(grid)) if clues is None else (clues.shifts, clues.fields)
        opacity = resize_maps(found, grid)
        before = opacity if last is None else warp(last.small, shifts)
        near = unknown_band(opacity)
        band = near & self._lay
        sure = stretch(opacity) if self._lay else opacity
        alpha = resize_nearest(sure, size)
        undecided = band | (before > SURE) & (before < 1 - SURE) | (np.abs(before - sure) > SURE)
        if undecided.any():
            cells = np.moveaxis(resize(seen, grid), 2, 0).astype(np.float32)
            lines, share = run_on_grid(MODEL, pixels=cells, alpha=opacity, last=before, clues=told)
            share = np.where(near, share, np.maximum(share, told[:1]))
            fields = np.concatenate([lines, band_weight(band), share])
            found = to_alpha(found, (min(found.shape[0], size[0]), min(found.shape[1], size[1])))
            for tiles in Tiles.over(undecided, size):
                values, new = tiles.sample(fields), tiles.sample(found[None])[0]
                if self._lay:
                    new = affine_alpha(values[:5], tiles.cut(image), stretch(new))
                if last is not None:
                    down, right = tiles.sample(shifts)
                    rows, columns = tiles.coordinates()
                    old = sample_bilinear(last.alpha, rows - down * size[0], columns - right * size[1])
                    new = old + values[5] * (new - old)
                tiles.paste(new, alpha)
        self._last = _Matte(alpha, resize_maps(alpha, grid))
        return alpha
