"""Limner's own network: a residual encoder down to stride 32 and a light decoder that adds its way back up.

Plain 3 x 3 convolutions throughout: with batch norm folded in they run near the peak of a CPU, where many
small depthwise layers, or few channels at full resolution, leave it waiting for memory. So the network halves
the picture before it does anything else, and gives its logits at half the resolution, upsampled. The small
one stops its way up at a quarter and gives four logits at each place, a square of two by two.

The parts: residual blocks (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016), a top-down
path that adds lateral 1 x 1 convolutions (Lin et al., "Feature Pyramid Networks for Object Detection", CVPR
2017), and the mean of the whole picture added at the deepest level (Liu et al., "ParseNet", 2015).
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F


class PortraitNet(nn.Module):
    """Takes images (N, 3, H, W) in [0, 1] of any size and gives logits (N, 1, H, W).

    Args:
        channels: At strides 2, 4, 8, 16 and 32.
        blocks: Residual blocks at strides 4, 8, 16 and 32.
        decoder: Channels of the way up, at strides 16, 8, 4 and, unless it stops there, 2.
    """

    def __init__(
        self,
        channels: tuple[int, ...] = (16, 32, 64, 128, 160),
        blocks: tuple[int, ...] = (1, 2, 2, 2),
        decoder: tuple[int, ...] = (64, 48, 32, 16),
    ) -> None:
        super().__init__()
        self.stem = _convolution(3, channels[0], stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(_convolution(a, b, stride=2), *(Residual(b) for _ in range(count)))
            for (a, b), count in zip(pairwise(channels), blocks, strict=True)
        )
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels[-1], channels[-1], 1))
        ways = zip((channels[-1], *decoder), decoder, reversed(channels[:-1]), strict=False)
        self.up = nn.ModuleList(Up(below, here, skip) for below, here, skip in ways)
        self.detail = 2 ** (4 - len(decoder))  # logits along each side of a place
        self.head = nn.Conv2d(decoder[-1], self.detail**2, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] -> logits (N, 1, H, W)."""
        x = self.stem(2 * images - 1)
        skips = [x]
        for stage in self.stages:
            x = stage(x)  # (N, channels[i], H / 2^(i + 1), W / 2^(i + 1)), rounded up
            skips.append(x)
        x = F.relu(x + self.context(x))
        skips.pop()
        for up in self.up:
            x = up(x, skips.pop())
        x = F.pixel_shuffle(self.head(x), self.detail)  # (N, 1, H / 2, W / 2)
        return _to_size(x, images)


class Residual(nn.Module):
    """Two 3 x 3 convolutions around which the input is led past: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return F.relu(x + self.second(self.first(x)))


class Up(nn.Module):
    """One level up: narrow, enlarge, add the skip connection, smooth."""

    def __init__(self, below: int, here: int, skip: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(below, here, 1)
        self.lateral = nn.Conv2d(skip, here, 1)
        self.smooth = _convolution(here, here)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(N, below, h, w) and (N, skip, H, W) -> (N, here, H, W)."""
        x = _to_size(self.narrow(x), skip) + self.lateral(skip)
        smooth: Tensor = self.smooth(x)
        return smooth


def portrait_small() -> PortraitNet:
    """The network for live video: 1.2 M parameters."""
    return PortraitNet((24, 48, 64, 112, 128), (0, 1, 2, 1), (64, 48, 32))


def _convolution(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution with batch norm (which makes a bias idle) and ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _to_size(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)
