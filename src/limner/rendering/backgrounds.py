"""What goes behind a subject: a picture made to fit the frame, or the photo's own, blurred or grey.

Blur and grey are computed in linear light, as a lens and the eye do it, so that highlights glow and greys
keep their brightness; `limner.images.blend` mixes the encoded values, which is what mattes are made for.
"""

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from limner.images import Alpha, Colour, Image, Size, blend, resize, to_depth, to_uint8
from limner.images.cicp import srgb_decode, srgb_encode
from limner.images.strips import strips

_BLURRED = (16, 256)  # rows and numbers of a block: so small a product is left to one thread by OpenBLAS
_KERNEL_RADIUS = 8  # pixels: larger blurs are made on a smaller copy, where they are this large
_LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)  # ITU-R BT.709


def composite(foreground: Image, alpha: Alpha, background: Colour | Image) -> Image:
    """`blend` of a subject whose own colours are known; of a photo, `limner.render` estimates them first.

    A background that is an image may have any size, and is scaled to cover the frame.
    """
    if isinstance(background, tuple):
        return blend(foreground, alpha, np.array(background, np.uint8))
    return blend(foreground, alpha, lay_out(background, alpha.shape))


def lay_out(
    picture: Image, size: Size, *, fit: str = "cover", align: tuple[float, float] = (0.5, 0.5)
) -> Image:
    """A picture as a background of ``size``, (height, width, 3) uint8, its proportions kept.

    The fit "cover" fills the frame and cuts off the rest; "contain" shows the whole picture on white; "tile"
    repeats it at its own size. ``align`` says which part is seen, or where the picture stands: from (0, 0),
    top left, to (1, 1).
    """
    height, width = picture.shape[:2]
    scales = size[0] / height, size[1] / width
    if fit == "cover":
        height, width = (
            max(round(length * max(scales)), least)
            for length, least in zip((height, width), size, strict=True)
        )
    elif fit == "contain":
        height, width = max(1, round(height * min(scales))), max(1, round(width * min(scales)))
    picture = resize(picture, (height, width))
    top, left = round((size[0] - height) * align[0]), round((size[1] - width) * align[1])
    if fit == "contain":
        whole = np.full((*size, 3), 255, np.uint8)
        whole[top : top + height, left : left + width] = picture
        return whole
    seen: Image = picture[(np.arange(size[0]) - top) % height][:, (np.arange(size[1]) - left) % width]
    return seen


def blurred(image: Image, alpha: Alpha, *, radius: float, lens: bool = False) -> Image:
    """The background out of focus, (H, W, 3) of the image's type; the subject leaves no trace in it.

    A normalised convolution in linear light, ``blur(w * I) / blur(w)`` with ``w = (1 - alpha)^3``, so that
    only what is seen of the background is spread (Knutsson and Westin, "Normalized and differential
    convolution", CVPR 1993). Where the subject hides all within the radius, it is the background's mean.

    Args:
        image: (H, W, 3) uint8 or uint16.
        alpha: (H, W) float32 in [0, 1].
        radius: Pixels: twice the standard deviation of a Gaussian or, with ``lens``, the radius of a disc.
        lens: Blur by a disc, as an open lens does.
    """
    scale, small = _reduced(alpha.shape, radius)
    seen = np.empty_like(alpha)
    for rows in strips(len(alpha), alpha[0].nbytes):
        clear = 1 - alpha[rows]
        np.multiply(clear * clear, clear, out=seen[rows])
    weight = resize(seen, small)
    mixed = resize(blend(to_depth(image, np.uint16), seen, np.zeros(3, np.uint16)), small)
    channels = np.ascontiguousarray(np.moveaxis(mixed, 2, 0))  # rows are long
    colours = channels / (257 * (weight + 1e-6))
    light = to_linear(np.rint(colours.clip(0, 255)).astype(np.uint8)) * weight
    both = np.concatenate((light, weight[None]))
    both = _disc(both, radius / scale) if lens else _gaussian(both, radius / scale / 2)
    mean = light.sum(axis=(1, 2)) / max(float(weight.sum()), 1e-6)
    spread = from_linear((both[:3] + 1e-4 * mean[:, None, None]) / (both[3:] + 1e-4))
    found = np.ascontiguousarray(np.moveaxis(spread, 0, 2))
    return to_depth(resize(found, alpha.shape), image.dtype)


def desaturated(image: Image) -> Image:
    """The picture in greys of the same luminance, (H, W, 3) uint8 or uint16 as it came."""
    grey = from_linear(to_linear(to_uint8(image)) @ _LUMINANCE)
    return to_depth(np.repeat(grey[..., None], 3, axis=2), image.dtype)


def shadow(alpha: Alpha, *, opacity: float) -> Alpha:
    """Opacity of a soft shadow below the subject and to its right, (H, W) float32 in [0, ``opacity``].

    It is moved by 1.5 % of the picture's longer side and blurred by 2.5 %.
    """
    side = max(alpha.shape)
    scale, size = _reduced(alpha.shape, 0.025 * side)
    small = resize(alpha, size)
    step = round(0.015 * side / scale)
    moved = np.zeros_like(small)
    moved[step:, step:] = small[: size[0] - step, : size[1] - step]
    soft: Alpha = _gaussian(moved[None], 0.0125 * side / scale)[0]
    return np.float32(opacity) * resize(soft, alpha.shape).clip(0, 1)


def to_linear(image: Image) -> NDArray[np.float32]:
    """SRGB bytes -> light in [0, 1], float32 (IEC 61966-2-1)."""
    light: NDArray[np.float32] = _tables()[0][image]
    return light


def from_linear(light: NDArray[np.float32]) -> Image:
    """Light in [0, 1] -> sRGB bytes, the inverse of `to_linear`."""
    encoded: Image = _tables()[1][np.rint(light.clip(0, 1) * np.float32(65535)).astype(np.uint16)]
    return encoded


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Of each byte its light, and of each of 65,536 steps of light its byte."""
    light = srgb_decode(np.arange(256) / 255).astype(np.float32)
    return light, to_uint8(srgb_encode(np.arange(65536) / 65535))


def _reduced(size: tuple[int, ...], radius: float) -> tuple[float, Size]:
    """By how much a picture is reduced before a blur of so many pixels, and its size then."""
    scale = max(1.0, radius / _KERNEL_RADIUS)
    return scale, (max(1, round(size[0] / scale)), max(1, round(size[1] / scale)))


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
