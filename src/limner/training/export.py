"""A checkpoint -> an ONNX model with its sidecar: pixels in, alpha out, checked against torch and scored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from itertools import chain, islice, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from limner import files
from limner.datasets import Sample, dataset_splits, matching_datasets, read_dataset
from limner.errors import DatasetError, InputError, ModelError
from limner.evaluation.evaluate import evaluate
from limner.images import Alpha, Image, load_image
from limner.mattes import refine
from limner.models.segmenter import Segmenter
from limner.models.session import start_session
from limner.models.spec import PORTRAIT, ModelSpec, input_size, to_input
from limner.nets.edge import STRIDE
from limner.training.checkpoint import read_checkpoint
from limner.training.config import TrainConfig
from limner.training.kinds import load_checkpoint
from limner.training.loading import normalise
from limner.training.module import NetModule
from limner.training.onnx_file import export_graph, halve, to_8_bits, to_onnx
from limner.training.portrait import PortraitModule
from limner.video import temporal

WEIGHTS = ("float32", "float16", "int8")

COMPARED, CALIBRATION = 32, 200
"""Validation pictures that are compared; training pictures from which the scales of 8 bits are fixed."""

LARGEST_LOSS = 0.01
"""Largest mean change of an alpha by smaller weights that is let pass; see `check_loss`."""

TOLERANCE = 1e-4
"""Largest difference of an alpha between torch and ONNX Runtime that is let pass; see `check_parity`."""


def export(
    checkpoint: str | Path, target: str | Path, *, weights: str = "float32", val: Sequence[str | Path] = ()
) -> ModelSpec:
    """Write a checkpoint as a model: ``NAME.onnx`` and its sidecar ``NAME.json``.

    A network that finds people is compared with torch on `COMPARED` pictures of validation lists, and its
    scores on these lists go into the sidecar; one that refines alphas is compared on noise, and the scores
    are those of its holdout.

    Args:
        checkpoint: Of `limner train`.
        target: The ``.onnx`` file.
        weights: "float32"; "float16", which halves the file while the arithmetic stays in 32 bits; or "int8",
            which quarters it and computes in 8 bits (`to_8_bits`), with scales from `CALIBRATION` training
            pictures. The comparison is made before, the scores are measured after.
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
    module = load_checkpoint(checkpoint)
    config = module.config
    portrait = isinstance(module, PortraitModule)
    known = WEIGHTS if portrait else WEIGHTS[:2]
    if weights not in known:
        raise InputError(f"unknown weights '{weights}': use one of {', '.join(known)}")
    if isinstance(module, PortraitModule):
        lists = read_validation(val or _roots(module.config))
        side, stride = module.config.input_size, module.config.stride
        data = _portrait_file(module, weights, lists)
    else:
        side, stride = refine.GRID if config.net == "edge" else temporal.GRID, STRIDE
        data = _refiner_file(module, weights)
    spec = ModelSpec(
        name=target.stem,
        kind=PORTRAIT if portrait else config.net,
        size=(side, side),
        stride=stride,
        sha256=files.sha256(data),
        licence=config.licence,
        description=config.description,
        parameters=sum(parameter.numel() for parameter in module.net.parameters()),
        config=asdict(config),
        commit=module.commit,
        scores={},
    )
    if portrait:
        scores = _score(data, spec, lists)
    else:
        scores = {"holdout": read_checkpoint(checkpoint).get("scores", {})}
    spec = replace(spec, scores=scores)
    save(target, data, spec)
    return spec


