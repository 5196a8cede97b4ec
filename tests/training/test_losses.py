import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from limner.training.losses import LOSSES, boundary, dice, focal, total

HALF = torch.zeros(1, 1, 2, 2)  # logits of probability 0.5
TARGET = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])


def test_by_hand() -> None:
    # overlap 1, sums 2 and 2: 1 - (2 + 1) / (4 + 1)
    assert dice(HALF, TARGET).item() == pytest.approx(2 / 5)
    assert total(HALF, TARGET, {"bce": 2, "dice": 1}).item() == pytest.approx(2 * math.log(2) + 2 / 5)
    assert focal(HALF, TARGET).item() == pytest.approx(math.log(2) / 4)


def test_boundary_looks_at_the_edge_alone() -> None:
    target = torch.zeros(1, 1, 16, 16)
    target[..., 8:] = 1
    logits = (target * 2 - 1) * 50
    assert boundary(logits, target).item() == pytest.approx(0, abs=1e-6)
    far, near = logits.clone(), logits.clone()
    far[..., 0] = 50
    near[..., 7] = 50
    assert boundary(far, target).item() == pytest.approx(0, abs=1e-6)
    assert boundary(near, target).item() == pytest.approx(
        50 / 4
    )  # a band of 4 columns, one of them wrong by 50
    assert boundary(logits, torch.zeros_like(target)).item() == 0


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_laws(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    target = (torch.rand(3, 1, 8, 8) > 0.5).float()
    target[2] = 0
    right = (target * 2 - 1) * 50
    assert loss(right, target).item() == pytest.approx(0, abs=1e-5)
    assert loss(-right, target).item() > 0.5
    logits = torch.randn(3, 1, 8, 8)
    alone = [loss(logits[[i]], target[[i]]).item() for i in range(3)]
    assert loss(logits, target).item() == pytest.approx(sum(alone) / 3)  # so processes average to the whole
