"""The network of `limner.video.temporal`: an edge that knows what the frames before have shown.

It is `limner.nets.edge` with eyes for time. Beside picture and alpha it sees the last frame's matte, moved to
where the subject is now, and how well two motions explain each cell, the subject's and that of the scene
behind it: a cell that goes along with the subject belongs to it, whatever its colour. Beside the lines it
gives, for every cell, the share of the new opacity that is mixed into the moved one.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.edge import EdgeNet, colour_models, stem_input

CLUES = 7
"""Fields of `limner.video.motion_features`; the first is the share that a plain filter would take."""


class SteadyNet(nn.Module):
    """Takes image (N, 3, h, w), alpha, last (N, 1, h, w) and clues (N, 7, h, w); gives (N, 5, h, w).

    The first four channels are lines, as those of `EdgeNet`; the last is the share, in [0, 1].
    """

    def __init__(self, channels: tuple[int, int, int] = (24, 32, 64)) -> None:
        super().__init__()
        half, quarter, _ = channels
        self.edge = EdgeNet(channels)
        self.more = nn.Sequential(
            nn.Conv2d(4 * (1 + CLUES), quarter, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(quarter, half, 3, padding=1, bias=False),
        )
        self.share = nn.Conv2d(half, 4, 3, padding=1)
        for weight in (self.more[2].weight, *self.share.parameters()):  # at first an edge and a plain filter
            nn.init.zeros_(weight)  # type: ignore[arg-type]

    def forward(self, image: Tensor, alpha: Tensor, last: Tensor, clues: Tensor) -> Tensor:
        """All on one grid, all but the last two clues in [0, 1] -> lines and share (N, 5, h, w)."""
        near = colour_models(image, alpha)
        told = self.more(F.pixel_unshuffle(torch.cat([2 * last - 1, clues], 1), 2))
        stem = self.edge.stem
        x = self.edge.features(stem[1:](stem[0](stem_input(image, alpha, near)) + told))
        plain = torch.logit(clues[:, :1], eps=1e-4)
        share = torch.sigmoid(plain + 2 * F.pixel_shuffle(self.share(x), 2))
        return torch.cat([self.edge.coefficients(x, image, alpha, near), share], 1)


class PixelsToShares(nn.Module):
    """The network as `limner.video.temporal` calls it: grey levels in, slopes for grey levels out."""

    INPUTS: ClassVar[dict[str, int]] = {"pixels": 3, "alpha": 0, "last": 0, "clues": CLUES}
    OUTPUTS: ClassVar[tuple[str, ...]] = ("lines", "share")

    def __init__(self, net: SteadyNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor, alpha: Tensor, last: Tensor, clues: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (3, h, w) in 0..255, alpha and last (h, w), clues (7, h, w) -> (4, h, w) and (1, h, w)."""
        found = self.net(pixels[None] / 255, alpha[None, None], last[None, None], clues[None])[0]
        return torch.cat([found[:3] / 255, found[3:4]]), found[4:]
