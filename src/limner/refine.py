"""A network's alpha, made right along the edge at the full size of the picture.

The network saw a small picture, so its alpha is too soft and a few pixels off. Where it is undecided, the
colours decide: with the mean colour F of the subject and B of the background nearby, a pixel of colour I has
the opacity ``(I - B) . (F - B) / |F - B|^2``, as far as the two colours differ.
"""

import numpy as np

from limner.errors import InputError
from limner.images import Alpha, Image
from limner.masks import box_mean
from limner.tiles import Fields, Tiles, shrink

RADIUS = 24
"""Half the window in which the colours of both sides are measured, in cells of the grid."""
NOISE = 20.0
"""Distance between the two colours, in grey levels, at which they begin to be told apart."""
SURE = 0.9
"""Alpha from which a pixel shows the subject alone; below 1 - SURE, the background alone."""
FAINT = 1 / 255
"""Alphas this near to 0 or 1 are taken to be 0 or 1: a sigmoid never quite gets there."""
CONTRAST = 2.0
"""How much steeper the edge becomes where the colours do not decide."""


def refine_alpha(image: Image, alpha: Alpha) -> Alpha:
    """The alpha with its edge laid where the picture has one, (H, W) float32 in [0, 1].

    Only pixels that are neither opaque nor transparent change, by a grey level or more. An alpha without any,
    as of an empty picture, is returned as it is.

    Args:
        image: (H, W, 3) uint8.
        alpha: (H, W) float32 in [0, 1], at the size of the image.

    Raises:
        InputError: If the sizes differ.
    """
    if image.shape[:2] != alpha.shape:
        raise InputError(f"sizes differ: image {image.shape[:2]}, alpha {alpha.shape}")
    undecided = (alpha > FAINT) & (alpha < 1 - FAINT)
    if not undecided.any():
        return alpha
    fields = _colour_fields(shrink(image), shrink(alpha))
    result = (alpha > 0.5).astype(np.float32)
    for tiles in Tiles.holding(undecided):
        red, green, blue, offset, trust = tiles.sample(fields)
        colours = tiles.cut(image)
        found = colours[..., 0] * red + colours[..., 1] * green + colours[..., 2] * blue - offset
        before = tiles.cut(alpha)
        steep = ((before - 0.5) * CONTRAST + 0.5).clip(0, 1)
        trust *= (before * (1 - before) * np.float32(1 / (SURE * (1 - SURE)))).clip(0, 1)
        alphas = steep + trust * (found.clip(0, 1) - steep)
        tiles.paste(((alphas - FAINT) / (1 - 2 * FAINT)).clip(0, 1), result)
    return result


def _colour_fields(image: Fields, alpha: Alpha) -> Fields:
    """What turns a colour into an opacity: slopes of R, G and B, offset, trust in [0, 1]; (5, h, w)."""
    square = np.square(image).sum(axis=0)
    means, spreads, shares = [], [], []
    for sure in (alpha, 1 - alpha):
        weight = ((sure - SURE) / (1 - SURE)).clip(0, 1)
        share = box_mean(weight, RADIUS) + 1e-4
        mean = box_mean(image * weight, RADIUS) / share
        means.append(mean)
        spreads.append((box_mean(square * weight, RADIUS) / share - np.square(mean).sum(axis=0)).clip(0))
        shares.append(share)
    difference = means[0] - means[1]
    distance = np.square(difference).sum(axis=0)
    slope = difference / (distance + 1e-3)
    trust = np.square(distance / (distance + NOISE**2 + spreads[0] + spreads[1]))
    trust *= (np.minimum(*shares) * 50).clip(0, 1)
    return np.concatenate([slope, [(slope * means[1]).sum(axis=0), trust]]).astype(np.float32)
