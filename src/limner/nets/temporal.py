"""The network of `limner.video.temporal`: refines an edge with the help of the frames before.

It is `limner.nets.edge` with more inputs: the last frame's alpha, moved as the subject has moved, and the
motion features, which say how well the subject's motion and the scene's explain each pixel of the grid.
Beside the affine coefficients it gives, for every pixel, the fraction of the new alpha to mix into the moved
one.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.edge import EdgeNet, colour_models, stem_input

MOTION_MAPS = 7
"""Feature maps of `limner.video.motion_features`; the first is the fraction that a plain filter takes."""


class TemporalNet(nn.Module):
    """`EdgeNet` with the motion features added to its stem, and a fraction for each pixel."""

    def __init__(self, channels: tuple[int, int, int] = (24, 32, 64)) -> None:
        super().__init__()
        half, quarter, _ = channels
        self.edge = EdgeNet(channels, weighted=False)
        self.more = nn.Sequential(
            nn.Conv2d(4 * (1 + MOTION_MAPS), quarter, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(quarter, half, 3, padding=1, bias=False),
        )
        self.fraction = nn.Conv2d(half, 4, 3, padding=1)
        for weight in (self.more[2].weight, *self.fraction.parameters()):  # at first a plain filter
            nn.init.zeros_(weight)  # type: ignore[arg-type]

    def forward(self, image: Tensor, alpha: Tensor, last: Tensor, features: Tensor) -> Tensor:
        """Coefficients as of `EdgeNet`, then the fraction in [0, 1]: (N, 5, h, w).

        Args:
            image: (N, 3, h, w) in [0, 1].
            alpha: (N, 1, h, w) in [0, 1].
            last: (N, 1, h, w) in [0, 1], the moved alpha of the last frame.
            features: (N, 7, h, w), all but the last two in [0, 1].
        """
        near = colour_models(image, alpha)
        more = self.more(F.pixel_unshuffle(torch.cat([2 * last - 1, features], 1), 2))
        stem = self.edge.stem
        x = self.edge.features(stem[1:](stem[0](stem_input(image, alpha, near)) + more))
        plain = torch.logit(features[:, :1], eps=1e-4)
        fraction = torch.sigmoid(plain + 2 * F.pixel_shuffle(self.fraction(x), 2))
        return torch.cat([self.edge.coefficients(x, image, alpha, near), fraction], 1)


class ExportedTemporalNet(nn.Module):
    """The network as `limner.video.temporal` calls it: input and coefficients are for colours in 0..255."""

    INPUTS: ClassVar[dict[str, int]] = {"pixels": 3, "alpha": 0, "last": 0, "features": MOTION_MAPS}
    OUTPUTS: ClassVar[tuple[str, ...]] = ("coefficients", "fraction")

    def __init__(self, net: TemporalNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor, alpha: Tensor, last: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (3, h, w) in 0..255, alpha, last (h, w), features (7, h, w) -> (4, h, w) and (1, h, w)."""
        found = self.net(pixels[None] / 255, alpha[None, None], last[None, None], features[None])[0]
        return torch.cat([found[:3] / 255, found[3:4]]), found[4:]
