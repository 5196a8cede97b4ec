"""One image with its mask."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.errors import DatasetError
from limner.images import Alpha, Image, Size, load_grey, load_image, resize
from limner.masks import from_labels, to_uint8
from limner.spec import to_input


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image and its true mask, not decoded yet."""

    id: str
    image: Path
    mask: Path
    source: str  # name of the data set
    labelled: bool  # the mask holds label indices (subject: not 0) rather than opacity in grey levels

    def load(self) -> tuple[Image, Alpha]:
        """Decode both.

        Raises:
            InputError: If one of the two cannot be decoded.
            DatasetError: If their sizes differ.
        """
        image = load_image(self.image)
        grey = load_grey(self.mask)
        if grey.shape != image.shape[:2]:
            raise DatasetError(f"sizes differ: {self.image} {image.shape[:2]}, {self.mask} {grey.shape}")
        alpha = from_labels(grey) if self.labelled else grey / np.float32(255)
        return image, alpha.astype(np.float32)

    def load_at(self, size: Size) -> tuple[Image, NDArray[np.uint8]]:
        """Decode both as a network sees them: image (h, w, 3) and alpha (h, w), uint8."""
        image, alpha = self.load()
        return to_input(image, size), to_uint8(resize(alpha, size))
