"""Classical ways to lay an alpha's edge anew, for `matte.py` to measure: none of them is in the package."""

import numpy as np
from numpy.typing import NDArray

from limner.images import Alpha, Image, Mask, downsample
from limner.images.tiles import Tiles, kinds
from limner.mattes.masks import box_mean

Values = NDArray[np.float64]


def contrast(alpha: Alpha, gain: float) -> Alpha:
    """The transition ``gain`` times as steep about 0.5."""
    return ((alpha - 0.5) * np.float32(gain) + np.float32(0.5)).clip(0, 1)


def guided(image: Image, alpha: Alpha, *, radius: int, epsilon: float, band: bool = False) -> Alpha:
    """He, Sun and Tang, "Guided Image Filtering", 2010, with a grey guide; in the band only if asked for."""
    guide = image.mean(axis=2) / 255
    mean_guide, mean_alpha = box_mean(guide, radius), box_mean(alpha, radius)
    covariance = box_mean(guide * alpha, radius) - mean_guide * mean_alpha
    slope = covariance / (box_mean(guide * guide, radius) - mean_guide**2 + epsilon)
    offset = mean_alpha - slope * mean_guide
    result = (box_mean(slope, radius) * guide + box_mean(offset, radius)).clip(0, 1).astype(np.float32)
    return np.where(undecided(alpha), result, alpha) if band else result


def joint_bilateral(image: Image, alpha: Alpha, *, radius: int, spread: float, step: int = 2) -> Alpha:
    """Kopf et al., "Joint Bilateral Upsampling", 2007: the mean over like neighbours, in the band.

    Args:
        image: The guide.
        alpha: What is averaged.
        radius: Half the window, pixels.
        spread: Standard deviation of the colours taken together, grey levels.
        step: Every so many pixels of the window count.
    """
    rows, columns = np.nonzero(undecided(alpha))
    pixels = image.astype(np.float32)
    own = pixels[rows, columns]
    total, weights = np.zeros(len(rows)), np.zeros(len(rows))
    for down in range(-radius, radius + 1, step):
        for right in range(-radius, radius + 1, step):
            near = (
                (rows + down).clip(0, alpha.shape[0] - 1),
                (columns + right).clip(0, alpha.shape[1] - 1),
            )
            distance = np.square(pixels[near] - own).sum(axis=1) / spread**2
            weight = np.exp(-0.5 * distance - (down**2 + right**2) / (radius**2 / 2))
            total += weight * alpha[near]
            weights += weight
    result = alpha.copy()
    result[rows, columns] = total / weights
    return result


def local_colours(
    image: Image, alpha: Alpha, *, radius: int = 24, noise: float = 20, sure: float = 0.9, gain: float = 2
) -> Alpha:
    """Where both sides differ in colour nearby, the opacity ``(I - B) . (F - B) / |F - B|^2``.

    F and B are means over windows on a grid of 512 cells, of the pixels of which the alpha is sure.
    """
    channels, opacity = downsample(image, 512), downsample(alpha, 512)
    square = np.square(channels).sum(axis=0)
    means, spreads, weight_sums = [], [], []
    for side in (opacity, 1 - opacity):
        weight = ((side - sure) / (1 - sure)).clip(0, 1)
        weight_sum = box_mean(weight, radius) + 1e-4
        mean = box_mean(channels * weight, radius) / weight_sum
        means.append(mean)
        spreads.append((box_mean(square * weight, radius) / weight_sum - np.square(mean).sum(axis=0)).clip(0))
        weight_sums.append(weight_sum)
    difference = means[0] - means[1]
    distance = np.square(difference).sum(axis=0)
    slope = difference / (distance + 1e-3)
    trust = np.square(distance / (distance + noise**2 + sum(spreads)))
    trust *= (np.minimum(*weight_sums) * 50).clip(0, 1)
    fields = np.concatenate([slope, [(slope * means[1]).sum(axis=0), trust]]).astype(np.float32)
    result = alpha.copy()
    for tiles in Tiles.of(kinds(alpha).mixed, alpha.shape):
        sampled = tiles.sample(fields)
        colours, before = tiles.cut(image), tiles.cut(alpha)
        found = sum(colours[..., channel] * sampled[channel] for channel in range(3)) - sampled[3]
        steep = contrast(before, gain)
        weight = sampled[4] * (before * (1 - before) / (sure * (1 - sure))).clip(0, 1)
        tiles.paste(steep + weight * (np.clip(found, 0, 1) - steep), result)
    return result


def undecided(alpha: Alpha) -> Mask:
    """Where the alpha is neither nearly 0 nor nearly 1."""
    return (alpha > 0.02) & (alpha < 0.98)
