"""SegNet-Basic: four stages of one 7 x 7 convolution each, the paper's small variant (section 3.3).

Badrinarayanan, Kendall and Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image
Segmentation", TPAMI 2017.
"""

from torch import Tensor, nn

from limner.nets.blocks import convolution, encode_decode

DEPTH = 4


class SegNetBasic(nn.Module):
    """Takes images (N, 3, H, W) in [0, 1] of any size and gives logits (N, 1, H, W).

    As in the paper: 64 channels throughout, no biases, and no ReLU in the decoder.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(
            nn.Sequential(*convolution(64 if depth else 3, 64, 7)) for depth in range(DEPTH)
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(*convolution(64, 64, 7, activation=None)) for _ in range(DEPTH)
        )
        self.head = nn.Conv2d(64, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] -> logits (N, 1, H, W)."""
        logits: Tensor = self.head(encode_decode(x, self.encoder, self.decoder))
        return logits
