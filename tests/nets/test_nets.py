import pytest
import torch
from torch import nn

from limner.nets import NETS

PARAMETERS = {"unet": 134_617}


def test_all_nets_are_counted() -> None:
    assert set(PARAMETERS) == set(NETS)


@pytest.fixture(params=NETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def net(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETS[name]()


def test_parameters(name: str, net: nn.Module) -> None:
    assert sum(parameter.numel() for parameter in net.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (16, 100)])
def test_forward_and_backward_at_any_size(net: nn.Module, size: tuple[int, int]) -> None:
    logits = net(torch.rand(2, 3, *size))
    assert logits.shape == (2, 1, *size)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_learns_a_square_by_heart(net: nn.Module) -> None:
    images = torch.rand(4, 3, 32, 32) * 0.3
    target = torch.zeros(4, 1, 32, 32)
    for index in range(4):
        target[index, :, 4 : 20 + index, 2 + 3 * index : 20] = 1
    images = images + 0.6 * target
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        loss = nn.functional.binary_cross_entropy_with_logits(net(images), target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < 0.05
