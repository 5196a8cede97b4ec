"""What goes behind a subject: a picture made to fit the frame, or the photo's own, blurred or grey.

Blur and grey are computed in linear light, as a lens and the eye do it, so that highlights glow and greys
keep their brightness; `limner.rendering.compose` mixes the encoded values, which is what mattes are made for.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.images import Alpha, Image, Size, resize, to_depth, to_uint8

FITS = ("cover", "contain", "tile")

ROWS = 256
"""Rows of a picture that are computed at a time."""

_BLURRED = (16, 256)  # rows and numbers of a block: so small a product is left to one thread by OpenBLAS
_KERNEL_RADIUS = 8  # pixels: larger blurs are made on a smaller copy, where they are this large
_LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)  # ITU-R BT.709


def mix(foreground: Image, alpha: Alpha, behind: Image) -> Image:
    """``round(alpha * F + (1 - alpha) * B)`` of images of one size and type, a few rows at a time.

    Args:
        foreground: (H, W, 3) uint8 or uint16.
        alpha: (H, W) float32 in [0, 1].
        behind: Like ``foreground``, or one colour of that type, (3,).
    """
    result = np.empty_like(foreground)
    behind = np.broadcast_to(behind, foreground.shape)
    for start in range(0, len(result), ROWS):
        rows = slice(start, start + ROWS)
        back = behind[rows].astype(np.float32)
        mixed = foreground[rows].astype(np.float32)
        mixed -= back
        mixed *= alpha[rows][..., None]
        mixed += back
        result[rows] = np.rint(mixed, out=mixed)
    return result


def lay_out(
    picture: Image, size: Size, *, fit: str = "cover", align: tuple[float, float] = (0.5, 0.5)
) -> Image:
    """A picture as a background of ``size``, (height, width, 3) uint8, its proportions kept.

    Args:
        picture: (H, W, 3) uint8.
        size: (height, width) in pixels.
        fit: "cover" fills the frame and cuts off the rest; "contain" shows the whole picture on white;
            "tile" repeats it at its own size.
        align: Which part is seen, or where the picture stands: from (0, 0), top left, to (1, 1).

    Raises:
        InputError: If ``fit`` is none of these.
    """
    if fit not in FITS:
        raise InputError(f"unknown fit '{fit}': use one of {', '.join(FITS)}")
    scales = [length / present for length, present in zip(size, picture.shape, strict=False)]
    if fit == "tile":
        shape = picture.shape[:2]
    else:
        scale = max(scales) if fit == "cover" else min(scales)
        shape = tuple(max(1, round(length * scale)) for length in picture.shape[:2])
        if fit == "cover":
            shape = tuple(map(max, shape, size))
        picture = resize(picture, (shape[0], shape[1]))
    (top, left), (height, width) = (
        [
            round((length - present) * place)
            for length, present, place in zip(size, shape, align, strict=True)
        ],
        size,
    )
    if fit == "contain":
        whole = np.full((height, width, 3), 255, np.uint8)
        whole[top : top + shape[0], left : left + shape[1]] = picture
        return whole
    rows, columns = ((np.arange(n) - start) % m for n, start, m in zip(size, (top, left), shape, strict=True))
    seen: Image = picture[rows][:, columns]
    return seen


def blurred(image: Image, alpha: Alpha, *, radius: float, lens: bool = False) -> Image:
    """The background out of focus, (H, W, 3) of the image's type; the subject leaves no trace in it.

    A normalised convolution in linear light, ``blur(w * I) / blur(w)`` with ``w = (1 - alpha)^3``, so that
    only what is seen of the background is spread (Knutsson and Westin, "Normalized and differential
    convolution", CVPR 1993). Where the subject hides all within the radius, it is the background's mean.

    Args:
        image: (H, W, 3) uint8 or uint16.
        alpha: (H, W) float32 in [0, 1].
        radius: Of the blur, pixels: a disc's radius, or twice a Gaussian's standard deviation.
        lens: Blur by a disc, as an open lens does, instead of a Gaussian.

    Raises:
        InputError: If ``radius`` is not positive.
    """
    if radius <= 0:
        raise InputError(f"the blur's radius must be positive, got {radius:g} pixels")
    shrink = max(1.0, radius / _KERNEL_RADIUS)
    small = (max(1, round(alpha.shape[0] / shrink)), max(1, round(alpha.shape[1] / shrink)))
    clear = 1 - alpha
    seen = clear * clear * clear
    weight = resize(seen, small)
    mixed = resize(mix(to_uint8(image), seen, np.zeros(3, np.uint8)), small)
    colours = np.ascontiguousarray(np.moveaxis(mixed, 2, 0)) / (weight + 1e-6)  # by channels: rows are long
    light = to_linear(np.rint(colours.clip(0, 255)).astype(np.uint8)) * weight
    both = np.concatenate((light, weight[None]))
    both = _disc(both, radius / shrink) if lens else _gaussian(both, radius / shrink / 2)
    mean = light.sum(axis=(1, 2)) / max(float(weight.sum()), 1e-6)
    spread = from_linear((both[:3] + 1e-4 * mean[:, None, None]) / (both[3:] + 1e-4))
    found = np.ascontiguousarray(np.moveaxis(spread, 0, 2))
    return to_depth(resize(found, (alpha.shape[0], alpha.shape[1])), image.dtype)


def desaturated(image: Image) -> Image:
    """The picture in greys of the same luminance, (H, W, 3) uint8 or uint16 as it came."""
    grey = from_linear(to_linear(to_uint8(image)) @ _LUMINANCE)
    return to_depth(np.repeat(grey[..., None], 3, axis=2), image.dtype)


def shadow(alpha: Alpha, *, opacity: float) -> Alpha:
    """Opacity of a soft shadow below the subject and to its right, (H, W) float32 in [0, ``opacity``].

    It is moved by 1.5 % of the picture's longer side and blurred by 2.5 %.
    """
    side = max(alpha.shape)
    shrink = max(1.0, 0.025 * side / _KERNEL_RADIUS)
    small = resize(alpha, (max(1, round(alpha.shape[0] / shrink)), max(1, round(alpha.shape[1] / shrink))))
    step = round(0.015 * side / shrink)
    moved = np.zeros_like(small)
    moved[step:, step:] = small[: small.shape[0] - step, : small.shape[1] - step]
    soft: Alpha = _gaussian(moved[None], 0.0125 * side / shrink)[0]
    return np.float32(opacity) * resize(soft, (alpha.shape[0], alpha.shape[1])).clip(0, 1)


def to_linear(image: Image) -> NDArray[np.float32]:
    """SRGB bytes -> light in [0, 1], float32 (IEC 61966-2-1)."""
    light: NDArray[np.float32] = _TO_LINEAR[image]
    return light


def from_linear(light: NDArray[np.float32]) -> Image:
    """Light in [0, 1] -> sRGB bytes, the inverse of `to_linear`."""
    encoded: Image = _FROM_LINEAR[np.rint(light.clip(0, 1) * np.float32(65535)).astype(np.uint16)]
    return encoded


def _decoded(values: NDArray[np.float64]) -> NDArray[np.float32]:
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def _encoded(light: NDArray[np.float64]) -> Image:
    values = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    encoded: Image = np.rint(255 * values).astype(np.uint8)
    return encoded


_TO_LINEAR = _decoded(np.arange(256) / 255)
_FROM_LINEAR = _encoded(np.arange(65536) / 65535)


def _gaussian(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur of (C, H, W) along height and width; the border is repeated outwards.

    Block by block, it is the product of a small banded matrix and the rows around the block.
    """
    reach = max(1, round(3 * sigma))
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * max(sigma, 0.1) ** 2))
    high, wide = _BLURRED
    rows = np.arange(high)[:, None]
    band = np.zeros((high, high + 2 * reach), np.float32)
    band[rows, rows + np.arange(2 * reach + 1)] = weights / weights.sum()
    for _ in range(2):
        height, width = values.shape[1:]
        around = np.pad(values, ((0, 0), (reach, reach), (0, 0)), mode="edge")
        total = np.empty(values.shape, np.float32)
        for top, left in product(range(0, height, high), range(0, width, wide)):
            part = total[:, top : top + high, left : left + wide]
            length = part.shape[1]
            near = around[:, top : top + length + 2 * reach, left : left + wide]
            np.matmul(band[:length, : length + 2 * reach], near, out=part)
        values = total.swapaxes(1, 2)
    return values


def _disc(values: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Mean of (C, H, W) over a disc: for each of its rows, a running sum of its width."""
    reach = round(radius)
    height, width = values.shape[1:]
    padded = np.pad(values, ((0, 0), (reach, reach), (reach + 1, reach)), mode="edge").astype(np.float64)
    sums = np.cumsum(padded, axis=2)
    total, area = np.zeros(values.shape), 0
    for row in range(2 * reach + 1):
        half = int(np.sqrt(max(0.0, (reach + 0.5) ** 2 - (row - reach) ** 2)))
        right, left = reach + 1 + half, reach - half
        rows = sums[:, row : row + height]
        total += rows[..., right : right + width] - rows[..., left : left + width]
        area += 2 * half + 1
    return (total / area).astype(np.float32)
