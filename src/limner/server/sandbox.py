"""A stand-in for the network, for tests of clients: the same drawn person in every picture."""

from collections.abc import Sequence

import numpy as np

from limner.images import Alpha, Image
from limner.models.spec import PORTRAIT, ModelSpec

SPEC = ModelSpec(
    name="sandbox",
    kind=PORTRAIT,
    size=(256, 256),
    stride=32,
    sha256="",
    licence="",
    description="no network: the same drawn head and shoulders in every picture",
    parameters=0,
    config={},
    commit="",
    scores={},
)
SOFTNESS = 0.04
"""Width of the drawn edge, as a fraction of the radius."""


class Sandbox:
    """Takes the place of a `Segmenter` in a server; needs no model and no ONNX Runtime."""

    spec = SPEC
    device = "none"

    def batch(self, images: Sequence[Image]) -> list[Alpha]:
        """Head and shoulders, at the sizes of the images; nothing where an image has one colour only."""
        return [
            _person(image) if np.ptp(image) else np.zeros(image.shape[:2], np.float32) for image in images
        ]


def _person(image: Image) -> Alpha:
    height, width = image.shape[:2]
    down, across = np.mgrid[:height, :width]
    down, across = (down + 0.5) / height, (across + 0.5) / width - 0.5
    head = np.hypot(across / 0.13, (down - 0.36) / 0.18)
    shoulders = np.hypot(across / 0.36, (down - 1.02) / 0.52)
    radius = np.minimum(head, shoulders)  # 1 on the outline
    alpha: Alpha = ((1 - radius) / SOFTNESS + 0.5).clip(0, 1).astype(np.float32)
    return alpha
