"""The network of `limner.mattes.refine`: how the opacity along an edge follows from the colours there.

It sees picture and alpha on a small grid and gives, for every cell, a line in colour space: at full size the
opacity of a pixel of colour I is ``sigmoid(slope . I + offset)``, with slopes and offset taken bilinearly
from the cells around. So its answer is as sharp as the picture, whatever the size of the grid (Gharbi et al.,
"Deep Bilateral Learning for Real-Time Image Enhancement", 2017; Wu et al., "Fast End-to-End Trainable Guided
Filter", CVPR 2018).

What it starts from are the mean colours F of the subject and B of the background nearby, in a wide and in a
narrow window: ``(I - B) . (F - B) / |F - B|^2``, trusted as far as the two differ.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 8
"""Height and width of the grid are multiples of it."""

WINDOWS = ((12, 0.9), (5, 0.8))
"""Half the side of a window, in cells of half the grid; the alpha from which a cell is sure."""

NOISE = 20 / 255
"""Distance of two colours at which they begin to be told apart."""


class Line(NamedTuple):
    """What the mean colours nearby say, times how far they are trusted; on the grid."""

    slope: Tensor  # (N, 3, h, w)
    offset: Tensor  # (N, 1, h, w), subtracted
    trust: Tensor  # (N, 1, h, w) in [0, 1]

    def vote(self, image: Tensor) -> Tensor:
        """-1 for the background, 1 for the subject, less where it is not trusted: (N, 1, h, w)."""
        opacity = (self.slope * image).sum(1, keepdim=True) - self.offset
        return (2 * opacity - self.trust).clamp(-1, 1)


class EdgeNet(nn.Module):
    """Takes image (N, 3, h, w) and alpha (N, 1, h, w), both in [0, 1], and gives lines (N, 4, h, w).

    The first three channels are the slopes, the last is the offset, which is added.
    """

    def __init__(self, channels: tuple[int, int, int] = (16, 24, 32)) -> None:
        super().__init__()
        half, quarter, eighth = channels
        self.stem = _convolution(4 * (3 + 1 + 2 * len(WINDOWS)), half)
        self.down1 = _convolution(half, quarter, stride=2)
        self.mid1 = _Residual(quarter)
        self.down2 = _convolution(quarter, eighth, stride=2)
        self.deep = nn.Sequential(_Residual(eighth), _Residual(eighth, dilation=2))
        self.up1 = _convolution(eighth + quarter, quarter)
        self.up2 = _convolution(quarter + half, half)
        self.head = nn.Conv2d(half, 4 * (4 + len(WINDOWS)), 3, padding=1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor, alpha: Tensor) -> Tensor:
        """Image (N, 3, h, w) and alpha (N, 1, h, w) in [0, 1] -> lines (N, 4, h, w)."""
        near = nearby(image, alpha)
        return self.lines(self.features(self.stem(folded(image, alpha, near))), image, alpha, near)

    def features(self, first: Tensor) -> Tensor:
        """What the stem gave, seen at three sizes: (N, 16, h / 2, w / 2) -> the same."""
        second = self.mid1(self.down1(first))  # (N, 24, h / 4, w / 4)
        x = self.deep(self.down2(second))  # (N, 32, h / 8, w / 8)
        x = self.up1(torch.cat([F.interpolate(x, scale_factor=2.0), second], 1))
        return cast(Tensor, self.up2(torch.cat([F.interpolate(x, scale_factor=2.0), first], 1)))

    def lines(self, x: Tensor, image: Tensor, alpha: Tensor, near: list[Line]) -> Tensor:
        """Lines (N, 4, h, w) from the features, beginning with what the colours nearby say."""
        x = F.pixel_shuffle(self.head(x), 2)  # (N, 6, h, w)
        unsure = (4 * alpha * (1 - alpha) / 0.36).clamp(max=1)
        wide, narrow = near
        slope = 8 * x[:, :3] + unsure * ((8 * x[:, 4:5] + 3) * wide.slope + 8 * x[:, 5:6] * narrow.slope)
        logit = 4 * x[:, 3:4] + 4 * (2 * alpha - 1) + 3 * unsure * wide.vote(image)
        return torch.cat([slope, logit - (slope * image).sum(1, keepdim=True)], 1)


def nearby(image: Tensor, alpha: Tensor) -> list[Line]:
    """What the colours in each of `WINDOWS` say."""
    return [local_line(image, alpha, radius, sure) for radius, sure in WINDOWS]


def folded(image: Tensor, alpha: Tensor, near: list[Line]) -> Tensor:
    """All that the stem sees, four cells in one: (N, 32, h / 2, w / 2)."""
    seen = [2 * image - 1, 2 * alpha - 1]
    for line in near:
        seen += [line.vote(image), line.trust]
    return F.pixel_unshuffle(torch.cat(seen, 1), 2)


def local_line(image: Tensor, alpha: Tensor, radius: int, sure: float) -> Line:
    """From the colours of the pixels within ``radius`` cells of half the grid of which the alpha is sure."""
    image, alpha = F.avg_pool2d(image, 2), F.avg_pool2d(alpha, 2)
    square = (image * image).sum(1, keepdim=True)
    means, spreads, shares = [], [], []
    for side in (alpha, 1 - alpha):
        weight = ((side - sure) / (1 - sure)).clamp(0, 1)
        sums = _box(torch.cat([image * weight, square * weight, weight], 1), radius)
        share = sums[:, 4:] + 1e-4
        mean = sums[:, :3] / share
        means.append(mean)
        spreads.append((sums[:, 3:4] / share - (mean * mean).sum(1, keepdim=True)).clamp(min=0))
        shares.append(share)
    difference = means[0] - means[1]
    distance = (difference * difference).sum(1, keepdim=True)
    trust = distance / (distance + NOISE**2 + spreads[0] + spreads[1])
    trust = trust * (50 * torch.minimum(*shares)).clamp(max=1)
    slope = difference / (distance + 1e-3)
    found = torch.cat([slope * trust, (slope * means[1]).sum(1, keepdim=True) * trust, trust], 1)
    found = F.interpolate(found, scale_factor=2.0, mode="bilinear", align_corners=False)
    return Line(found[:, :3], found[:, 3:4], found[:, 4:])


class PixelsToLines(nn.Module):
    """The network as `limner.mattes.refine` calls it: grey levels in, slopes for them out, one picture."""

    def __init__(self, net: EdgeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor, alpha: Tensor) -> Tensor:
        """Pixels (3, h, w) in 0..255 and alpha (h, w) in [0, 1] -> lines (4, h, w)."""
        lines = self.net(pixels[None] / 255, alpha[None, None])[0]
        return torch.cat([lines[:3] / 255, lines[3:]])


class _Residual(nn.Module):
    """Two 3 x 3 convolutions around which the input is led past: (N, C, h, w) -> (N, C, h, w)."""

    def __init__(self, channels: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, dilation=dilation)
        self.second = nn.Sequential(*list(_convolution(channels, channels, dilation=dilation))[:2])

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


def _convolution(before: int, after: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution with batch norm (which makes a bias idle) and ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _box(x: Tensor, radius: int) -> Tensor:
    """Mean over the square of ``2 * radius + 1`` around each cell, cut at the border.

    By products with banded matrices: pooling takes as many steps a cell as the window is wide, and five times
    as long.
    """
    return _window(x.shape[2], radius) @ x @ _window(x.shape[3], radius).T


def _window(length: int, radius: int) -> Tensor:
    """What each place of a line takes of every other for the mean of those nearby: (length, length)."""
    place = torch.arange(length)
    near = ((place[:, None] - place).abs() <= radius).float()
    return near / near.sum(1, keepdim=True)
