"""Other projects' portrait networks, called as a `Segmenter` is: to learn from and to compare with.

Their weights are not part of Limner; each is a file in the form that its project publishes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError, ModelError
from limner.images import Alpha, Image, Size
from limner.models.session import start_session
from limner.models.spec import to_alpha, to_input

Floats = NDArray[np.float32]

THREADS = 2


@dataclass(frozen=True)
class Form:
    """What a network wants and gives, from the notes of its project."""

    name: str
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)  # of the grey levels 0..255, in the order of its channels
    std: tuple[float, ...] = (255.0, 255.0, 255.0)
    bgr: bool = False
    logits: bool = False  # two channels before the softmax, rather than probabilities
    side: int = 0  # longer side of its input, pixels, where it takes any size


HALF = (127.5, 127.5, 127.5)
SINET_MEAN = (102.890434, 111.25247, 126.91212)
SINET_STD = tuple(255 * value for value in (62.93292, 62.82138, 66.355705))
FORMS = {
    "mediapipe_selfie_256.tflite": Form("MediaPipe Selfie 256"),
    "mediapipe_selfie_landscape.tflite": Form("MediaPipe landscape"),
    "meet_segm_full_v679.tflite": Form("Meet full", logits=True),
    "sinet_softmax_320.onnx": Form("SINet 320", SINET_MEAN, SINET_STD, bgr=True),
    "dnc_sinet_320x256.onnx": Form("SINet variant 320 x 256", SINET_MEAN, SINET_STD, bgr=True, logits=True),
    "mobilenetv3_seg_float.tflite": Form("MobileNetV3 U-Net", logits=True),
    "slimnet_512.tflite": Form("SlimNet 512", logits=True),
    "prisma_256.onnx": Form("PrismaNet 256"),
    "deeplab_513.onnx": Form("DeepLabV3+ 513", HALF, HALF, logits=True),
    "pphumanseg_lite_398x224.onnx": Form("PP-HumanSeg Lite", HALF, HALF),
    "rvm_mobilenetv3.onnx": Form("Robust Video Matting", side=512),
}
"""File name -> its form."""

KEPT = (16, 20, 40, 64)
"""Channels that Robust Video Matting keeps, at strides 2, 4, 8 and 16."""


class Peer:
    """A network, to whose input pictures are stretched, or resized with their proportions kept (`Form.side`).

    Args:
        path: Its file, ``.onnx`` (channels first) or ``.tflite`` (channels last).
        form: What it wants and gives; by default that of its name in `FORMS`.
        threads: How many threads run it.

    Attributes:
        name: What people call it.
        bytes: Of its file.
        size: (height, width) of its input, or of that of a square picture.

    Raises:
        ModelError: If the file is missing, or its form is not known.
        InputError: If the package that runs it is missing.
    """

    def __init__(self, path: str | Path, *, form: Form | None = None, threads: int = THREADS) -> None:
        path = Path(path)
        form = form or FORMS.get(path.name)
        if form is None:
            known = ", ".join(FORMS)
            raise ModelError(f"{path} is no network of another project that is known here: {known}")
        if not path.is_file():
            raise ModelError(f"no such file: {path}")
        self.form, self.bytes = form, path.stat().st_size
        self.name = self.form.name
        self._first = path.suffix == ".onnx"  # channels before rows
        start = _recurrent if self.form.side else _onnx if self._first else _tflite
        self.run, shape = start(path, threads)
        height, width = shape[2:] if self._first else shape[1:3]
        self.size: Size = (form.side, form.side) if form.side else (height, width)

    def prepare(self, image: Image) -> Floats:
        """The network's input of an (H, W, 3) uint8 image, a batch of one."""
        size = self.size
        if self.form.side:
            scale = self.form.side / max(image.shape)
            height, width = (max(16, 16 * round(length * scale / 16)) for length in image.shape[:2])
            size = (height, width)
        seen = to_input(image, size)[..., :: -1 if self.form.bgr else 1].astype(np.float32)
        mean, std = (np.array(values, np.float32) for values in (self.form.mean, self.form.std))
        pixels: Floats = (seen - mean) / std
        return np.ascontiguousarray(pixels.transpose(2, 0, 1) if self._first else pixels)[None]

    def __call__(self, image: Image) -> Alpha:
        """Alpha of the subject at the size of the image."""
        found = self.run(self.prepare(image))[0]
        found = found if self._first else found.transpose(2, 0, 1)
        if self.form.logits:
            found = np.reciprocal(1 + np.exp(found[:1] - found[1:]))  # the softmax of two
        return to_alpha(np.ascontiguousarray(found[-1], np.float32), image.shape[:2])


def _tflite(path: Path, threads: int) -> tuple[Callable[[Floats], Floats], tuple[int, ...]]:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError as error:
        raise InputError(f"to run {path.name} this needs {error.name}: pip install ai-edge-litert") from error

    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(pixels: Floats) -> Floats:
        interpreter.set_tensor(source["index"], pixels)
        interpreter.invoke()
        found: Floats = interpreter.get_tensor(target["index"])
        return found

    return run, tuple(int(length) for length in source["shape"])


def _onnx(path: Path, threads: int) -> tuple[Callable[[Floats], Floats], tuple[int, ...]]:
    session = start_session(path, name=path.name, threads=threads)
    source = session.get_inputs()[0]
    return lambda pixels: session.run(None, {source.name: pixels})[0], tuple(source.shape)


def _recurrent(path: Path, threads: int) -> tuple[Callable[[Floats], Floats], tuple[int, ...]]:
    """Robust Video Matting, which sees a picture twice, the second time with what it kept of the first.

    Reference:
        Lin et al., "Robust High-Resolution Video Matting with Temporal Guidance", WACV 2022.
    """
    session = start_session(path, name=path.name, threads=threads)

    def run(pixels: Floats) -> Floats:
        height, width = pixels.shape[2:]
        kept = [
            np.zeros((1, -(-height // 2**level), -(-width // 2**level), channels), np.float32)
            for level, channels in enumerate(KEPT, 1)
        ]
        for _ in range(2):
            states = {f"r{level}i": state for level, state in enumerate(kept, 1)}
            alpha, *kept = session.run(None, {"src": pixels, **states})
        found: Floats = alpha.transpose(0, 3, 1, 2)
        return found

    return run, (1, 3, 0, 0)  # any
