"""Training of the network of `limner.mattes.refine`: the error near the edge at full size."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from limner.nets.edge import EdgeNet, ExportedEdgeNet
from limner.training.config import EdgeConfig
from limner.training.module import NetModule

NEAR = 8
"""Distance from an undecided pixel of the grid beyond which errors count for a twentieth."""


class EdgeBatch(NamedTuple):
    """Squares of ``S`` pixels, each on a grid of ``G``."""

    image: Tensor  # (N, 3, S, S) in [0, 1]
    target: Tensor  # (N, S, S), true alpha
    small: Tensor  # (N, 3, G, G), the image on the grid
    alpha: Tensor  # (N, 1, G, G), to be refined
    names: list[str]


class EdgeModule(NetModule):
    """The network that refines the edge of a photo's alpha."""

    net: EdgeNet

    def __init__(self, config: EdgeConfig) -> None:
        super().__init__(config, EdgeNet())

    def measure(self, batch: EdgeBatch) -> tuple[Tensor, Tensor, Tensor]:
        """`edge_loss`; masks at full size."""
        coefficients = self.net(batch.small, batch.alpha)
        with torch.autocast(batch.image.device.type, enabled=False):
            full = F.interpolate(
                coefficients.float(), batch.image.shape[2:], mode="bilinear", align_corners=False
            )
            logits = (full[:, :3] * batch.image).sum(1) + full[:, 3]
            return edge_loss(logits, batch), logits >= 0, batch.target >= 0.5

    def exported(self) -> ExportedEdgeNet:
        """The network as it is used."""
        return ExportedEdgeNet(self.net)


def edge_loss(logits: Tensor, batch: EdgeBatch) -> Tensor:
    """Mean absolute error + 0.15 cross-entropy + 0.5 error of the gradient, mostly near undecided pixels.

    The logits are (N, S, S).
    """
    undecided = ((batch.alpha > 0.02) & (batch.alpha < 0.98)).float()
    near = F.max_pool2d(undecided, 2 * NEAR + 1, 1, NEAR)
    weight = 0.05 + 0.95 * F.interpolate(near, logits.shape[1:])[:, 0]
    error = torch.sigmoid(logits) - batch.target
    entropy = F.binary_cross_entropy_with_logits(logits, batch.target, weight)
    across, down = (
        (error.diff(dim=dim).abs() * weight.narrow(dim, 1, weight.shape[dim] - 1)).mean() for dim in (2, 1)
    )
    return (error.abs() * weight).mean() + 0.15 * entropy + 0.5 * (across + down)
