"""One image with its mask, and what of the mask is to be learnt from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limner.datasets.plausible import check_opacity
from limner.errors import DatasetError, InputError
from limner.images import (
    Alpha,
    Image,
    Labels,
    Size,
    load_alpha,
    load_grey,
    load_image,
    picture_size,
    resize,
    to_uint8,
)
from limner.mattes.masks import from_labels
from limner.models.spec import nearest_shape, to_input


class Seen(NamedTuple):
    """A sample at the size of a network, all uint8."""

    image: Image  # (h, w, 3)
    alpha: NDArray[np.uint8]  # (h, w)
    weight: NDArray[np.uint8]  # (h, w), how much each pixel counts in training

    @classmethod
    def of(cls, image: Image, alpha: Alpha, weight: Alpha, size: Size) -> "Seen":
        """Image, alpha and weight of one size, resized together."""
        return cls(to_input(image, size), to_uint8(resize(alpha, size)), to_uint8(resize(weight, size)))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image and its true mask, not decoded yet: each a path, or the bytes of a file."""

    id: str
    image: Path | bytes = field(repr=False)
    mask: Path | bytes = field(repr=False)
    source: str  # name of the data set
    labelled: bool  # the mask holds label indices (subject: not 0) rather than opacity
    parts: Mapping[str, float] = field(default_factory=dict)  # part, where known -> fraction of the picture
    label_names: tuple[str, ...] = ()  # of the labels 1, 2, ..., where the mask holds labels
    weight: Path | bytes | None = field(default=None, repr=False)  # grey: how much a pixel counts in training

    def load(self) -> tuple[Image, Alpha]:
        """Decode both.

        Raises:
            DatasetError: If one of the two cannot be decoded, their sizes differ, or the mask holds labels.
        """
        with self._named():
            image = load_image(self.image)
            if self.labelled:
                alpha = from_labels(load_grey(self.mask)).astype(np.float32)
            else:
                alpha = load_alpha(self.mask)
            if isinstance(self.mask, Path) and not self.labelled:  # those in shards and packs were looked at
                check_opacity(alpha, str(self.mask))
            if alpha.shape != image.shape[:2]:
                raise InputError(f"sizes differ: image {image.shape[:2]}, mask {alpha.shape}")
        return image, alpha

    def measure_parts(self) -> dict[str, float]:
        """Part -> fraction of the picture: as prepared, or of each label that the mask holds."""
        if not self.labelled:
            return dict(self.parts)
        return label_parts(load_grey(self.mask), self.label_names)

    def size(self) -> Size:
        """(height, width) of the upright picture, from its header."""
        with self._named():
            return picture_size(self.image)

    def load_weight(self, size: Size) -> Alpha:
        """How much each pixel counts in training, (H, W) in [0, 1]: 0 where the mask says nothing.

        Raises:
            DatasetError: If it cannot be decoded, or is not of the ``size`` of the image.
        """
        if self.weight is None:
            return np.ones(size, np.float32)
        with self._named():
            weight = load_alpha(self.weight)
            if weight.shape != size:
                raise InputError(f"sizes differ: image {size}, weight {weight.shape}")
        return weight

    def load_at(self, size: Size) -> "Seen":
        """Decode all as a network sees them."""
        image, alpha = self.load()
        return Seen.of(image, alpha, self.load_weight(alpha.shape), size)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of reading name the sample."""
        try:
            yield
        except InputError as error:
            raise DatasetError(f"{self.source}/{self.id}: {error}") from error


def label_parts(labels: Labels, names: Sequence[str] = ()) -> dict[str, float]:
    """Name of each label but 0 -> fraction of the picture; "label 7" where it has no name."""
    pixels = np.bincount(labels.ravel())
    return {
        names[label - 1] if label <= len(names) else f"label {label}": float(pixels[label] / labels.size)
        for label in range(1, len(pixels))
        if pixels[label]
    }


Load = Callable[[Sample, Size], Seen]
"""A sample as a network sees it at a size."""


def load_planes(sample: Sample, shapes: Sequence[Size], load: Load = Sample.load_at) -> NDArray[np.uint8]:
    """Red, green, blue, alpha and weight of a sample, (5, h, w), in the nearest of some shapes."""
    shape = shapes[0] if len(shapes) == 1 else nearest_shape(sample.size(), shapes)
    image, alpha, weight = load(sample, shape)
    return np.ascontiguousarray(np.concatenate((image.transpose(2, 0, 1), alpha[None], weight[None])))


def load_image_at(source: Path | bytes, size: Size) -> Image:
    """A picture alone, as a network sees it."""
    return to_input(load_image(source), size)
