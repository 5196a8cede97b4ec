"""The samples of pictures: floats in [0, 1], 8 and 16 bits a channel, and how files store them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.images.arrays import Alpha, Pixels
from limner.images.strips import strips


def to_depth(values: NDArray[Any], dtype: Any) -> Pixels:
    """Values of any shape as uint8 or uint16, rounded; those that are so already are returned as they are.

    Args:
        values: uint8, uint16 or float; floats are clipped to [0, 1].
        dtype: The type that is wanted.
    """
    result: Pixels
    if values.dtype == dtype:
        return values
    if values.dtype == np.uint8:
        result = np.multiply(values, 257, dtype=np.uint16)
    elif values.dtype == np.uint16:
        result = np.empty(values.shape, np.uint8)
        for rows in strips(len(values), values[0].nbytes):
            result[rows] = (values[rows].astype(np.uint32) * 255 + 32895) >> 16  # round(255 / 65535 * value)
    else:
        scaled = values.clip(0, 1).astype(np.result_type(values.dtype, np.float32), copy=False)
        scaled *= np.iinfo(dtype).max
        result = np.rint(scaled, out=scaled).astype(dtype)
    return result


def to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Values in 8 bits, such as the grey levels of an alpha, ``round(255 * alpha)``; see `to_depth`."""
    return to_depth(values, np.uint8)


def channels(pixels: Pixels, alpha: Alpha | None) -> int:
    """How many samples a pixel has, its opacity among them."""
    return (1 if pixels.ndim == 2 else pixels.shape[2]) + (alpha is not None)


def samples(pixels: Pixels, alpha: Alpha | None, rows: slice) -> NDArray[Any]:
    """A strip as files store it, (h, W, C): the colours and, after them, the opacity at the same depth."""
    colours = pixels[rows].reshape(-1, pixels.shape[1], channels(pixels, None))
    if alpha is None:
        return colours
    stored = np.empty((*colours.shape[:2], channels(pixels, alpha)), pixels.dtype)
    if stored.dtype == np.uint8 and stored.shape[2] == 4 and colours.flags.c_contiguous:
        count = colours.size // 3 - 1  # a word reaches into the next pixel: the last one has none
        stored.view(np.uint32).reshape(-1)[:count] = np.ndarray(count, np.uint32, colours, strides=(3,))
        stored[-1, -1, :3] = colours[-1, -1]
    else:
        for channel in range(colours.shape[2]):  # all at once they take three times as long
            stored[..., channel] = colours[..., channel]
    stored[..., -1] = to_depth(alpha[rows], pixels.dtype)
    return stored


def unpremultiply(samples: NDArray[np.uint16]) -> None:
    """Turn colours that were multiplied by their alpha, (H, W, 2 or 4), into straight ones, in place."""
    for rows in strips(len(samples), samples[0].nbytes):
        part = samples[rows].astype(np.float64)
        colours = part[..., :-1] * 65535 / np.maximum(part[..., -1:], 1)
        samples[rows, :, :-1] = np.rint(colours.clip(0, 65535))
