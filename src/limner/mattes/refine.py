"""A network's alpha, laid anew along the edge at the full size of the picture.

The network saw a small picture, so its alpha is too soft and a few pixels off. A second, tiny network
(`limner.nets.edge`) sees picture and alpha on a grid of 256 cells and gives a line in colour space for every
cell; at full size each pixel near the edge takes its opacity from its own colour.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from limner.images import Alpha, Image, Mask, as_alpha, as_image, fit
from limner.images.tiles import Fields, Tiles, shrink
from limner.mattes.closed_form import solve
from limner.mattes.masks import box_mean, dilate
from limner.models.session import start_session
from limner.models.spec import model_path
from limner.parallel import thread_limit

GRID = 256
"""Longer side of the grid that the network sees, in cells, at most, for a photo."""
STRIDE = 8
"""The network's grid is padded to multiples of it."""
LEAST = 0.02
"""Alphas up to this become 0, those from 1 less this become 1, those between are stretched."""
BAND = 5
"""How far from an undecided cell the edge may move, in cells of a grid of `GRID`."""
FINE = 1200
"""Longer side up to which closed-form matting solves the picture itself, pixels; larger ones are reduced."""
FINE_BAND = 0.01
"""Distance from the edge within which it solves, as a fraction of the longer side."""
WINDOW, EVEN = 2, 1.0
"""Half the side of the windows of `_fitted`, cells; how far colours of one thing differ, grey levels."""
MODEL = model_path("edge")


def refine_alpha(image: Image, alpha: Alpha, *, fine: bool = False) -> Alpha:
    """The alpha with its edge laid where the picture has one, (H, W) float32 in [0, 1].

    Works from any network's alpha, at any size. Only pixels near the edge are looked at; further away what
    is nearly opaque or transparent becomes so. An alpha without an edge, as of an empty picture, is returned
    as it is.

    Args:
        image: (H, W, 3) uint8; whatever `as_image` takes is accepted.
        alpha: (H, W) float32 in [0, 1], at the size of the image; bool and uint8 are accepted.
        fine: Solve the pixels near the edge once more by closed-form matting (`limner.mattes.closed_form`):
            half a second for half a megapixel, a few seconds for a large photo, and more of the hair. Needs
            SciPy.

    Raises:
        InputError: If one is of another form, or the sizes differ.
        MissingExtraError: If ``fine`` is asked for without SciPy.
    """
    image = as_image(image)
    alpha = as_alpha(alpha, (image.shape[0], image.shape[1]))
    result = lay_edge(image, alpha, shrink(image, GRID), shrink(alpha, GRID))
    return _finer(image, result) if fine and result is not alpha else result


def lay_edge(image: Image, alpha: Alpha, cells: Fields, opacity: Alpha) -> Alpha:
    """As `refine_alpha`, of a picture and an alpha that are there on the grid too.

    Args:
        image: (H, W, 3) uint8.
        alpha: (H, W) float32 in [0, 1].
        cells: (3, h, w) float32 in [0, 255], the picture on the grid.
        opacity: (h, w) float32 in [0, 1], the alpha on the grid.
    """
    band = band_of(opacity)
    if not band.any():
        return alpha
    return _drawn(image, stretched(alpha), run_on_grid(MODEL, pixels=cells, alpha=opacity)[0], band)


def _drawn(image: Image, alpha: Alpha, lines: Fields, band: Mask, *, logits: bool = True) -> Alpha:
    """A copy of the alpha that follows the lines in the band."""
    result = alpha.copy()
    fields = np.concatenate([lines, ramp(band)])
    for tiles in Tiles.over(band, (alpha.shape[0], alpha.shape[1])):
        sampled = tiles.sample(fields)
        colours, before = tiles.cut(image), tiles.cut(alpha)
        tiles.paste(draw(sampled, colours, before, logits=logits), result)
    return result


