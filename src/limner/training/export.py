"""A checkpoint -> an ONNX model with its sidecar: pixels in, alpha out, checked against torch and scored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from limner.mattes import refine
from limner.models.segmenter import Segmenter
from limner.models.session import start_session
from limner.models.spec import PORTRAIT, ModelSpec, input_size, to_input
from limner.nets.edge import STRIDE
from limner.training.checkpoint import read_checkpoint
from limner.training.config import TrainConfig
from limner.training.kinds import load_checkpoint
from limner.training.loading import normalise
from limner.training.portrait import PixelsToAlpha, PortraitModule
from limner.training.quantise import to_8_bits
from limner.video import temporal

LARGE = 256
"""Values in the weight of a layer from which it is worth storing in 16 bits."""

WEIGHTS = ("float32", "float16", "int8")

CALIBRATION = 200
"""Training pictures from which the scales of 8-bit arithmetic are fixed."""

LARGEST_LOSS = 0.01
"""Largest mean change of an alpha by smaller weights that is let pass; see `check_loss`."""

TOLERANCE = 1e-4
"""Largest difference of an alpha between torch and ONNX Runtime that is let pass; see `check_parity`."""


def export(
    checkpoint: str | Path, target: str | Path, *, weights: str = "float32", val: Sequence[str | Path] = ()
) -> ModelSpec:
    """Write a checkpoint as a model: ``NAME.onnx`` and its sidecar ``NAME.json``.

    A network that finds people is compared with torch on 32 pictures of validation lists, and its scores on
    these lists go into the sidecar; one that refines alphas is compared on noise, and the scores are those
    of its holdout.

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
    module, commit = load_checkpoint(checkpoint)
    portrait = isinstance(module, PortraitModule)
    known = WEIGHTS if portrait else WEIGHTS[:2]
    if weights not in known:
        raise InputError(f"unknown weights '{weights}': use one of {', '.join(known)}")
    config = module.config
    spec = ModelSpec(
        name=target.stem,
        kind=PORTRAIT if portrait else config.net,
        size=(0, 0),
        stride=STRIDE,
        sha256="",
        licence=config.licence,
        description=config.description,
        parameters=sum(parameter.numel() for parameter in module.net.parameters()),
        config=asdict(config),
        commit=commit,
        scores={},
    )
    if isinstance(module, PortraitModule):
        data, spec = _export_portrait(module, spec, weights, read_validation(val or _roots(module.config)))
    else:
        data = _export_refiner(module.exported(), weights)
        side = refine.GRID if config.net == "edge" else temporal.GRID
        scores = {"holdout": read_checkpoint(checkpoint).get("scores", {})}
        spec = replace(spec, size=(side, side), sha256=files.sha256(data), scores=scores)
    save(target, data, spec)
    return spec


def _export_portrait(
    module: PortraitModule, spec: ModelSpec, weights: str, lists: Mapping[str, Sequence[Sample]]
) -> tuple[bytes, ModelSpec]:
    config = module.config
    model = module.exported().eval()
    size = (config.input_size, config.input_size)
    data = to_onnx(model, size, free=config.stride > 0)
    spec = replace(spec, size=size, stride=config.stride, sha256=files.sha256(data))
    with TemporaryDirectory() as folder:
        draft = Path(folder) / f"{spec.name}.onnx"
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
    return data, replace(spec, scores=scores)


def _export_refiner(model: Any, weights: str) -> bytes:
    """The ONNX file of a network for grids of any size, compared with torch by the opacities of pixels."""
    model = model.eval()
    rng = np.random.default_rng(0)

    def example(height: int, width: int) -> dict[str, NDArray[np.float32]]:
        shapes = {name: (channels,) * (channels > 0) for name, channels in model.INPUTS.items()}
        fields = {name: rng.random((*shape, height, width), np.float32) for name, shape in shapes.items()}
        return fields | {"pixels": 255 * fields["pixels"]}

    def opacities(run: Callable[[dict[str, Any]], Any]) -> list[Alpha]:
        found = [(fields["pixels"], np.asarray(run(fields)[0])) for fields in examples]
        return [1 / (1 + np.exp(-(found[:3] * pixels).sum(axis=0) - found[3])) for pixels, found in found]

    def in_torch(fields: dict[str, Any]) -> Any:
        with torch.inference_mode():
            found = model(*(torch.from_numpy(values) for values in fields.values()))
        return found if isinstance(found, tuple) else (found,)

    examples = [example(64, 96), example(40, 32)]
    axes = [torch.export.Dim(name, min=1, max=512) * STRIDE for name in ("height", "width")]
    data = _onnx(
        model,
        [torch.from_numpy(values) for values in examples[0].values()],
        [dict(enumerate(axes, values.ndim - 2)) for values in examples[0].values()],
        [*model.INPUTS],
        [*model.OUTPUTS],
    )
    exact = opacities(in_torch)
    found = opacities(lambda fields: start_session(data, name="draft").run(None, fields))
    difference = np.abs(_flat(exact) - _flat(found)).max()
    if difference > TOLERANCE:
        raise ModelError(
            f"the exported model differs from torch by {difference:.1e}, more than {TOLERANCE:.0e}"
        )
    if weights == "float16":
        data = halve(data)
        check_loss(exact, opacities(lambda fields: start_session(data, name="draft").run(None, fields)))
    return data


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
    return _onnx(model, [pixels], [shape], ["pixels"], ["alpha"])


def _onnx(
    model: nn.Module,
    examples: Sequence[Tensor],
    shapes: Sequence[Mapping[int, Any]],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> bytes:
    """An ONNX file, less the exporter's notes on our source (a tenth of a small model) and known shapes.

    Args:
        model: What to export.
        examples: Of the inputs.
        shapes: Of each input, the axes of any length.
        inputs: Their names.
        outputs: Likewise.
    """
    program = torch.onnx.export(
        model,
        tuple(examples),
        input_names=inputs,
        output_names=outputs,
        dynamic_shapes=tuple(shapes),
        dynamo=True,
        verbose=False,
    )
    proto = program.model_proto  # type: ignore[union-attr]  # not None, since it is not written to a file
    del proto.graph.value_info[:]
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.initializer):
        part.ClearField("metadata_props")
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
