import math

import pytest
import torch

from limner.training.losses import bce_dice, soft_dice_loss


def test_soft_dice_by_hand() -> None:
    logits = torch.full((1, 1, 2, 2), 0.0)  # prob 0.5 everywhere
    target = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    # overlap 1, sums 2 and 2: 1 - (2 + 1) / (4 + 1)
    assert soft_dice_loss(logits, target).item() == pytest.approx(2 / 5)
    assert bce_dice(logits, target).item() == pytest.approx(2 / 5 + math.log(2))


def test_right_answers_cost_nothing() -> None:
    target = (torch.rand(3, 1, 8, 8) > 0.5).float()
    target[2] = 0
    logits = (target * 2 - 1) * 50
    assert bce_dice(logits, target).item() == pytest.approx(0, abs=1e-5)


def test_mean_over_images_not_over_the_batch() -> None:
    target = torch.zeros(2, 1, 4, 4)
    target[0] = 1
    logits = torch.full((2, 1, 4, 4), 50.0)
    alone = [soft_dice_loss(logits[i : i + 1], target[i : i + 1]).item() for i in range(2)]
    assert soft_dice_loss(logits, target).item() == pytest.approx(sum(alone) / 2)
