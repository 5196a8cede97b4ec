"""An image in, an alpha out: a model in an ONNX Runtime session."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from limner.errors import InputError, ModelError
from limner.images import Alpha, Image, Pillow, Source, as_image
from limner.refine import refine_alpha
from limner.spec import DEFAULT_MODEL, ModelSpec, read_model, to_alpha, to_input

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

DEVICES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
"""Device -> the name of its execution provider in ONNX Runtime."""

MIN_SIDE = 16
"""Shortest side of a picture, in pixels, in which a person can be looked for."""


class Segmenter:
    """A loaded model; call it with an image to get the alpha of the subject. Safe to share among threads.

    Attributes:
        spec: What the model is.
        device: Where it runs, a key of `DEVICES`.
    """

    spec: ModelSpec
    device: str

    def __init__(
        self, model: str | Path = DEFAULT_MODEL, *, device: str = "auto", threads: int | None = None
    ) -> None:
        """Load a model.

        Args:
            model: The name of a bundled model, or the path of an ``.onnx`` file with its sidecar beside it.
            device: A key of `DEVICES`, or "auto": CUDA where ONNX Runtime was built with it, else the CPU.
            threads: Cores that one image may use; by default all.

        Raises:
            ModelError: If the model cannot be used, or the device is not there. No other device is taken
                in its place.
        """
        data, self.spec = read_model(model)
        self.device = _choose(device)
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
        """Alphas of several images of any sizes, from one run of the network for each shape it sees."""
        if not images:
            return []
        seen = [to_input(image, self.spec.input_size(image.shape[:2])) for image in map(large_enough, images)]
        alphas: dict[int, Alpha] = {}
        for size in {pixels.shape for pixels in seen}:
            places = [place for place, pixels in enumerate(seen) if pixels.shape == size]
            probs = self._session.run(None, {self._input: np.stack([seen[place] for place in places])})[0]
            alphas |= dict(zip(places, probs, strict=True))
        return [to_alpha(alphas[place], image.shape[:2]) for place, image in enumerate(images)]


def segment(
    image: Source | Pillow | Image, *, model: str | Path = DEFAULT_MODEL, refine: bool = True
) -> Alpha:
    """Alpha of the subject of a picture, (H, W) float32 in [0, 1], at the picture's upright size.

    The model stays loaded for the next call; use `Segmenter` to choose device and threads.

    Args:
        image: A path, the bytes of a file, an open file, a Pillow picture or an (H, W, 3) uint8 array.
        model: The name of a bundled model, or the path of an ``.onnx`` file.
        refine: Lay the edge where the picture has one (`limner.refine_alpha`).

    Raises:
        InputError: If the picture cannot be used.
        ModelError: If the model cannot be used.
    """
    pixels = as_image(image)
    alpha = _loaded(model)(pixels)
    return refine_alpha(pixels, alpha) if refine else alpha


@lru_cache(maxsize=2)
def _loaded(model: str | Path) -> Segmenter:
    return Segmenter(model)


def large_enough(image: Image) -> Image:
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


def _choose(device: str) -> str:
    from onnxruntime import get_available_providers

    if device != "auto" and device not in DEVICES:
        raise ModelError(f"unknown device '{device}': use auto, {', '.join(DEVICES)}")
    available = get_available_providers()
    if device == "auto":
        return "cuda" if DEVICES["cuda"] in available else "cpu"
    if DEVICES[device] not in available:
        cure = (
            "pip uninstall onnxruntime; pip install onnxruntime-gpu" if device == "cuda" else "limner doctor"
        )
        raise ModelError(f"no device '{device}' in this build of ONNX Runtime; see: {cure}")
    return device


def _start(data: bytes, spec: ModelSpec, device: str, threads: int | None) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(data, options, providers=[DEVICES[device]])
    except Exception as error:  # ONNX Runtime's errors have no common base of their own
        raise ModelError(f"ONNX Runtime cannot load the model '{spec.name}' on {device}: {error}") from error
    if session.get_providers()[0] != DEVICES[device]:
        raise ModelError(f"ONNX Runtime could not start '{device}': check its driver, or use --device cpu")
    taken = [(value.type, value.shape[1:]) for value in (*session.get_inputs(), *session.get_outputs())]
    height, width = ("height", "width") if spec.stride else spec.size
    wanted = [("tensor(uint8)", [height, width, 3]), ("tensor(float)", [height, width])]
    if taken != wanted:
        raise ModelError(
            f"the model '{spec.name}' has inputs and outputs {taken}, wanted {wanted}: export it again"
        )
    return session
