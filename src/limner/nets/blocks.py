"""Pieces that several networks share."""

import torch
from torch import Tensor
from torch.nn import functional as F


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """The largest of each 2 x 2 square and where it was: two tensors (N, C, ceil(H / 2), ceil(W / 2))."""
    pooled, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    return pooled, indices


def unpool(x: Tensor, indices: Tensor, size: torch.Size) -> Tensor:
    """The inverse of `pool`: each value back where its largest was, zeros elsewhere, (N, C, *size).

    A scatter, because ``max_unpool2d`` cannot be exported to ONNX.
    """
    height, width = size
    flat = x.new_zeros(x.shape[0], x.shape[1], height * width)
    flat = flat.scatter(2, indices.flatten(2), x.flatten(2))
    return flat.view(*x.shape[:2], height, width)
