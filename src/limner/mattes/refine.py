"""A network's alpha, refined along the edge at the full size of the picture.

The network saw a small picture, so its alpha is too soft and a few pixels off. A second, tiny network
(`limner.nets.edge`) sees picture and alpha at low resolution, 256 pixels on the longer side, and gives affine
coefficients for each pixel there, and a weight: at full size, alpha is an affine function of colour where the
weight is 1, and stays what it was where the weight is 0.
"""

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from limner.images import Alpha, FeatureMap, Image, Mask, as_alpha, as_image, downsample, resize_longest
from limner.images.strips import strips
from limner.images.tiles import Tiles
from limner.mattes.masks import box_mean, dilate
from limner.models.session import start_session
from limner.models.spec import model_path
from limner.parallel import thread_limit

GRID = 256
"""Longer side of what the network sees of a photo, pixels, at most."""
STRIDE = 8
"""What the network sees is padded to multiples of it."""
LEAST = 0.02
"""Alphas up to this become 0, those from 1 less this become 1, those between are stretched."""
BAND = 5
"""How far from an unknown pixel an edge may move whose coefficients come without a weight; pixels where the
longer side is `GRID`."""
FINE = 1200
"""Longer side up to which closed-form matting solves the picture itself, pixels; larger ones are reduced."""
FINE_BAND = 0.01
"""Distance from the edge within which it solves, as a fraction of the longer side."""
WINDOW, NOISE = 2, 1.0
"""Half the side of a guided filter's windows, pixels; how far colours of one thing differ, grey levels."""
MODEL = model_path("edge")
_loading = threading.Lock()


def refine_alpha(image: Image, alpha: Alpha, *, fine: bool = False) -> Alpha:
    """The alpha with its edge moved to where the picture has one, (H, W) float32 in [0, 1].

    Works from any network's alpha, at any size. Only pixels to which the network gives a weight change;
    elsewhere what is nearly opaque or transparent becomes so. The weights fade where the longer side falls
    from 512 to 256 pixels: of a smaller picture the segmentation network saw every pixel, and its edge is
    right more often. An alpha without an edge, as of an empty picture, is returned as it is.

    Args:
        image: (H, W, 3) uint8; whatever `as_image` takes is accepted.
        alpha: (H, W) float32 in [0, 1], at the size of the image; bool and uint8 are accepted.
        fine: Solve the pixels near the edge once more by closed-form matting (`limner.mattes.closed_form`):
            half a second for half a megapixel, a few seconds for a large photo, and more of the hair. Needs
            SciPy.

    Raises:
        InputError: If one is of another form, or the sizes differ.
        MissingExtraError: If ``fine`` is asked for without SciPy.

    Example:
        >>> image = limner.load_image("photo.jpg")
        >>> refined = limner.refine_alpha(image, limner.Segmenter()(image))
        >>> refined.shape == image.shape[:2], refined.dtype.name
        (True, 'float32')
    """
    image = as_image(image)
    alpha = as_alpha(alpha, image.shape[:2])
    result = refine_edge(image, alpha, downsample(image, GRID), downsample(alpha, GRID))
    return _solve_closed_form(image, result) if fine and result is not alpha else result


def refine_edge(image: Image, alpha: Alpha, image_map: FeatureMap, alpha_map: Alpha) -> Alpha:
    """As `refine_alpha`, of an image and an alpha that are there at low resolution, (..., h, w), too."""
    if not undecided(alpha_map).any():
        return alpha
    enlarged = min(max(alpha.shape) / GRID - 1, 1)
    if enlarged <= 0:
        return stretch(alpha)
    (features,) = run_on_grid(MODEL, pixels=image_map, alpha=alpha_map)
    features[4] *= enlarged
    return _apply_coefficients(image, alpha, features, features[4] > 0)


def _apply_coefficients(
    image: Image, alpha: Alpha, features: FeatureMap, band: Mask, *, logits: bool = True
) -> Alpha:
    """The alpha, affine in colour within the band by features (5, h, w), which may give logits."""
    outside = stretch if logits else np.copy
    result = outside(alpha)
    for tiles in Tiles.over(band, alpha.shape):
        before = outside(tiles.cut(alpha))  # not of the result: tiles overlap at the border
        tiles.paste(affine_alpha(tiles.sample(features), tiles.cut(image), before, logits=logits), result)
    return result


