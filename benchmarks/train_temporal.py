"""Train the network of `limner.video.temporal` and write src/limner/models/weights/temporal.onnx.

    python benchmarks/temporal_data.py
    python benchmarks/train_temporal.py --steps 3000

It begins as the network of `limner.mattes.refine` (edge.onnx beside it), made wider, with a plain filter over
time, and sees whole clips in order, its own last matte with every frame. The loss is what is measured: the
mean absolute error of the alphas and, `FLICKER` times, dtSSD, each divided by its value frame by frame.
The weights written are the averages of the last few hundred steps.
"""

import argparse
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from edge_training import improve, share_of_rate, write
from limner import files
from limner.mattes import refine
from limner.nets.edge import EdgeNet
from limner.nets.temporal import MOTION_MAPS, ExportedTemporalNet, TemporalNet
from limner.video.temporal import MODEL
from temporal_data import FOLDER

COUNT, LENGTH = 4, 9  # clips of a batch, frames of a clip
ERROR, STEP = 0.0208, 0.0337  # mean absolute error and dtSSD frame by frame, about
FLICKER = 10.0
EVEN = 1e-7  # added to mean squares of which the root is taken

Clips = dict[str, Tensor]
"""By the names in the files of `temporal_data.py`, (N, T, ...)."""


def roll(net: TemporalNet, clips: Clips) -> Tensor:
    """The alphas of whole clips, (N, T, H, W), as `limner.video.temporal` makes them.

    But coefficients apply where the last matte is undecided too, and the fraction has no minimum.
    """
    last, found = None, []
    for time in range(clips["frames"].shape[1]):
        last = step(net, {name: values[:, time].float() for name, values in clips.items()}, last)
        found.append(last)
    return torch.cat(found, 1)


def step(net: TemporalNet, now: Clips, last: Tensor | None) -> Tensor:
    """The alphas of one frame of each clip, (N, 1, H, W), from those before."""
    image, cells, prob = now["frames"] / 255, now["cells"] / 255, now["found"][:, None] / 255
    size, grid = image.shape[2:], cells.shape[2:]
    alpha, features, moved = laid(prob, grid), now["features"], None
    if last is None:
        features = torch.cat([torch.ones_like(features[:, :5]), torch.zeros_like(features[:, 5:])], 1)
    else:
        moved = shifted(last, now["shifts"])
    before = alpha if moved is None else laid(moved, grid)
    with torch.autocast("cpu", torch.bfloat16):
        fields = net(cells, alpha, before, features).float()
    undecided = torch.stack([(one > refine.LEAST) & (one < 1 - refine.LEAST) for one in (alpha, before)])
    radius = max(1, round(refine.BAND / refine.GRID * max(grid)))
    band = F.max_pool2d(undecided.any(0).float(), 2 * radius + 1, 1, radius)
    ramp = F.avg_pool2d(F.pad(band, (2, 2, 2, 2), mode="replicate"), 5, 1) * band
    full = laid(torch.cat([fields, ramp], 1), size)
    slopes, bias, fraction, weight = full[:, :3], full[:, 3:4], full[:, 4:5], full[:, 5:]
    logit = (slopes * image).sum(1, keepdim=True) + bias
    new = stretched(laid(prob, size))
    new = new + weight * (stretched(torch.sigmoid(logit)) - new)
    return new if moved is None else torch.lerp(moved, new, fraction)


def stretched(alpha: Tensor) -> Tensor:
    """As `limner.mattes.refine.stretched`."""
    return ((alpha - refine.LEAST) / (1 - 2 * refine.LEAST)).clamp(0, 1)


def shifted(alpha: Tensor, shifts: Tensor) -> Tensor:
    """As `limner.images.moved`: (N, 1, H, W) by (N, 2, m, n)."""
    height, width = alpha.shape[2:]
    down, right = laid(shifts, (height, width)).unbind(1)
    rows, columns = ((torch.arange(length) + 0.5) / length for length in (height, width))
    places = torch.stack([columns - right, rows[:, None] - down], -1)
    return F.grid_sample(alpha, 2 * places - 1, padding_mode="border", align_corners=False)


def laid(values: Tensor, size: tuple[int, ...]) -> Tensor:
    """As `limner.images.resize`, by two products of matrices: (N, C, h, w) -> (N, C, *size)."""
    rows, columns = (_weights(*lengths) for lengths in zip(values.shape[2:], size, strict=True))
    return rows @ (values @ columns.T)


@lru_cache(maxsize=64)
def _weights(before: int, after: int) -> Tensor:
    each = torch.eye(before)[None, None]
    return F.interpolate(each, (after, before), mode="bilinear", antialias=True)[0, 0]


