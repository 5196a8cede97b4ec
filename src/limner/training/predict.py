"""A checkpoint as it is, from an image to its alpha: to measure a run before it is exported."""

from pathlib import Path

import torch

from limner.images import Alpha, Image, Size
from limner.spec import to_alpha, to_input
from limner.training.export import PixelsToAlpha
from limner.training.module import load_checkpoint


class CheckpointSegmenter:
    """A trained network that is called as a `Segmenter` is; it runs on the CPU, in torch.

    Attributes:
        name: Of the run.
        size: (height, width) of the network's input.
    """

    def __init__(self, path: str | Path) -> None:
        """Load a checkpoint.

        Raises:
            ModelError: If the file is missing or is not a checkpoint of this package.
        """
        module, _ = load_checkpoint(path)
        self.name = module.config.name
        self.size: Size = (module.config.input_size, module.config.input_size)
        self._model = PixelsToAlpha(module.net).eval()

    def __call__(self, image: Image) -> Alpha:
        """Alpha of the subject at the size of the (H, W, 3) image."""
        pixels = torch.from_numpy(to_input(image, self.size).copy())[None]
        with torch.inference_mode():
            prob: Alpha = self._model(pixels)[0].numpy()
        return to_alpha(prob, image.shape[:2])
