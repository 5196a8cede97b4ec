"""SegNet: pooling indices of the encoder steer the decoder, which mirrors it; no skip connections.

Badrinarayanan, Kendall and Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image
Segmentation", TPAMI 2017.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.blocks import convolution

STAGES = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))
"""Channels through the convolutions of each encoder stage: VGG-16's thirteen."""


class SegNet(nn.Module):
    """An encoder and a decoder of as many stages, each followed or led by a pooling or its inverse."""

    def __init__(self, encoder: list[nn.Module], decoder: list[nn.Module], head: nn.Conv2d) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(encoder)
        self.decoder = nn.ModuleList(decoder)
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1], of any size -> logits (N, 1, H, W)."""
        pooled = []
        for stage in self.encoder:
            x = stage(x)
            size = x.shape[-2:]
            x, indices = pool(x)
            pooled.append((indices, size))
        for stage in self.decoder:
            x = stage(unpool(x, *pooled.pop()))
        logits: Tensor = self.head(x)
        return logits


def segnet() -> SegNet:
    """The paper's network, with VGG-16's encoder."""
    mirrored = [tuple(reversed(channels)) for channels in reversed(STAGES)]
    mirrored[-1] = (64, 64)  # its last convolution is the head
    return SegNet(
        [_stage(channels) for channels in STAGES],
        [_stage(channels) for channels in mirrored],
        nn.Conv2d(64, 1, 3, padding=1),
    )


def segnet_basic() -> SegNet:
    """The paper's small variant (section 3.3): one 7 x 7 convolution a stage, no ReLU in the decoder."""
    return SegNet(
        [nn.Sequential(*convolution(before, 64, 7)) for before in (3, 64, 64, 64)],
        [nn.Sequential(*convolution(64, 64, 7, activation=None)) for _ in range(4)],
        nn.Conv2d(64, 1, 1),
    )


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """The largest of each 2 x 2 square and where it was: two tensors (N, C, ceil(H / 2), ceil(W / 2))."""
    pooled, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    return pooled, indices


def unpool(x: Tensor, indices: Tensor, size: torch.Size) -> Tensor:
    """The inverse of `pool`: each value back where its largest was, zeros elsewhere, (N, C, *size).

    A scatter, because ``max_unpool2d`` cannot be exported to ONNX; channels last, as training keeps its
    tensors, because copying them into another order took a fifth of a step.
    """
    height, width = size
    values = x.permute(0, 2, 3, 1).flatten(1, 2)  # (N, h * w, C)
    places = indices.permute(0, 2, 3, 1).flatten(1, 2)
    flat = values.new_zeros(x.shape[0], height * width, x.shape[1]).scatter(1, places, values)
    return flat.view(x.shape[0], height, width, x.shape[1]).permute(0, 3, 1, 2)


def _stage(channels: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(*(layer for pair in pairwise(channels) for layer in convolution(*pair)))