def affine_alpha(features: FeatureMap, colours: Image, alpha: Alpha, *, logits: bool = True) -> Alpha:
    """The alphas that affine coefficients, or with ``logits`` their sigmoid, give to colours, in an alpha.

    The ``features``, (5, ...), are slope by channel, bias, and the weight of the result; overwritten.
    """
    slopes, weight = features[:3], features[4]
    found: Alpha = features[3]
    for channel, slope in enumerate(slopes):
        slope *= colours[..., channel]
        found += slope
    if logits:
        found *= np.float32(0.5)
        np.tanh(found, out=found)  # the sigmoid of x is (1 + tanh(x / 2)) / 2
        found += 1
        found *= np.float32(0.5)
        stretch(found, out=found)
    else:
        found.clip(0, 1, out=found)
    found -= alpha
    found *= weight
    found += alpha
    return found


def _solve_closed_form(image: Image, alpha: Alpha) -> Alpha:
    """Closed-form matting, of a large photo at low resolution, with affine coefficients back to its size."""
    from limner.mattes.closed_form import solve

    width = max(2, round(FINE_BAND * min(FINE, max(alpha.shape))))
    if max(alpha.shape) <= FINE:
        return solve(image, alpha, width=width)
    small = resize_longest(image, FINE)
    solved = solve(small, resize_longest(alpha, FINE), width=width)
    band = unknown_band(solved, radius=BAND)
    features = np.concatenate([_fit_coefficients(small, solved), band_weight(band)])
    return _apply_coefficients(image, alpha, features, band, logits=False)


def _fit_coefficients(image: Image, alpha: Alpha) -> FeatureMap:
    """Slopes and bias, (4, h, w), of the affine function of colour that fits the alpha around each pixel.

    Reference:
        He, Sun and Tang, "Guided Image Filtering", ECCV 2010.
    """
    colours = np.moveaxis(image, 2, 0).astype(np.float64)
    mean, mean_alpha = box_mean(colours, WINDOW), box_mean(alpha.astype(np.float64), WINDOW)
    covariance = box_mean(colours[:, None] * colours, WINDOW) - mean[:, None] * mean
    shared = box_mean(colours * alpha, WINDOW) - mean * mean_alpha
    matrices = np.moveaxis(covariance, (0, 1), (2, 3)) + NOISE**2 * np.eye(3)
    slope = np.moveaxis(np.linalg.solve(matrices, np.moveaxis(shared, 0, 2)[..., None])[..., 0], 2, 0)
    bias = mean_alpha - (slope * mean).sum(axis=0)
    return box_mean(np.concatenate([slope, bias[None]]), WINDOW).astype(np.float32)


def undecided(alpha: Alpha) -> Mask:
    """Where it is neither opaque nor transparent, within `LEAST`."""
    found: Mask = (alpha > LEAST) & (alpha < 1 - LEAST)
    return found


def unknown_band(alpha: Alpha, *, radius: int | None = None) -> Mask:
    """Where the edge may lie at low resolution, (h, w): near a pixel that is neither opaque nor transparent.

    Near is ``radius`` pixels; by default `BAND` where the longer side is `GRID`, less where it is less.
    """
    unknown = undecided(alpha)
    if radius is None:
        radius = max(1, round(BAND / GRID * max(unknown.shape)))
    return dilate(unknown, radius) if unknown.any() else unknown


def band_weight(band: Mask) -> FeatureMap:
    """The weight of a band, which falls to 0 at its border: (1, h, w)."""
    return box_mean(band.astype(np.float32), 2)[None] * band


def stretch(alpha: Alpha, out: Alpha | None = None) -> Alpha:
    """The alpha without what is nearly transparent or opaque, in ``out`` or a new array; see `LEAST`."""
    result = np.empty_like(alpha) if out is None else out
    for part in strips(len(alpha), alpha[0].nbytes):
        rows = np.subtract(alpha[part], np.float32(LEAST), out=result[part])
        rows *= np.float32(1 / (1 - 2 * LEAST))
        rows.clip(0, 1, out=rows)
    return result


def run_on_grid(model: Path, **maps: FeatureMap) -> list[FeatureMap]:
    """The outputs of an ONNX file on low-resolution maps, by the names of its inputs, (..., h, w) each.

    They are padded to multiples of `STRIDE` and cropped again.
    """
    height, width = next(iter(maps.values())).shape[-2:]
    padding = (0, -height % STRIDE), (0, -width % STRIDE)
    padded = {
        name: np.pad(values, [(0, 0)] * (values.ndim - 2) + [*padding], mode="edge")
        for name, values in maps.items()
    }
    return [values[..., :height, :width] for values in _session(model, thread_limit()).run(None, padded)]


def load_edge() -> None:
    """Load the network now, in any thread, for a `refine_alpha` that comes later."""
    _session(MODEL, thread_limit())


def _session(model: Path, threads: int) -> Any:
    with _loading:
        return _started(model, threads)


@lru_cache(maxsize=4)
def _started(model: Path, threads: int) -> Any:
    return start_session(model, name=model.stem, threads=threads)
