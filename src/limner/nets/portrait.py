"""Limner's own network: an encoder that knows ImageNet and a light decoder that adds its way back up.

A few thousand portraits teach a network what the outline of a person is, but not what the rest of the world
looks like. The encoder has learnt that from 1.3 million pictures of a thousand things; the decoder is small,
because few channels at full resolution leave a CPU waiting for memory: the logits come at half the
resolution, upsampled. The small network leaves the deepest stages out, stops its way up at a quarter and
gives four logits at each place, a square of two by two.

The parts: a top-down path that adds lateral 1 x 1 convolutions (Lin et al., "Feature Pyramid Networks for
Object Detection", CVPR 2017), and the mean of the whole picture added at the deepest level (Liu et al.,
"ParseNet", 2015).
"""

from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.blocks import convolution
from limner.nets.efficientnet import EfficientNetLite0


class PortraitNet(nn.Module):
    """The network of `base` and, smaller, of `small`.

    Args:
        stages: Of the encoder, see `EfficientNetLite0`.
        decoder: Channels of the way up, from half the encoder's last stride on; to 2 or, one fewer, to 4.
    """

    def __init__(self, stages: int = 7, decoder: tuple[int, ...] = (64, 48, 32, 16)) -> None:
        super().__init__()
        self.encoder = EfficientNetLite0(stages)
        *skips, deepest = self.encoder.channels
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(deepest, deepest, 1))
        ways = zip((deepest, *decoder), decoder, reversed(skips), strict=False)
        self.up = nn.ModuleList(Up(below, here, skip) for below, here, skip in ways)
        self.detail = 2 ** (len(skips) - len(decoder))  # logits along each side of a place
        self.head = nn.Conv2d(decoder[-1], self.detail**2, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1], of any size -> logits (N, 1, H, W)."""
        *skips, x = self.encoder(images)
        x = F.relu(x + self.context(x))
        for up in self.up:
            x = up(x, skips.pop())
        x = F.pixel_shuffle(self.head(x), self.detail)  # (N, 1, H / 2, W / 2)
        return _to_size(x, images)


class Up(nn.Module):
    """One level up: narrow, enlarge, add the skip connection, smooth."""

    def __init__(self, below: int, here: int, skip: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(below, here, 1)
        self.lateral = nn.Conv2d(skip, here, 1)
        self.smooth = nn.Sequential(*convolution(here, here))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(N, below, h, w) and (N, skip, H, W) -> (N, here, H, W)."""
        x = _to_size(self.narrow(x), skip) + self.lateral(skip)
        smooth: Tensor = self.smooth(x)
        return smooth


def portrait_small() -> PortraitNet:
    """The network for live video: the first five stages, down to stride 16; 0.7 M parameters."""
    return PortraitNet(5, (32, 24))


def _to_size(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)
