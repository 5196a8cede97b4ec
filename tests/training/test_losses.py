import math

import pytest
import torch

from limner.training.losses import LOSSES, Loss, bce, boundary, dice, focal, total

HALF = torch.zeros(1, 1, 2, 2)  # logits of probability 0.5
TARGET = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
ONES = torch.ones(1, 1, 2, 2)


def test_by_hand() -> None:
    # overlap 1, sums 2 and 2: 1 - (2 + 1) / (4 + 1)
    assert dice(HALF, TARGET, ONES).item() == pytest.approx(2 / 5)
    assert total(HALF, TARGET, ONES, {"bce": 2, "dice": 1}).item() == pytest.approx(2 * math.log(2) + 2 / 5)
    assert focal(HALF, TARGET, ONES).item() == pytest.approx(math.log(2) / 4)


def test_boundary_looks_at_the_edge_alone() -> None:
    target = torch.zeros(1, 1, 16, 16)
    target[..., 8:] = 1
    everywhere = torch.ones_like(target)
    logits = (target * 2 - 1) * 50
    assert boundary(logits, target, everywhere).item() == pytest.approx(0, abs=1e-6)
    far, near = logits.clone(), logits.clone()
    far[..., 0] = 50
    near[..., 7] = 50
    assert boundary(far, target, everywhere).item() == pytest.approx(0, abs=1e-6)
    assert boundary(near, target, everywhere).item() == pytest.approx(
        50 / 4
    )  # a band of 4 columns, one of them wrong by 50
    assert boundary(logits, torch.zeros_like(target), everywhere).item() == 0


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_laws(loss: Loss) -> None:
    torch.manual_seed(0)
    target = (torch.rand(3, 1, 8, 8) > 0.5).float()
    target[2] = 0
    ones = torch.ones_like(target)
    right = (target * 2 - 1) * 50
    assert loss(right, target, ones).item() == pytest.approx(0, abs=1e-5)
    assert loss(-right, target, ones).item() > 0.5
    logits = torch.randn(3, 1, 8, 8)
    alone = [loss(logits[[i]], target[[i]], ones[[i]]).item() for i in range(3)]
    assert loss(logits, target, ones).item() == pytest.approx(
        sum(alone) / 3
    )  # so processes average to the whole


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_what_has_no_weight_teaches_nothing(loss: Loss) -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 1, 8, 8, requires_grad=True)
    target = (torch.rand(2, 1, 8, 8) > 0.5).float()
    weight = (torch.rand(2, 1, 8, 8) > 0.5).float()
    (slopes,) = torch.autograd.grad(loss(logits, target, weight), logits)
    assert (slopes[weight == 0] == 0).all()
    assert (slopes[weight == 1] != 0).float().mean() > 0.9


def test_a_half_weight_counts_half() -> None:
    assert bce(HALF, TARGET, ONES / 2).item() == pytest.approx(math.log(2) / 2)
    assert dice(HALF, TARGET, ONES / 2).item() == pytest.approx(1 - (2 * 0.5 + 1) / (1 + 1 + 1))