def _portrait_file(module: PortraitModule, weights: str, lists: Mapping[str, Sequence[Sample]]) -> bytes:
    """The ONNX file of a network that finds people, compared with torch in 64 bits on pictures of lists."""
    config, model = module.config, module.exported().eval()
    data = to_onnx(model, (config.input_size, config.input_size), free=config.stride > 0)
    pixels = _first_pixels(lists.values(), COMPARED, config)
    found = _alphas(data, pixels)
    double = deepcopy(module.net).double()
    with torch.inference_mode():
        seen = [torch.from_numpy(one.copy())[None] for one in pixels]
        rounded = [model(one)[0].numpy() for one in seen]
        exact = [torch.sigmoid(double(normalise(one).double()))[0, 0].numpy() for one in seen]
    check_parity(found, exact, rounded)
    if weights == "float32":
        return data
    if weights == "float16":
        data = halve(data)
    else:
        training = [read_dataset(root, "train") for root in _roots(config)]
        data = to_8_bits(data, _first_pixels(training, CALIBRATION, config))
    check_loss(found, _alphas(data, pixels))
    return data


def _alphas(data: bytes, pixels: Sequence[Image]) -> list[Alpha]:
    """What the ONNX file of a network that finds people says of pictures at its size."""
    session = start_session(data, name="draft")
    return [session.run(None, {"pixels": one[None]})[0][0] for one in pixels]


def _score(
    data: bytes, spec: ModelSpec, lists: Mapping[str, Sequence[Sample]]
) -> dict[str, dict[str, float]]:
    with TemporaryDirectory() as folder:
        draft = Path(folder) / f"{spec.name}.onnx"
        save(draft, data, spec)
        segmenter = Segmenter(draft, device="cpu")
    return {f"{name}/val": evaluate(segmenter, samples).scores() for name, samples in lists.items()}


def _refiner_file(module: NetModule, weights: str) -> bytes:
    """The ONNX file of a network for grids of any size, compared with torch by the opacities of pixels."""
    model: Any = module.exported().eval()
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
    sides = [torch.export.Dim(name, min=1, max=512) * STRIDE for name in ("height", "width")]
    data = export_graph(
        model,
        {name: torch.from_numpy(values) for name, values in examples[0].items()},
        [dict(enumerate(sides, values.ndim - 2)) for values in examples[0].values()],
        model.OUTPUTS,
    )
    exact = opacities(in_torch)
    check_parity(opacities(lambda fields: start_session(data, name="draft").run(None, fields)), exact, exact)
    if weights == "float16":
        data = halve(data)
        check_loss(exact, opacities(lambda fields: start_session(data, name="draft").run(None, fields)))
    return data


def check_parity(
    found: Sequence[Alpha], exact: Sequence[NDArray[np.floating]], rounded: Sequence[Alpha]
) -> float:
    """Largest difference between alphas of ONNX Runtime and exact ones of torch.

    A network that chooses by comparing, as SegNet's pooling does where two values are nearly equal, may
    choose otherwise after any rounding. Where torch's ``rounded`` alphas differ from the exact ones by more
    than `TOLERANCE`, the largest difference therefore says nothing, and the mean is given and judged.

    Raises:
        ModelError: If it is more than `TOLERANCE`.
    """
    ours, theirs, in_32_bits = (
        np.concatenate([one.ravel() for one in some]) for some in (found, exact, rounded)
    )
    measure = np.max if np.abs(in_32_bits - theirs).max() <= TOLERANCE else np.mean
    difference = float(measure(np.abs(ours - theirs)))
    if difference > TOLERANCE:
        raise ModelError(
            f"the exported model differs from torch by {difference:.1e}, more than {TOLERANCE:.0e}"
        )
    return difference


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


def _first_pixels(lists: Iterable[Sequence[Sample]], count: int, config: TrainConfig) -> list[Image]:
    """Pictures of the first samples of several lists, taken in turn, at the network's size."""
    turns = chain.from_iterable(zip_longest(*lists))
    images = (load_image(sample.image) for sample in islice(filter(None, turns), count))
    return [
        to_input(image, input_size(image.shape[:2], config.input_size, config.stride)) for image in images
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


def save(target: Path, data: bytes, spec: ModelSpec) -> None:
    """Write a model and its sidecar."""
    files.write_bytes(target, data)
    spec.save(target.with_suffix(".json"))
