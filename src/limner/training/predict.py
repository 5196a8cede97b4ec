"""A checkpoint as it is, from an image to its alpha: to measure a run before it is exported."""

from pathlib import Path

import torch

from limner.images import Alpha, Image, Size
from limner.models.spec import input_size, to_alpha, to_input
from limner.training.kinds import load_portrait


class CheckpointSegmenter:
    """A trained network that is called as a `Segmenter` is; it runs on the CPU, in torch.

    It sees as many pixels as a square of ``side``, by default as many as it was trained on.

    Raises:
        ModelError: If the file is missing or is not a checkpoint of a network that finds people.
    """

    def __init__(self, path: str | Path, *, side: int | None = None) -> None:
        module = load_portrait(path)
        self.name = module.config.name
        self._side, self._stride = side or module.config.input_size, module.config.stride
        self._model = module.exported().eval()

    def input_size(self, size: Size) -> Size:
        """Height and width at which the network sees a picture of ``size``."""
        return input_size(size, self._side, self._stride)

    def __call__(self, image: Image) -> Alpha:
        """Alpha of the subject at the size of the (H, W, 3) image."""
        pixels = torch.from_numpy(to_input(image, self.input_size(image.shape[:2])).copy())[None]
        with torch.inference_mode():
            prob: Alpha = self._model(pixels)[0].numpy()
        return to_alpha(prob, image.shape[:2])
