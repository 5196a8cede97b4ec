"""EfficientNet-Lite0: an encoder of inverted residuals, made for quantised inference.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; the blocks:
Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018. Lite: no squeeze-and-
excitation, ReLU6 instead of swish. Here without the classifier.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from limner.nets.blocks import convolution


class Stage(NamedTuple):
    """Inverted residuals in a row."""

    blocks: int
    channels: int
    expansion: int
    kernel: int
    stride: int  # of the first block


STEM = 32
STAGES = (
    Stage(1, 16, 1, 3, 1),
    Stage(2, 24, 6, 3, 2),
    Stage(2, 40, 6, 5, 2),
    Stage(3, 80, 6, 3, 2),
    Stage(3, 112, 6, 5, 1),
    Stage(4, 192, 6, 5, 2),
    Stage(1, 320, 6, 3, 1),
)
"""After the stem, which halves the picture."""

EPSILON = 1e-3
"""Of the batch norms, as the published weights were trained with."""


_convolution = partial(convolution, activation=partial(nn.ReLU6, inplace=True), epsilon=EPSILON)


class EfficientNetLite0(nn.Module):
    """The last outputs at each stride, from the first ``stages`` of `STAGES`: 5 end at 16, 7 at 32.

    Meant for the weights that ImageNet gave it (``start = "imagenet"`` in a recipe): its batch norms keep
    their statistics in training too, and `fix` keeps the weights of its first stages. A few thousand
    portraits would not improve these, and a step takes a third of the time.
    """

    def __init__(self, stages: int = len(STAGES)) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(3, STEM, 3, stride=2))
        self.stages = nn.ModuleList()
        before = STEM
        for stage in STAGES[:stages]:
            blocks = []
            for index in range(stage.blocks):
                stride = 1 if index else stage.stride
                blocks.append(InvertedResidual(before, stage.channels, stage.expansion, stage.kernel, stride))
                before = stage.channels
            self.stages.append(nn.Sequential(*blocks))
        after = [stage.stride for stage in STAGES[1:stages]]
        self._last = [index for index, stride in enumerate([*after, 2]) if stride == 2]  # before each halving
        self.channels = [STAGES[index].channels for index in self._last]  # of the outputs

    def fix(self, stages: int) -> None:
        """Keep the weights of the first stages, and of the stem; with 0 all are trained."""
        for number, part in enumerate((self.stem, *self.stages)):
            part.requires_grad_(requires_grad=number > stages or not stages)

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        """As any module, less the batch norms: their statistics stay."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) in [0, 1] -> (N, C, H / s, W / s), rounded up, at strides s of 2, 4, 8, ..."""
        x = self.stem(2 * images - 1)
        outputs = [x := stage(x) for stage in self.stages]
        return [outputs[index] for index in self._last]


class InvertedResidual(nn.Module):
    """Widen, filter each channel alone, narrow: (N, before, H, W) -> (N, after, H / stride, W / stride)."""

    def __init__(self, before: int, after: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = before * expansion
        widen = _convolution(before, inner, 1) if expansion > 1 else []
        self.layers = nn.Sequential(
            *widen,
            Depthwise(inner, inner, kernel, stride, padding=kernel // 2, groups=inner, bias=False),
            nn.BatchNorm2d(inner, eps=EPSILON),
            nn.ReLU6(inplace=True),
            *_convolution(inner, after, 1, activation=None),
        )
        self.residual = before == after and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride)."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class Depthwise(nn.Conv2d):
    """In 32 bits where autocast would take 16: a CPU has no fast gradient of a depthwise one in 16 bits."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H / stride, W / stride)."""
        if x.device.type != "cpu":
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.to(self.weight.dtype))
