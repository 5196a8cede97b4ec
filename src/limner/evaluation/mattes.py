"""Errors of a predicted alpha against the true one, where the truth is a matte rather than a mask.

Sums are given in thousands, as on alphamatting.com: an error of 1 is a thousand pixels wholly wrong. Means
are per pixel. ``region`` restricts all of them to some pixels, as the unknown ones of a trimap; an empty
region has no error.

Reference:
    Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting", CVPR 2009.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.evaluation.metrics import check_sizes
from limner.images import Alpha, Mask

SIGMA = 1.4
"""Standard deviation of the Gaussian whose derivatives give `gradient`, in pixels."""

LEVELS = np.linspace(0.1, 1.0, 10)
"""Thresholds at which `connectivity` looks for what hangs together."""

TOLERANCE = 0.15
"""Difference to the connected level from which `connectivity` counts a pixel as loose."""


def sad(pred: Alpha, target: Alpha, region: Mask | None = None) -> float:
    """Sum of absolute differences ``sum |p - t| / 1000``, in thousands of pixels.

    Args:
        pred: (H, W) predicted alpha.
        target: (H, W) true alpha.
        region: (H, W) pixels that count; all by default.

    Raises:
        InputError: If the sizes differ.

    Example:
        >>> limner.sad(np.full((100, 50), 0.5, np.float32), np.ones((100, 50), np.float32))
        2.5
    """
    return _sum(_distance(pred, target), region) / 1000


def mad(pred: Alpha, target: Alpha, region: Mask | None = None) -> float:
    """Mean absolute difference ``mean |p - t|``, in [0, 1]; arguments as of `sad`."""
    return _mean(_distance(pred, target), region)


def mse(pred: Alpha, target: Alpha, region: Mask | None = None) -> float:
    """Mean squared error ``mean (p - t)^2``, in [0, 1]; arguments as of `sad`."""
    return _mean(np.square(_distance(pred, target)), region)


def gradient(pred: Alpha, target: Alpha, region: Mask | None = None) -> float:
    """Difference in sharpness ``sum (|grad p| - |grad t|)^2 / 1000``; arguments as of `sad`.

    The gradient comes from first derivatives of a Gaussian of `SIGMA`, each kernel of unit Euclidean norm,
    the picture continued by its border pixels. Needs SciPy, in the extra ``report``.
    """
    check_sizes(pred, target)
    return _sum(np.square(_steepness(pred) - _steepness(target)), region) / 1000


def connectivity(pred: Alpha, target: Alpha, region: Mask | None = None) -> float:
    """Difference in what hangs together ``sum |phi_p - phi_t| / 1000``; arguments as of `sad`.

    The level of a pixel is the highest threshold of `LEVELS` up to which it belongs to the largest
    4-connected region where both alphas reach the threshold; phi is 1 less the amount by which alpha exceeds
    that level, where it does by `TOLERANCE` or more. Needs SciPy, in the extra ``report``.
    """
    from scipy import ndimage

    check_sizes(pred, target)
    level = np.ones(pred.shape)
    held = np.ones(pred.shape, bool)
    for below, threshold in zip(np.append(0.0, LEVELS), LEVELS, strict=False):
        labels, count = ndimage.label((pred >= threshold) & (target >= threshold))
        largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]) if count else np.zeros_like(held)
        level[held & ~largest] = below
        held &= largest
    loose = [np.where(alpha - level >= TOLERANCE, alpha - level, 0) for alpha in (pred, target)]
    return _sum(np.abs(loose[0] - loose[1]), region) / 1000


def dtssd(preds: Sequence[Alpha], targets: Sequence[Alpha]) -> float:
    """Flicker of a clip: the mean over its steps of ``sqrt(mean((dp/dt - dt*/dt)^2))``, in [0, 1].

    An error that stays the same from frame to frame counts nothing here; 0 for a single frame. Papers on
    video matting often report it times 100.

    Args:
        preds: (H, W) predicted alpha of each frame.
        targets: (H, W) true alphas.

    Raises:
        InputError: If their numbers or sizes differ.

    Reference:
        Erofeev et al., "Perceptually Motivated Benchmark for Video Matting", BMVC 2015.
    """
    if len(preds) != len(targets):
        raise InputError(f"numbers of frames differ: {len(preds)} predicted, {len(targets)} true")
    for pred, target in zip(preds, targets, strict=True):
        check_sizes(pred, target)
    errors = [pred - target for pred, target in zip(preds, targets, strict=True)]
    steps = [
        math.sqrt(float(np.mean(np.square(later - earlier), dtype=np.float64)))
        for earlier, later in pairwise(errors)
    ]
    return sum(steps) / len(steps) if steps else 0.0


ERRORS: dict[str, Callable[[Alpha, Alpha], float]] = {
    "sad": sad,
    "mad": mad,
    "mse": mse,
    "gradient": gradient,
    "connectivity": connectivity,
}
"""Name -> error of one image's alpha."""


def _distance(pred: Alpha, target: Alpha) -> NDArray[np.float32]:
    check_sizes(pred, target)
    difference: NDArray[np.float32] = pred - target
    np.abs(difference, out=difference)
    return difference


def _sum(values: NDArray[np.floating], region: Mask | None) -> float:
    chosen = values if region is None else values[region]
    return float(chosen.sum(axis=-1).sum(dtype=np.float64))


def _mean(values: NDArray[np.floating], region: Mask | None) -> float:
    size = values.size if region is None else np.count_nonzero(region)
    return _sum(values, region) / size if size else 0.0


def _steepness(alpha: Alpha) -> NDArray[np.float64]:
    """Length of the gradient, (H, W)."""
    from scipy import ndimage

    radius = math.ceil(SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * SIGMA * 0.01)))
    places = np.arange(-radius, radius + 1)
    bell = np.exp(-np.square(places / SIGMA) / 2)
    slope = places * bell
    kernels = [kernel / np.linalg.norm(kernel) for kernel in (bell, slope)]
    parts = []
    for across, down in (kernels, kernels[::-1]):
        once = ndimage.correlate1d(alpha.astype(np.float64), across, axis=0, mode="nearest")
        parts.append(ndimage.correlate1d(once, down, axis=1, mode="nearest"))
    length: NDArray[np.float64] = np.hypot(*parts)
    return length
