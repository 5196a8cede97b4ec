"""SegNet: a VGG-16 encoder whose pooling indices steer the decoder, which mirrors it; no skip connections.

Badrinarayanan, Kendall and Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image
Segmentation", TPAMI 2017.
"""

from itertools import pairwise

from torch import Tensor, nn

from limner.nets.blocks import convolution, encode_decode

STAGES = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))
"""Channels through the convolutions of each encoder stage: VGG-16's thirteen."""


class SegNet(nn.Module):
    """Takes images (N, 3, H, W) in [0, 1] of any size and gives logits (N, 1, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(_stage(channels) for channels in STAGES)
        mirrored = [tuple(reversed(channels)) for channels in reversed(STAGES)]
        mirrored[-1] = (64, 64)  # its last convolution is the head
        self.decoder = nn.ModuleList(_stage(channels) for channels in mirrored)
        self.head = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] -> logits (N, 1, H, W)."""
        logits: Tensor = self.head(encode_decode(x, self.encoder, self.decoder))
        return logits


def _stage(channels: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(*(layer for pair in pairwise(channels) for layer in convolution(*pair)))
