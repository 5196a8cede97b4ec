"""Training of the network of `limner.mattes.refine`: the error near the edge at full size."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from limner.mattes import refine
from limner.nets.edge import EdgeNet, ExportedEdgeNet
from limner.training.config import EdgeConfig
from limner.training.module import NetModule

NEAR = 8
"""Distance from an undecided pixel of the grid beyond which errors count for a tenth."""

LOSSES = {"squared": 2.0, "absolute": 0.5, "entropy": 0.1, "gradient": 0.5, "weight": 0.02}
"""How much each part counts. The first and the third keep doubt: they are least where the alpha is the chance
that the pixel is subject. The last keeps the region small."""


class EdgeBatch(NamedTuple):
    """Squares of ``S`` pixels, each on a grid of ``G``."""

    image: Tensor  # (N, 3, S, S) in [0, 1]
    target: Tensor  # (N, S, S), true alpha
    known: Tensor  # (N, S, S) in [0, 1], how far it is to be believed
    before: Tensor  # (N, S, S), the alpha to be refined
    small: Tensor  # (N, 3, G, G), the image on the grid
    alpha: Tensor  # (N, 1, G, G), the alpha to be refined on the grid
    names: list[str]


class EdgeModule(NetModule):
    """The network that refines the edge of a photo's alpha."""

    net: EdgeNet

    def __init__(self, config: EdgeConfig) -> None:
        super().__init__(config, EdgeNet())

    def measure(self, batch: EdgeBatch) -> tuple[Tensor, Tensor, Tensor]:
        """`edge_loss`; masks at full size."""
        features = self.net(batch.small, batch.alpha)
        with torch.autocast(batch.image.device.type, enabled=False):
            full = F.interpolate(
                features.float(), batch.image.shape[2:], mode="bilinear", align_corners=False
            )
            logits = (full[:, :3] * batch.image).sum(1) + full[:, 3]
            weight = full[:, 4]
            found = torch.lerp(batch.before, stretched(torch.sigmoid(logits)), weight)
            loss = edge_loss(found, batch) + LOSSES["weight"] * weight.mean()
            return loss, found >= 0.5, batch.target >= 0.5

    def exported(self) -> ExportedEdgeNet:
        """The network as it is used."""
        return ExportedEdgeNet(self.net)


def edge_loss(found: Tensor, batch: EdgeBatch) -> Tensor:
    """Errors of the refined alphas (N, S, S) and of their gradients, mostly near undecided pixels."""
    undecided = ((batch.alpha > 0.02) & (batch.alpha < 0.98)).float()
    near = F.max_pool2d(undecided, 2 * NEAR + 1, 1, NEAR)
    counts = batch.known * (0.1 + 0.9 * F.interpolate(near, found.shape[1:])[:, 0])
    error = found - batch.target
    across, down = (
        (error.diff(dim=dim).abs() * counts.narrow(dim, 1, counts.shape[dim] - 1)).mean() for dim in (2, 1)
    )
    return (
        LOSSES["squared"] * (error.square() * counts).mean()
        + LOSSES["absolute"] * (error.abs() * counts).mean()
        + LOSSES["entropy"] * F.binary_cross_entropy(found.clamp(1e-3, 1 - 1e-3), batch.target, counts)
        + LOSSES["gradient"] * (across + down)
    )


def stretched(alpha: Tensor) -> Tensor:
    """As `limner.mattes.refine.stretch`."""
    return ((alpha - refine.LEAST) / (1 - 2 * refine.LEAST)).clamp(0, 1)
