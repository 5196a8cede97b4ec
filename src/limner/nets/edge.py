"""The network of `limner.mattes.refine`: how the opacity along an edge follows from the colours there.

It sees picture and alpha on a low-resolution grid and gives affine coefficients for each pixel of the grid:
at full size the opacity of a pixel of colour I is ``sigmoid(slope . I + bias)``, with slope and bias
sampled bilinearly. So its answer is as sharp as the picture, whatever the size of the grid (Gharbi et al.,
"Deep Bilateral Learning for Real-Time Image Enhancement", 2017; Wu et al., "Fast End-to-End Trainable Guided
Filter", CVPR 2018). A weight for each pixel of the grid says how much of that answer replaces the alpha
before: 1 in hair, 0 where the edge is right as it is.

It starts from the mean colours F of the subject and B of the background nearby, in a wide and in a narrow
window: ``(I - B) . (F - B) / |F - B|^2``, weighted by how well the two colours are separated.
"""

from typing import ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.blocks import convolution

STRIDE = 8
"""Height and width of the grid are multiples of it."""

WINDOWS = ((12, 0.9), (5, 0.8))
"""Half the side of a window, in pixels of the grid at half its size; the alpha from which one is sure."""

REACH = 8
"""How far from an undecided pixel the alpha may change, pixels of the grid."""

NOISE = 20 / 255
"""Distance of two colours, in [0, 1], at which the confidence in telling them apart is one half."""


class ColourModel(NamedTuple):
    """Opacity as an affine function of colour, from the mean colours nearby; on the grid."""

    slope: Tensor  # (N, 3, h, w), times the confidence
    offset: Tensor  # (N, 1, h, w), likewise; subtracted
    confidence: Tensor  # (N, 1, h, w) in [0, 1]

    def vote(self, image: Tensor) -> Tensor:
        """-1 for the background, 1 for the subject, times the confidence: (N, 1, h, w)."""
        opacity = (self.slope * image).sum(1, keepdim=True) - self.offset
        return (2 * opacity - self.confidence).clamp(-1, 1)


class EdgeNet(nn.Module):
    """A U-Net of three levels whose answer is added to that of the colour models.

    Args:
        channels: At a half, a quarter and an eighth of the grid.
        weighted: Whether it says how much of its answer is to be taken.
    """

    def __init__(self, channels: tuple[int, int, int] = (16, 24, 32), *, weighted: bool = True) -> None:
        super().__init__()
        half, quarter, eighth = channels
        self.stem = nn.Sequential(*convolution(4 * (3 + 1 + 2 * len(WINDOWS)), half))
        self.down1 = nn.Sequential(*convolution(half, quarter, stride=2))
        self.mid1 = _Residual(quarter)
        self.down2 = nn.Sequential(*convolution(quarter, eighth, stride=2))
        self.deep = nn.Sequential(_Residual(eighth), _Residual(eighth, dilation=2))
        self.up1 = nn.Sequential(*convolution(eighth + quarter, quarter))
        self.up2 = nn.Sequential(*convolution(quarter + half, half))
        self.head = nn.Conv2d(half, 4 * (4 + len(WINDOWS)), 3, padding=1)
        self.weight = nn.Conv2d(half, 4, 3, padding=1) if weighted else None
        for part in filter(None, (self.head, self.weight)):
            nn.init.normal_(part.weight, std=0.01)
            nn.init.zeros_(part.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor, alpha: Tensor) -> Tensor:
        """Image (N, 3, h, w) and alpha (N, 1, h, w) in [0, 1] -> slope (3), bias, weight: (N, 5, h, w)."""
        near = colour_models(image, alpha)
        x = self.features(self.stem(stem_input(image, alpha, near)))
        coefficients = self.coefficients(x, image, alpha, near)
        if self.weight is None:
            return coefficients
        weight = near_undecided(alpha) * torch.sigmoid(4 * F.pixel_shuffle(self.weight(x), 2))
        return torch.cat([coefficients, (1.02 * weight - 0.02).clamp(min=0)], 1)  # a small one costs as much

    def features(self, first: Tensor) -> Tensor:
        """The stem's output through a U-Net of three levels: (N, 16, h / 2, w / 2) -> the same."""
        second = self.mid1(self.down1(first))  # (N, 24, h / 4, w / 4)
        x = self.deep(self.down2(second))  # (N, 32, h / 8, w / 8)
        x = self.up1(torch.cat([F.interpolate(x, scale_factor=2.0), second], 1))
        return cast(Tensor, self.up2(torch.cat([F.interpolate(x, scale_factor=2.0), first], 1)))

    def coefficients(self, x: Tensor, image: Tensor, alpha: Tensor, near: list[ColourModel]) -> Tensor:
        """Coefficients (N, 4, h, w): those of the colour models and what the features add to them."""
        x = F.pixel_shuffle(self.head(x), 2)  # (N, 6, h, w)
        unsure = (4 * alpha * (1 - alpha) / 0.36).clamp(max=1)
        wide, narrow = near
        slope = 8 * x[:, :3] + unsure * ((8 * x[:, 4:5] + 3) * wide.slope + 8 * x[:, 5:6] * narrow.slope)
        logit = 4 * x[:, 3:4] + 4 * (2 * alpha - 1) + 3 * unsure * wide.vote(image)
        return torch.cat([slope, logit - (slope * image).sum(1, keepdim=True)], 1)


