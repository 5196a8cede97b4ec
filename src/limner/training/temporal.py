"""Training of the network of `limner.video.temporal`: whole clips in order, each frame with its last matte.

It begins as the network of `limner.mattes.refine` (the bundled model edge), made wider, with a plain filter
over time. The loss is what is measured: the mean absolute error of the alphas and, ``flicker`` times, dtSSD,
each as a fraction of what it is frame by frame.
"""

from functools import lru_cache

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from limner.mattes import refine
from limner.nets.edge import EdgeNet
from limner.nets.temporal import ExportedTemporalNet, TemporalNet
from limner.training.clips import Clips
from limner.training.config import TemporalConfig
from limner.training.edge import stretched
from limner.training.module import NetModule

ERROR, STEP = 0.0208, 0.0337  # mean absolute error and dtSSD frame by frame, about
EVEN = 1e-7  # added to mean squares of which the root is taken


class TemporalModule(NetModule):
    """The network that refines the edge of each frame of a clip."""

    config: TemporalConfig
    net: TemporalNet

    def __init__(self, config: TemporalConfig) -> None:
        super().__init__(config, TemporalNet())

    def begin(self, begun: NetModule | None) -> None:
        """The weights of another run of the same net, or those of the bundled model edge."""
        super().begin(begun)
        if not begun:
            widen(self.net.edge)

    def train(self, mode: bool = True) -> "TemporalModule":
        """As any module, less the batch norms: their statistics stay."""
        super().train(mode)
        self.net.eval()
        return self

    def measure(self, batch: tuple[Clips, list[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """`clip_loss`; masks of all frames."""
        clips, _ = batch
        found, targets = self.roll(clips), clips["targets"].float() / 255
        return clip_loss(found, targets, self.config.flicker), found >= 0.5, targets >= 0.5

    def roll(self, clips: Clips) -> Tensor:
        """The alphas of whole clips, (N, T, H, W), as `limner.video.temporal` makes them.

        But that coefficients apply where the last matte is undecided too, and the fraction has no minimum.
        """
        last, found = None, []
        for time in range(clips["frames"].shape[1]):
            now = {name: values[:, time].float() for name, values in clips.items()}
            last = self._step(now, last)
            found.append(last)
        return torch.cat(found, 1)

    def _step(self, now: Clips, last: Tensor | None) -> Tensor:
        """The alphas of one frame of each clip, (N, 1, H, W), from those before."""
        image, pixels, prob = now["frames"] / 255, now["pixels"] / 255, now["found"][:, None] / 255
        size, grid = image.shape[2:], pixels.shape[2:]
        features, moved = now["features"], None
        with torch.autocast(image.device.type, enabled=False):
            alpha = resized(prob, grid)
            if last is None:
                features = torch.cat([torch.ones_like(features[:, :5]), torch.zeros_like(features[:, 5:])], 1)
            else:
                moved = shifted(last, now["shifts"])
            before = alpha if moved is None else resized(moved, grid)
        maps = self.net(pixels, alpha, before, features).float()
        with torch.autocast(image.device.type, enabled=False):
            undecided = torch.stack(
                [(one > refine.LEAST) & (one < 1 - refine.LEAST) for one in (alpha, before)]
            )
            radius = max(1, round(refine.BAND / refine.GRID * max(grid)))
            band = F.max_pool2d(undecided.any(0).float(), 2 * radius + 1, 1, radius)
            ramp = F.avg_pool2d(F.pad(band, (2, 2, 2, 2), mode="replicate"), 5, 1) * band
            full = resized(torch.cat([maps, ramp], 1), size)
            slope, bias, fraction, weight = full[:, :3], full[:, 3:4], full[:, 4:5], full[:, 5:]
            logit = (slope * image).sum(1, keepdim=True) + bias
            new = stretched(resized(prob, size))
            new = new + weight * (stretched(torch.sigmoid(logit)) - new)
            return new if moved is None else torch.lerp(moved, new, fraction)

    def exported(self) -> ExportedTemporalNet:
        """The network as it is used."""
        return ExportedTemporalNet(self.net)


def clip_loss(found: Tensor, targets: Tensor, flicker: float) -> Tensor:
    """How far the alphas of clips are from the true ones, and their changes: (N, T, H, W) both."""
    error = found - targets
    steps = (error.diff(dim=1).square().mean((2, 3)) + EVEN).sqrt()
    return error.abs().mean() / ERROR + flicker * steps.mean() / STEP


def shifted(alpha: Tensor, shifts: Tensor) -> Tensor:
    """As `limner.images.warp`: (N, 1, H, W) by (N, 2, m, n)."""
    height, width = alpha.shape[2:]
    down, right = resized(shifts, (height, width)).unbind(1)
    rows, columns = ((torch.arange(length, device=alpha.device) + 0.5) / length for length in (height, width))
    places = torch.stack([columns - right, rows[:, None] - down], -1)
    return F.grid_sample(alpha, 2 * places - 1, padding_mode="border", align_corners=False)


def resized(values: Tensor, size: tuple[int, ...]) -> Tensor:
    """As `limner.images.resize`, by two products of matrices: (N, C, h, w) -> (N, C, *size)."""
    rows, columns = (
        _weights(*lengths).to(values.device) for lengths in zip(values.shape[2:], size, strict=True)
    )
    return rows @ (values @ columns.T)


@lru_cache(maxsize=64)
def _weights(before: int, after: int) -> Tensor:
    with torch.inference_mode(mode=False):  # else what validation asks for first could not be trained with
        each = torch.eye(before)[None, None]
        return F.interpolate(each, (after, before), mode="bilinear", antialias=True)[0, 0]


def widen(net: EdgeNet) -> None:
    """Give it the weights of the bundled model edge; what it has beyond them gives nothing at first."""
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
            if isinstance(norm, nn.BatchNorm2d):  # its statistics are in what is stored
                norm.get_buffer("running_var").fill_(1 - norm.eps)
                bias = stored[f"{name.rpartition('.')[0]}.0.weight_bias"]
                norm.bias[: len(bias)] = bias
        for name in {"head", "weight"} & convolutions.keys():
            convolutions[name].get_parameter("bias").copy_(stored[f"{name}.bias"])
