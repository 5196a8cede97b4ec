"""U-Net (Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", MICCAI 2015), by default in the small form published for CelebAMask-HQ: 8-16-32-64 channels.
"""  # noqa: D205

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.blocks import convolution


class UNet(nn.Module):
    """Encoder and decoder with skip connections at every level.

    Sides that the deepest stride does not divide are allowed: pooling rounds up, and each transposed
    convolution is told the size of its skip.
    """

    def __init__(self, channels: tuple[int, ...] = (8, 16, 32, 64)) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(_double(a, b) for a, b in pairwise((3, *channels)))
        descending = list(pairwise(reversed(channels)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 3, stride=2, padding=1) for a, b in descending)
        self.decoder = nn.ModuleList(_double(2 * b, b) for _, b in descending)
        self.head = nn.Conv2d(channels[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] -> logits (N, 1, H, W)."""
        skips = []
        for depth, block in enumerate(self.encoder):
            x = F.max_pool2d(x, 2, ceil_mode=True) if depth else x
            x = block(x)  # (N, channels[depth], H / 2^depth, W / 2^depth)
            skips.append(x)
        skips.pop()
        for up, block in zip(self.up, self.decoder, strict=True):
            skip = skips.pop()
            x = up(x, output_size=skip.shape[-2:])
            x = block(torch.cat((x, skip), dim=1))
        logits: Tensor = self.head(x)  # no sigmoid here: the loss wants logits and the exporter adds its own
        return logits


def unet_large() -> UNet:
    """The conventional size: 32 channels at full resolution, doubled at each of four levels down."""
    return UNet((32, 64, 128, 256, 512))


def _double(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(*convolution(channels_in, channels_out), *convolution(channels_out, channels_out))
