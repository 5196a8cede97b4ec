"""Batch norm over the pictures of all processes on CPUs, where torch's own works on GPUs only."""

import torch
import torch.distributed
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


class SyncBatchNorm(nn.BatchNorm2d):
    """Batch norm whose mean and variance, in training, are those of the batches of all processes together.

    With it, several processes compute what one does with the same global batch.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if not self.training or not torch.distributed.is_initialized():
            alone: Tensor = super().forward(x)
            return alone
        values = x.float()
        sums = torch.stack((values.sum(dim=(0, 2, 3)), values.square().sum(dim=(0, 2, 3))))
        count = x.numel() / x.shape[1] * torch.distributed.get_world_size()
        mean, square = all_reduce(sums) / count  # type: ignore[no-untyped-call]
        var = square - mean.square()
        with torch.no_grad():
            self.get_buffer("running_mean").lerp_(mean, self.momentum or 0)
            self.get_buffer("running_var").lerp_(var * count / (count - 1), self.momentum or 0)
        scale = self.weight * torch.rsqrt(var + self.eps)
        shift = self.bias - mean * scale
        result: Tensor = values * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)
        return result.to(x.dtype)


def convert(net: nn.Module) -> None:
    """Turn every batch norm of a network into a `SyncBatchNorm`, in place; its state stays the same."""
    for module in net.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncBatchNorm
