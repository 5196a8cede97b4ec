"""One image with its mask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.errors import DatasetError, InputError
from limner.images import Alpha, Image, Size, load_alpha, load_grey, load_image, resize
from limner.masks import from_labels, to_uint8
from limner.spec import to_input


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

    def load(self) -> tuple[Image, Alpha]:
        """Decode both.

        Raises:
            DatasetError: If one of the two cannot be decoded, or their sizes differ.
        """
        try:
            image = load_image(self.image)
            if self.labelled:
                alpha = from_labels(load_grey(self.mask)).astype(np.float32)
            else:
                alpha = load_alpha(self.mask)
        except InputError as error:
            raise DatasetError(f"{self.source}/{self.id}: {error}") from error
        if alpha.shape != image.shape[:2]:
            raise DatasetError(
                f"{self.source}/{self.id}: sizes differ: image {image.shape[:2]}, mask {alpha.shape}"
            )
        return image, alpha

    def measure_parts(self) -> dict[str, float]:
        """Part -> fraction of the picture: as prepared, or of each label that the mask holds."""
        if not self.labelled:
            return dict(self.parts)
        labels = load_grey(self.mask)
        pixels = np.bincount(labels.ravel())
        return {
            self.label_names[label - 1] if label <= len(self.label_names) else f"label {label}": float(
                pixels[label] / labels.size
            )
            for label in range(1, len(pixels))
            if pixels[label]
        }

    def load_at(self, size: Size) -> tuple[Image, NDArray[np.uint8]]:
        """Decode both as a network sees them: image (h, w, 3) and alpha (h, w), uint8."""
        image, alpha = self.load()
        return to_input(image, size), to_uint8(resize(alpha, size))
