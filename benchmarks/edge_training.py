"""What the trainings of edge networks have in common (`train_edge.py`, `train_temporal.py`)."""

import math
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from limner import files
from limner.nets.edge import STRIDE
from limner.training.export import halve


def write(module: nn.Module, target: Path, inputs: dict[str, int], outputs: Sequence[str]) -> None:
    """A network for grids of any size as an ONNX file, large weights in 16 bits.

    Args:
        module: Takes (C, h, w) tensors, or (h, w).
        target: The file.
        inputs: Their names, and C; 0 where there is none.
        outputs: Their names.
    """
    height, width = (torch.export.Dim(name, min=1, max=512) for name in ("height", "width"))
    sides = STRIDE * height, STRIDE * width
    shapes = [(channels, 64, 96) if channels else (64, 96) for channels in inputs.values()]
    program = torch.onnx.export(
        module.eval(),
        tuple(torch.zeros(shape) for shape in shapes),
        input_names=list(inputs),
        output_names=list(outputs),
        dynamic_shapes=tuple(dict(enumerate(sides, len(shape) - 2)) for shape in shapes),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    proto = onnx.load_from_string(halve(program.model_proto.SerializeToString()))
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.initializer):
        part.ClearField("metadata_props")  # torch notes there where each operation comes from
    del proto.graph.value_info[:]
    files.write_bytes(target, proto.SerializeToString())


def improve(
    net: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Tensor,
    *,
    rate: float,
    step: int,
) -> None:
    """One step down the loss, after which the average weights move towards the new ones."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    decay = min(0.998, (step + 1) / (step + 10))
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def share_of_rate(step: int, steps: int, *, warm: int) -> float:
    """Of the peak learning rate: it rises over the first steps and falls as a cosine does, to a 50th."""
    return min(1, (step + 1) / warm) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