def near_undecided(alpha: Tensor) -> Tensor:
    """1 within `REACH` of a pixel that is neither opaque nor transparent, 0 elsewhere: (N, 1, h, w)."""
    undecided = (20 * alpha * (1 - alpha) - 0.4).clamp(0, 1)  # from 0.02 on, whole at 0.08
    return F.max_pool2d(undecided, 2 * REACH + 1, 1, REACH)


def colour_models(image: Tensor, alpha: Tensor) -> list[ColourModel]:
    """One for each of `WINDOWS`."""
    return [colour_model(image, alpha, radius, sure) for radius, sure in WINDOWS]


def stem_input(image: Tensor, alpha: Tensor, near: list[ColourModel]) -> Tensor:
    """What the stem sees, four pixels of the grid in one: (N, 32, h / 2, w / 2)."""
    seen = [2 * image - 1, 2 * alpha - 1]
    for model in near:
        seen += [model.vote(image), model.confidence]
    return F.pixel_unshuffle(torch.cat(seen, 1), 2)


def colour_model(image: Tensor, alpha: Tensor, radius: int, sure: float) -> ColourModel:
    """From the colours of the pixels within ``radius``, at half the size of the grid, whose alpha is sure."""
    image, alpha = F.avg_pool2d(image, 2), F.avg_pool2d(alpha, 2)
    square = (image * image).sum(1, keepdim=True)
    means, spreads, totals = [], [], []
    for side in (alpha, 1 - alpha):
        weight = ((side - sure) / (1 - sure)).clamp(0, 1)
        sums = _box(torch.cat([image * weight, square * weight, weight], 1), radius)
        total = sums[:, 4:] + 1e-4
        mean = sums[:, :3] / total
        means.append(mean)
        spreads.append((sums[:, 3:4] / total - (mean * mean).sum(1, keepdim=True)).clamp(min=0))
        totals.append(total)
    difference = means[0] - means[1]
    distance = (difference * difference).sum(1, keepdim=True)
    confidence = distance / (distance + NOISE**2 + spreads[0] + spreads[1])
    confidence = confidence * (50 * torch.minimum(*totals)).clamp(max=1)
    slope = difference / (distance + 1e-3)
    found = torch.cat(
        [slope * confidence, (slope * means[1]).sum(1, keepdim=True) * confidence, confidence], 1
    )
    found = F.interpolate(found, scale_factor=2.0, mode="bilinear", align_corners=False)
    return ColourModel(found[:, :3], found[:, 3:4], found[:, 4:])


class ExportedEdgeNet(nn.Module):
    """The network as `limner.mattes.refine` calls it: one picture, in grey levels."""

    INPUTS: ClassVar[dict[str, int]] = {"pixels": 3, "alpha": 0}  # name -> channels; 0: there is no such axis
    OUTPUTS: ClassVar[tuple[str, ...]] = ("coefficients",)

    def __init__(self, net: EdgeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor, alpha: Tensor) -> Tensor:
        """Pixels (3, h, w) in 0..255 and alpha (h, w) in [0, 1] -> coefficients and weight, (5, h, w)."""
        found = self.net(pixels[None] / 255, alpha[None, None])[0]
        return torch.cat([found[:3] / 255, found[3:]])


class _Residual(nn.Module):
    """Two 3 x 3 convolutions with a residual connection: (N, C, h, w) -> (N, C, h, w)."""

    def __init__(self, channels: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.first = nn.Sequential(*convolution(channels, channels, dilation=dilation))
        self.second = nn.Sequential(*convolution(channels, channels, dilation=dilation, activation=None))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


def _box(x: Tensor, radius: int) -> Tensor:
    """Mean over the square of ``2 * radius + 1`` around each pixel, cut at the border.

    By products with banded matrices, five times as fast as average pooling with so wide a window.
    """
    return _window(x.shape[2], radius) @ x @ _window(x.shape[3], radius).T


def _window(length: int, radius: int) -> Tensor:
    """The weights of every position for the mean around each, (length, length)."""
    position = torch.arange(length)
    near = ((position[:, None] - position).abs() <= radius).float()
    return near / near.sum(1, keepdim=True)