def draw(fields: Fields, colours: Image, alpha: Alpha, *, logits: bool = True) -> Alpha:
    """The opacities that lines give to colours, mixed into an alpha.

    Args:
        fields: (5, ...) float32: slopes, offset, and the weight of what they give; they are written over.
        colours: (..., 3) uint8.
        alpha: (...) float32.
        logits: The lines give logits.
    """
    slopes, weight = fields[:3], fields[4]
    found: Alpha = fields[3]
    for channel, slope in enumerate(slopes):
        slope *= colours[..., channel]
        found += slope
    if logits:
        np.exp(-found.clip(-30, 30, out=found), out=found)
        found += 1
        found = stretched(np.reciprocal(found, out=found))
    else:
        found.clip(0, 1, out=found)
    found -= alpha
    found *= weight
    found += alpha
    return found


def _finer(image: Image, alpha: Alpha) -> Alpha:
    """Solved by closed-form matting; a large photo on a grid, from which lines lead to its full size."""
    width = max(2, round(FINE_BAND * min(FINE, max(alpha.shape))))
    if max(alpha.shape) <= FINE:
        return solve(image, alpha, width=width)
    small, opacity = fit(image, FINE), fit(alpha, FINE)
    solved = solve(small, opacity, width=width)
    band = band_of(opacity, radius=BAND)
    return _drawn(image, alpha, _fitted(small, solved), band, logits=False)


def _fitted(image: Image, alpha: Alpha) -> Fields:
    """The line of opacity over colour that fits best around each cell, (4, h, w): a guided filter's.

    Reference:
        He, Sun and Tang, "Guided Image Filtering", ECCV 2010.
    """
    colours = np.moveaxis(image, 2, 0).astype(np.float64)
    opacity = alpha.astype(np.float64)
    mean, mean_alpha = box_mean(colours, WINDOW), box_mean(opacity, WINDOW)
    products = box_mean(colours[:, None] * colours, WINDOW) - mean[:, None] * mean
    shared = box_mean(colours * opacity, WINDOW) - mean * mean_alpha
    matrices = np.moveaxis(products, (0, 1), (2, 3)) + EVEN**2 * np.eye(3)
    slope = np.moveaxis(np.linalg.solve(matrices, np.moveaxis(shared, 0, 2)[..., None])[..., 0], 2, 0)
    offset = mean_alpha - (slope * mean).sum(axis=0)
    return box_mean(np.concatenate([slope, offset[None]]), WINDOW).astype(np.float32)


def band_of(alpha: Alpha, *, radius: int | None = None) -> Mask:
    """Where the edge may lie on a grid: near a cell that is undecided.

    Args:
        alpha: (h, w).
        radius: How near, in cells; by default `BAND` on a grid of `GRID`, and less on a smaller one.
    """
    undecided = (alpha > LEAST) & (alpha < 1 - LEAST)
    if radius is None:
        radius = max(1, round(BAND / GRID * max(undecided.shape)))
    return dilate(undecided, radius) if undecided.any() else undecided


def ramp(band: Mask) -> Fields:
    """The band's weight, which runs out at its border: (1, h, w)."""
    return box_mean(band.astype(np.float32), 2)[None] * band


def stretched(alpha: Alpha) -> Alpha:
    """Without what is nearly transparent or opaque; see `LEAST`."""
    result: Alpha = (alpha - np.float32(LEAST)) * np.float32(1 / (1 - 2 * LEAST))
    return result.clip(0, 1, out=result)


def run_on_grid(model: Path, **fields: Fields) -> list[Fields]:
    """What a network says of fields on one grid, (..., h, w) each: its outputs, of the same height and width.

    Args:
        model: ONNX file of a network for grids whose sides are multiples of `STRIDE`.
        fields: By the names of its inputs.
    """
    height, width = next(iter(fields.values())).shape[-2:]
    below, beside = -height % STRIDE, -width % STRIDE

    def padded(field: Fields) -> Fields:
        return np.pad(field, [(0, 0)] * (field.ndim - 2) + [(0, below), (0, beside)], mode="edge")

    if below or beside:
        fields = {name: padded(field) for name, field in fields.items()}
    found = _session(model, thread_limit()).run(None, fields)
    return [field[..., :height, :width] for field in found]


@lru_cache(maxsize=4)
def _session(model: Path, threads: int) -> Any:
    return start_session(model, name=model.stem, threads=threads)
