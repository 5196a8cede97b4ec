"""A piece of every network."""

from collections.abc import Callable
from functools import partial

from torch import nn

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