def loss_of(found: Tensor, targets: Tensor) -> Tensor:
    """How far the alphas of clips are from the true ones, and their changes: (N, T, H, W) both."""
    error = found - targets
    steps = (error.diff(dim=1).square().mean((2, 3)) + EVEN).sqrt()
    return error.abs().mean() / ERROR + FLICKER * steps.mean() / STEP


def from_edge(net: EdgeNet) -> None:
    """Give it the weights of the model edge; what it has beyond them gives nothing at first."""
    stored = {
        tensor.name.removeprefix("net."): torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))
        for tensor in onnx.load(refine.MODEL).graph.initializer
    }
    convolutions = {name: part for name, part in net.named_modules() if isinstance(part, nn.Conv2d)}
    first = {"up1.0": "deep.1.second.0", "up2.0": "up1.0"}  # what comes first in what these take
    with torch.no_grad():
        for name, part in convolutions.items():
            weight = stored[f"{name}.weight_half"]
            inputs = torch.arange(weight.shape[1])
            if name in first:
                narrow, wide = (
                    len(stored[f"{first[name]}.weight_half"]),
                    convolutions[first[name]].out_channels,
                )
                inputs[narrow:] += wide - narrow
            part.weight *= 0.5
            part.weight[: len(weight)] = 0
            part.weight[: len(weight), inputs] = weight
        for name, norm in net.named_modules():
            if isinstance(norm, nn.BatchNorm2d) and norm.running_var is not None:  # it is in what is stored
                norm.running_var.fill_(1 - norm.eps)
                bias = stored[f"{name.rpartition('.')[0]}.0.weight_bias"]
                norm.bias[: len(bias)] = bias
        cast(Tensor, net.head.bias).copy_(stored["head.bias"])


def draw_batch(rng: np.random.Generator, paths: list[Path]) -> Clips:
    """Parts of clips of one size, half of them mirrored."""
    drawn: list[dict[str, np.ndarray]] = []
    while len(drawn) < COUNT:
        with np.load(paths[int(rng.integers(len(paths)))]) as clip:
            start = int(rng.integers(len(clip["frames"]) - LENGTH + 1))
            part = {name: clip[name][start : start + LENGTH] for name in clip}
        part |= {name: np.moveaxis(part[name], 3, 1) for name in ("frames", "cells")}
        if rng.random() < 0.5:
            part = {name: values[..., ::-1] for name, values in part.items()}
            part["shifts"] = part["shifts"] * np.array([1, -1], np.float32)[:, None, None]
        if not drawn or part["frames"].shape == drawn[0]["frames"].shape:
            drawn.append(part)
    return {name: _stacked([part[name] for part in drawn]) for name in drawn[0]}


def _stacked(parts: list[np.ndarray]) -> Tensor:
    """As one tensor; what models of several sizes found, at the largest."""
    tensors = [torch.from_numpy(np.ascontiguousarray(part)) for part in parts]
    largest = max(tensors, key=lambda tensor: tensor.shape[-1]).shape
    return torch.stack([one if one.shape == largest else _enlarged(one, largest) for one in tensors])


def _enlarged(found: Tensor, shape: tuple[int, ...]) -> Tensor:
    return laid(found[:, None].float(), shape[-2:])[:, 0].to(found.dtype)


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--start", type=Path, help="continue from these weights")
    parser.add_argument("--weights", type=Path, default=Path("runs/temporal.pt"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    paths = sorted(FOLDER.glob("*.npz"))
    rng = np.random.default_rng(1)
    net = TemporalNet().eval()  # batch norm stays as it is
    if args.start:
        net.load_state_dict(torch.load(args.start))
    else:
        from_edge(net.edge)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = deepcopy(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.learning_rate, weight_decay=1e-4)
    with tqdm(range(args.steps), "training", unit="step") as progress:
        for number in progress:
            clips = draw_batch(rng, paths)
            loss = loss_of(roll(net, clips), clips["targets"].float() / 255)
            rate = args.learning_rate * share_of_rate(number, args.steps, warm=50)
            improve(net, average, optimizer, loss, rate=rate, step=number)
            progress.set_postfix(loss=f"{loss.item():.3f}")
            if number % 200 == 199:
                files.make_folder(args.weights.parent)
                torch.save(average.state_dict(), args.weights)
    torch.save(average.state_dict(), args.weights)
    inputs = {"pixels": 3, "alpha": 0, "last": 0, "features": MOTION_MAPS}
    write(ExportedTemporalNet(average), MODEL, inputs, ["coefficients", "fraction"])


if __name__ == "__main__":
    main()
