"""Pieces of several networks."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ReLU = partial(nn.ReLU, inplace=True)


def convolution(
    before: int,
    after: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    activation: Callable[[], nn.Module] | None = ReLU,
    epsilon: float = 1e-5,
) -> list[nn.Module]:
    """A convolution with batch norm (which makes a bias idle) and an activation, of the size 1 / stride."""
    padding = dilation * (kernel // 2)
    layers = [
        nn.Conv2d(before, after, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(after, epsilon),
    ]
    return [*layers, activation()] if activation else layers


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


def encode_decode(x: Tensor, encoder: Iterable[nn.Module], decoder: Iterable[nn.Module]) -> Tensor:
    """SegNet's way down and up: `pool` after every stage of the encoder, `unpool` before the decoder's.

    (N, C, H, W) -> (N, C', H, W); the indices of each pooling steer the unpooling at the same depth.
    """
    places = []
    for stage in encoder:
        x = stage(x)
        size = x.shape[-2:]
        x, indices = pool(x)
        places.append((indices, size))
    for stage in decoder:
        x = stage(unpool(x, *places.pop()))
    return x
