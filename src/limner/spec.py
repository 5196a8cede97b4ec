"""What a model file expects and where it comes from: its sidecar, and the one pre- and post-processing.

The network sees ``to_input`` of an image; an alpha at image size is ``to_alpha`` of what the network gives.
Training, evaluation, export and use all call this pair.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from limner import files
from limner.errors import ModelError
from limner.images import Alpha, Image, Size, resize


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """The sidecar of a model: ``NAME.json`` beside ``NAME.onnx``.

    The ONNX file takes uint8 RGB (N, height, width, 3) and gives float32 alpha (N, height, width);
    normalisation and sigmoid are inside the graph.
    """

    name: str
    size: Size  # (height, width) of the network's input, pixels
    sha256: str  # of the .onnx file
    licence: str  # terms of the weights, not of the code
    description: str
    parameters: int
    config: dict[str, Any]  # of the training run, the fields of TrainConfig
    commit: str  # of the code that trained it
    scores: dict[str, dict[str, float]]  # data set -> score -> fraction

    def save(self, path: str | Path) -> None:
        """Write the sidecar as JSON."""
        files.write_bytes(path, (json.dumps(asdict(self), indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: str | Path) -> "ModelSpec":
        """Read a sidecar.

        Raises:
            ModelError: If it is missing, is not JSON, or its keys are not those of this class.
        """
        try:
            values: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ModelError(f"no sidecar {path}: a model is NAME.onnx with NAME.json beside it") from error
        except (OSError, ValueError) as error:
            raise ModelError(f"cannot read the sidecar {path}: {error}") from error
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != known:
            raise ModelError(f"the sidecar {path} must have exactly the keys {', '.join(sorted(known))}")
        height, width = values.pop("size")
        return cls(size=(height, width), **values)


def to_input(image: Image, size: Size) -> Image:
    """The image as the network sees it: stretched to ``size``, antialiased, (h, w, 3) uint8."""
    return resize(image, size)


def to_alpha(prob: Alpha, size: Size) -> Alpha:
    """The network's (h, w) answer as an alpha at the image's ``size``; the inverse of `to_input`."""
    return resize(prob, size).clip(0, 1)
