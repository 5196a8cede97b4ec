"""A checkpoint -> an ONNX model with its sidecar: pixels in, alpha out, checked against torch and scored."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from itertools import chain, islice, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner import files
from limner.datasets import Sample, dataset_splits, matching_datasets, read_dataset
from limner.errors import DatasetError, InputError, ModelError
from limner.evaluation.evaluate import evaluate
from limner.images import Alpha, Image, Size, load_image
from limner.models.segmenter import Segmenter
from limner.models.spec import PORTRAIT, ModelSpec, input_size, to_input
from limner.training.config import TrainConfig
from limner.training.loading import normalise
from limner.training.module import load_checkpoint
from limner.training.quantise import to_8_bits

LARGE = 256
"""Values in the weight of a layer from which it is worth storing in 16 bits."""

WEIGHTS = ("float32", "float16", "int8")

CALIBRATION = 200
"""Training pictures from which the scales of 8-bit arithmetic are fixed."""

LARGEST_LOSS = 0.01
"""Largest mean change of an alpha by smaller weights that is let pass; see `check_loss`."""

TOLERANCE = 1e-4
"""Largest difference of an alpha between torch and ONNX Runtime that is let pass; see `check_parity`."""


class PixelsToAlpha(nn.Module):
    """A network between its pre- and post-processing: pixels (N, h, w, 3) -> alphas (N, h, w)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (N, h, w, 3) uint8 -> alphas (N, h, w) float32 in [0, 1]."""
        return torch.sigmoid(self.net(normalise(pixels)))[:, 0]


def export(
    checkpoint: str | Path, target: str | Path, *, weights: str = "float32", val: Sequence[str | Path] = ()
) -> ModelSpec:
    """Write a checkpoint as a model: ``NAME.onnx`` and its sidecar ``NAME.json``.

    The model is compared with torch on 32 pictures of validation lists, and its scores on these lists go into
    the sidecar.

    Args:
        checkpoint: Of `limner train`.
        target: The ``.onnx`` file.
        weights: "float32"; "float16", which halves the file while the arithmetic stays in 32 bits; or "int8",
            which quarters it and computes in 8 bits (`limner.training.quantise`), with scales from
            `CALIBRATION` training pictures. The comparison is made before, the scores are measured after.
        val: The data sets whose validation lists these are; by default those of the run.

    Raises:
        InputError: If ``target`` does not end in ``.onnx``, or ``weights`` is none of these.
        OutputError: If it cannot be written.
        ModelError: If the checkpoint cannot be read, or the model differs from torch (`check_parity`).
        DatasetError: If a validation list cannot be read, or there is none.
    """
    target = Path(target)
    if target.suffix != ".onnx":
        raise InputError(f"an exported model is NAME.onnx, got '{target}'")
    if weights not in WEIGHTS:
        raise InputError(f"unknown weights '{weights}': use one of {', '.join(WEIGHTS)}")
    module, commit = load_checkpoint(checkpoint)
    config = module.config
    lists = read_validation(val or _roots(config))
    model = PixelsToAlpha(module.net).eval()
    size = (config.input_size, config.input_size)
    data = to_onnx(model, size, free=config.stride > 0)
    spec = ModelSpec(
        name=target.stem,
        kind=PORTRAIT,
        size=size,
        stride=config.stride,
        sha256=files.sha256(data),
        licence=config.licence,
        description=config.description,
        parameters=sum(parameter.numel() for parameter in module.net.parameters()),
        config=asdict(config),
        commit=commit,
        scores={},
    )
    with TemporaryDirectory() as folder:
        draft = Path(folder) / target.name
        save(draft, data, spec)
        segmenter = Segmenter(draft, device="cpu")
        images = first_images(lists.values(), 32)
        check_parity(model, segmenter, images)
        if weights != "float32":
            exact = segmenter.batch(images)
            data = halve(data) if weights == "float16" else to_8_bits(data, _calibration(config))
            spec = replace(spec, sha256=files.sha256(data))
            save(draft, data, spec)
            segmenter = Segmenter(draft, device="cpu")
            check_loss(exact, segmenter.batch(images))
    scores = {f"{name}/val": evaluate(segmenter, samples).scores() for name, samples in lists.items()}
    spec = replace(spec, scores=scores)
    save(target, data, spec)
    return spec


def check_loss(exact: Sequence[Alpha], found: Sequence[Alpha]) -> float:
    """Mean absolute difference that smaller weights make to the alphas of some pictures.

    Raises:
        ModelError: If it is more than `LARGEST_LOSS`.
    """
    loss = float(np.mean([np.abs(one - other).mean() for one, other in zip(exact, found, strict=True)]))
    if loss > LARGEST_LOSS:
        raise ModelError(
            f"smaller weights change the alphas by {loss:.4f} in the mean, more than {LARGEST_LOSS}: "
            "export with float32"
        )
    return loss


def _calibration(config: TrainConfig) -> list[Image]:
    """The first pictures of the training lists at network size."""
    lists = [read_dataset(root, "train") for root in _roots(config)]
    return [
        to_input(image, input_size(image.shape[:2], config.input_size, config.stride))
        for image in first_images(lists, CALIBRATION)
    ]


def _roots(config: TrainConfig) -> list[Path]:
    """The data sets of a run."""
    return [root for name in config.data for root in matching_datasets(config.data_root, name)]


def read_validation(roots: Iterable[str | Path]) -> dict[str, list[Sample]]:
    """The validation lists of those data sets that have one, by the name of the data set.

    Raises:
        DatasetError: If one cannot be read, or there is none.
    """
    paths = [Path(root) for root in roots]
    lists = {path.name: read_dataset(path, "val") for path in paths if "val" in dataset_splits(path)}
    if not lists:
        raise DatasetError(
            f"none of {', '.join(map(str, paths))} has a val list to compare and to score on: name data sets "
            "that have one (--val)"
        )
    return lists


def to_onnx(model: PixelsToAlpha, size: Size, *, free: bool = False) -> bytes:
    """The model as an ONNX file for any number of pictures, of ``size`` or, if ``free``, of any."""
    pixels = torch.zeros(2, *size, 3, dtype=torch.uint8)
    shape = {0: torch.export.Dim("N")}
    if free:
        shape |= {1: torch.export.Dim("height"), 2: torch.export.Dim("width")}
    program = torch.onnx.export(
        model,
        (pixels,),
        input_names=["pixels"],
        output_names=["alpha"],
        dynamic_shapes=(shape,),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    proto = program.model_proto
    del proto.graph.value_info[:]  # shapes that follow from the rest
    for part in (proto.graph, *proto.graph.node):
        part.ClearField("metadata_props")  # the exporter's notes on our source: a tenth of a small model
    data: bytes = proto.SerializeToString()
    return data


def halve(data: bytes) -> bytes:
    """An ONNX file whose large weights are stored in 16 bits and cast to 32 when it is loaded."""
    proto = onnx.load_from_string(data)
    casts = []
    for weight in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.ndim > 1 and values.size >= LARGE:
            name = weight.name
            weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    halved: bytes = proto.SerializeToString()
    return halved


def check_parity(model: PixelsToAlpha, segmenter: Segmenter, images: Sequence[Image]) -> float:
    """Largest difference between torch in 64 bits and ONNX Runtime at network size over some pictures.

    A network that chooses by comparing, as SegNet's pooling does where two values are nearly equal, may
    choose otherwise after any rounding. Where torch in 32 bits differs from itself in 64 bits by more than
    `TOLERANCE`, the largest difference therefore says nothing, and the mean difference is given and judged.

    Raises:
        ModelError: If it is more than `TOLERANCE`.
    """
    pixels = [to_input(image, segmenter.spec.input_size(image.shape[:2])) for image in images]
    found = _flat(segmenter.batch(pixels))
    double = deepcopy(model.net).double()
    with torch.inference_mode():
        seen = [torch.from_numpy(one.copy())[None] for one in pixels]
        rounded = _flat([model(one).numpy() for one in seen])
        exact = _flat([torch.sigmoid(double(normalise(one).double())).numpy() for one in seen])
    measure = np.max if np.abs(rounded - exact).max() <= TOLERANCE else np.mean
    difference = float(measure(np.abs(found - exact)))
    if difference > TOLERANCE:
        raise ModelError(
            f"the exported model differs from torch by {difference:.1e}, more than {TOLERANCE:.0e}"
        )
    return difference


def _flat(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """All values in one row."""
    return np.concatenate([array.ravel() for array in arrays])


def first_images(lists: Iterable[Sequence[Sample]], count: int) -> list[Image]:
    """Images of the first samples of several lists, taken in turn."""
    turns = chain.from_iterable(zip_longest(*lists))
    return [load_image(sample.image) for sample in islice(filter(None, turns), count)]


def save(target: Path, data: bytes, spec: ModelSpec) -> None:
    """Write a model and its sidecar."""
    files.write_bytes(target, data)
    spec.save(target.with_suffix(".json"))
