"""What a model file expects and where it comes from: its sidecar, and the one pre- and post-processing.

The network sees ``to_input`` of an image; an alpha at image size is ``to_alpha`` of what the network gives.
Training, evaluation, export and use all call this pair.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from limner import files
from limner.errors import InputError, ModelError
from limner.images import Alpha, Image, Size, resize


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """The sidecar of a model: ``NAME.json`` beside ``NAME.onnx``.

    The ONNX file of a portrait network takes uint8 RGB (N, height, width, 3) and gives float32 alpha (N,
    height, width); normalisation and sigmoid are inside the graph. With a stride, height and width are
    free.
    """

    name: str
    kind: str  # "portrait" finds people; "edge" and "temporal" refine what it found, on a grid of size
    size: Size  # (height, width) of the network's input, pixels; with a stride, of that of a square picture
    stride: int  # 0: pictures are stretched to size; else their proportions are kept, in multiples of it
    sha256: str  # of the .onnx file
    licence: str  # terms of the weights, not of the code
    description: str
    parameters: int
    config: dict[str, Any]  # of the training run, the fields of TrainConfig
    commit: str  # of the code that trained it
    scores: dict[str, dict[str, float]]  # data set -> score -> fraction

    def input_size(self, size: Size) -> Size:
        """Height and width at which the network sees a picture of ``size``; see `input_size`."""
        return input_size(size, self.size[0], self.stride) if self.stride else self.size

    def save(self, path: str | Path) -> None:
        """Write the sidecar as JSON."""
        files.write_bytes(path, (json.dumps(asdict(self), indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: str | Path) -> "ModelSpec":
        """Read a sidecar.

        Raises:
            ModelError: If it is missing, is not JSON, or its keys are not those of this class.
        """
        if not Path(path).exists():
            raise ModelError(f"no sidecar {path}: a model is NAME.onnx with NAME.json beside it")
        try:
            values: dict[str, Any] = files.read_json(Path(path), f"the sidecar {path}")
        except InputError as error:
            raise ModelError(str(error)) from error
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != known:
            raise ModelError(f"the sidecar {path} must have exactly the keys {', '.join(sorted(known))}")
        height, width = values.pop("size")
        return cls(size=(height, width), **values)


def input_size(size: Size, side: int, stride: int) -> Size:
    """Height and width at which a network sees a picture.

    Args:
        size: Of the picture.
        side: Of the square that has as many pixels as the network sees.
        stride: 0: every picture is stretched to that square. Else height and width are multiples of it, those
            that come nearest to the picture's proportions (to `LONGEST` at most) and to that area.
    """
    if not stride:
        return side, side
    aspect = min(max(size[0] / size[1], 1 / LONGEST), LONGEST)
    tall, wide = side / stride * aspect**0.5, side / stride / aspect**0.5

    def miss(shape: Size) -> tuple[float, Size]:
        height, width = shape
        proportions, area = height / width / aspect, height * width / tall / wide
        return abs(math.log(proportions)) + 0.5 * abs(math.log(area)), shape

    heights = {math.floor(tall), math.ceil(tall)} - {0}
    widths = {math.floor(wide), math.ceil(wide)} - {0}
    height, width = min(product(heights, widths), key=miss)
    return height * stride, width * stride


LONGEST = 3.0
"""Longer over shorter side of a network's input at most."""

TRAINING_ASPECTS = ((2, 1), (3, 2), (5, 4), (1, 1), (4, 5), (2, 3), (1, 2))
"""Proportions, height to width, of the shapes that training sees."""


def training_shapes(side: int, stride: int) -> list[Size]:
    """The few input sizes that a network is trained at; see `input_size`."""
    return sorted({input_size(aspect, side, stride) for aspect in TRAINING_ASPECTS})


def nearest_shape(size: Size, shapes: Sequence[Size]) -> Size:
    """The shape whose proportions come nearest to those of ``size``."""
    return min(shapes, key=lambda shape: abs(math.log(shape[0] / shape[1] * size[1] / size[0])))


def to_input(image: Image, size: Size) -> Image:
    """The image as the network sees it: stretched to ``size``, antialiased, (h, w, 3) uint8."""
    return resize(image, size)


def to_alpha(prob: Alpha, size: Size) -> Alpha:
    """The network's (h, w) answer as an alpha at the image's ``size``; the inverse of `to_input`."""
    alpha = resize(prob, size)
    return alpha.clip(0, 1, out=None if alpha is prob else alpha)


MODELS = Path(__file__).parent / "weights"
"""The folder of the bundled models."""

DEFAULT_MODEL = "base"

LIVE_MODEL = "small"
"""For pictures that come faster than the default one is done with them."""

PORTRAIT = "portrait"
"""Kind of the models that find people."""


@lru_cache(maxsize=1)
def bundled_kinds() -> dict[str, str]:
    """Name -> kind of every model inside the package; those that find people first, the default before."""
    kinds = {path.stem: ModelSpec.load(path.with_suffix(".json")).kind for path in MODELS.glob("*.onnx")}
    order = sorted(kinds, key=lambda name: (kinds[name] != PORTRAIT, name != DEFAULT_MODEL, name))
    return {name: kinds[name] for name in order}


def bundled_models() -> list[str]:
    """Names of the models inside the package that find people, the default one first."""
    return [name for name, kind in bundled_kinds().items() if kind == PORTRAIT]


def model_path(model: str | Path) -> Path:
    """The ``.onnx`` file of a bundled model's name, or of a path.

    Raises:
        ModelError: If there is no such bundled model and no such file.
    """
    if str(model) in bundled_kinds():
        return MODELS / f"{model}.onnx"
    path = Path(model)
    if not path.is_file():
        names = ", ".join(bundled_models())
        raise ModelError(f"no model '{model}': give a bundled one ({names}) or the path of an .onnx file")
    if path.suffix != ".onnx":
        raise ModelError(f"{path} is not an ONNX model: a model is NAME.onnx with NAME.json beside it")
    return path


def read_model(model: str | Path) -> tuple[bytes, ModelSpec]:
    """The bytes of a model and its spec, after checking one against the other.

    Args:
        model: The name of a bundled model, or the path of an ``.onnx`` file with its sidecar beside it.

    Raises:
        ModelError: If a file is missing, or the model is not the one that the sidecar was written for.
    """
    path = model_path(model)
    spec = ModelSpec.load(path.with_suffix(".json"))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the model {path}: {error.strerror}") from error
    found = files.sha256(data)
    if found != spec.sha256:
        raise ModelError(
            f"{path} is not the model that {path.stem}.json describes (SHA-256 {found[:12]}..., expected "
            f"{spec.sha256[:12]}...): get both files again"
        )
    return data, spec
