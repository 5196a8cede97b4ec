"""An image in, an alpha out: a model in an ONNX Runtime session."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from limner.errors import InputError, ModelError
from limner.images import Alpha, Image, as_image
from limner.models.bars import between_bars
from limner.models.session import choose_device, start_session
from limner.models.spec import DEFAULT_MODEL, PORTRAIT, ModelSpec, read_model, to_alpha, to_input

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MIN_SIDE = 16
"""Shortest side of a picture, in pixels, in which a person can be looked for."""


class Segmenter:
    """A loaded model; call it with an image to get the alpha of the subject. Safe to share among threads.

    Attributes:
        spec: What the model is.
        device: Where it runs, a key of `limner.models.session.DEVICES`.

    Example:
        >>> segmenter = limner.Segmenter("small", device="cpu")
        >>> alpha = segmenter(np.zeros((64, 48, 3), np.uint8))
        >>> alpha.shape, alpha.dtype.name
        ((64, 48), 'float32')
    """

    spec: ModelSpec
    device: str

    def __init__(
        self, model: str | Path = DEFAULT_MODEL, *, device: str = "auto", threads: int | None = None
    ) -> None:
        """Load a model.

        Args:
            model: The name of a bundled model, or the path of an ``.onnx`` file with its sidecar beside it.
            device: A key of `limner.models.session.DEVICES`, or "auto": CUDA where ONNX Runtime was built
                with it, else the CPU.
            threads: Cores that one image may use; by default all.

        Raises:
            ModelError: If the model cannot be used, or the device is not there. No other device is taken
                in its place.
        """
        data, self.spec = read_model(model)
        if self.spec.kind != PORTRAIT:
            raise ModelError(f"the model '{self.spec.name}' finds no people: {self.spec.description}")
        self.device = choose_device(device)
        self._session = _start(data, self.spec, self.device, threads)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, image: Image) -> Alpha:
        """Alpha of the subject at the size of the image.

        Args:
            image: (H, W, 3) uint8 RGB.

        Raises:
            InputError: If it is not such an array, or a side is shorter than `MIN_SIDE`.
        """
        return self.batch([image])[0]

    def batch(self, images: Sequence[Image]) -> list[Alpha]:
        """Alphas of several images of any sizes, from one run of the network for each shape it sees.

        The network does not see bars of one colour (`limner.models.bars`); there the alpha is 0.
        """
        if not images:
            return []
        parts = [between_bars(check_size(image)) for image in images]
        shown = [image[part] for image, part in zip(images, parts, strict=True)]
        seen = [to_input(image, self.spec.input_size(image.shape[:2])) for image in shown]
        probs: dict[int, Alpha] = {}
        for size in {pixels.shape for pixels in seen}:
            places = [place for place, pixels in enumerate(seen) if pixels.shape == size]
            found = self._session.run(None, {self._input: np.stack([seen[place] for place in places])})[0]
            probs |= dict(zip(places, found, strict=True))
        alphas = [np.zeros(image.shape[:2], np.float32) for image in images]
        for place, (alpha, part) in enumerate(zip(alphas, parts, strict=True)):
            alpha[part] = to_alpha(probs[place], alpha[part].shape)
        return alphas


def check_size(image: Image) -> Image:
    """The image itself, if a person can be looked for in it.

    Raises:
        InputError: If it is not (H, W, 3) uint8, or a side is shorter than `MIN_SIDE`.
    """
    image = as_image(image)
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise InputError(
            f"{width} x {height} pixels are too few to find a person in: give a picture of at least "
            f"{MIN_SIDE} x {MIN_SIDE}"
        )
    return image


def _start(data: bytes, spec: ModelSpec, device: str, threads: int | None) -> "InferenceSession":
    session = start_session(data, name=spec.name, device=device, threads=threads)
    taken = [(value.type, value.shape[1:]) for value in (*session.get_inputs(), *session.get_outputs())]
    height, width = ("height", "width") if spec.stride else spec.size
    wanted = [("tensor(uint8)", [height, width, 3]), ("tensor(float)", [height, width])]
    if taken != wanted:
        raise ModelError(
            f"the model '{spec.name}' has inputs and outputs {taken}, wanted {wanted}: export it again"
        )
    return session
