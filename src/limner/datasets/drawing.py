"""What synthetic portraits are painted with: antialiased shapes, layers with alpha, strands of hair."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limner.images import Alpha, Size, resize

Field: TypeAlias = NDArray[np.float64]
"""(H, W) float64; of a shape: negative inside, zero on its outline, positive outside."""
Opacity: TypeAlias = NDArray[np.float64]
"""(H, W) float64 in [0, 1]."""
Colours: TypeAlias = NDArray[np.float64]
"""(H, W, 3) float64 RGB, 0..255 where they can be shown."""


class Layer:
    """Paint on glass: straight (not premultiplied) colours and their opacity."""

    def __init__(self, size: Size) -> None:
        self.colours: Colours = np.zeros((*size, 3))
        self.opacity: Opacity = np.zeros(size)

    def paint(self, colours: ArrayLike, opacity: Opacity) -> None:
        """Lay one colour, or (H, W, 3) colours, over what is there."""
        total = opacity + self.opacity * (1 - opacity)
        weight = np.divide(opacity, total, out=np.ones_like(total), where=total > 0)[:, :, None]
        self.colours = self.colours + weight * (np.asarray(colours) - self.colours)
        self.opacity = total


def coverage(field: Field, *, softness: float = 1.0) -> Opacity:
    """Fraction of each pixel inside a shape with an edge of ``softness`` pixels.

    That is ``1/2 - field / (softness * |gradient|)``, cut to [0, 1].
    """
    rows, columns = _gradient(field)
    slope = np.hypot(rows, columns) + 1e-9
    opacity: Opacity = np.clip(0.5 - field / (softness * slope), 0, 1)
    return opacity


def ellipse(x: Field, y: Field, centre: tuple[float, float], radii: tuple[float, float]) -> Field:
    """An ellipse, from coordinates (H, W) in any unit."""
    field: Field = np.hypot((x - centre[0]) / radii[0], (y - centre[1]) / radii[1]) - 1
    return field


def clouds(rng: np.random.Generator, size: Size, *, coarse: int, octaves: int = 4) -> Field:
    """Smooth noise, (H, W) float64, about in [-1, 1].

    The first octave has ``coarse`` bumps across; each further one has twice as many and half the height.
    """
    total: Field = np.zeros(size)
    for octave in range(octaves):
        cells = coarse * 2**octave + 1
        bumps: Alpha = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
        total += resize(bumps, size) / 2**octave
    return total


def strands(
    rng: np.random.Generator, field: Field, *, count: int, length: float, curl: float, width: float
) -> Opacity:
    """Single hairs that leave a shape along its outline and fall.

    Each has a ``length`` of so many pixels at most, a bend of ``curl`` radians at most over all of it, and a
    ``width`` in pixels at the root; it ends in a point.
    """
    rows, columns = _gradient(field)
    near = np.argwhere(np.abs(field) < 3 * np.hypot(rows, columns))
    opacity: Opacity = np.zeros(field.shape)
    if not len(near):
        return opacity
    root = near[rng.integers(len(near), size=count)]
    outward = np.arctan2(rows[tuple(root.T)], columns[tuple(root.T)])
    along = np.where(np.cos(outward) > 0, outward + np.pi / 2, outward - np.pi / 2)  # the way that falls
    start = along - np.sign(np.cos(outward)) * rng.uniform(0.02, 0.4, count)
    steps = int(np.ceil(length * 2))
    reach = length * rng.uniform(0.3, 1, count)[:, None] / steps
    bend = rng.uniform(-curl, curl, count)[:, None] / steps
    heading = start[:, None] + bend * np.arange(steps)
    path_y = root[:, :1] + np.cumsum(np.sin(heading) * reach, axis=1)
    path_x = root[:, 1:] + np.cumsum(np.cos(heading) * reach, axis=1)
    half = width / 2 * (1 - np.arange(steps) / steps)
    strength = rng.uniform(0.35, 1, count)[:, None]
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            y = np.rint(path_y).astype(int) + dy
            x = np.rint(path_x).astype(int) + dx
            cover = np.clip(half + 0.5 - np.hypot(y - path_y, x - path_x), 0, 1) * np.minimum(
                1, 2 * half + 0.2
            )
            inside = (y >= 0) & (y < field.shape[0]) & (x >= 0) & (x < field.shape[1])
            np.maximum.at(opacity, (y[inside], x[inside]), (cover * strength)[inside])
    return opacity


def _gradient(field: Field) -> tuple[Field, Field]:
    """Change per pixel downwards and to the right."""
    return np.gradient(field, axis=0), np.gradient(field, axis=1)
