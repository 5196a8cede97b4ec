import numpy as np
import pytest

from limner.datasets.synthetic import synthetic_portrait
from limner.errors import InputError
from limner.images import Alpha, resize
from limner.matting import sad
from limner.metrics import boundary_iou
from limner.refine import refine_alpha
from tests.conftest import random_image


def coarse(alpha: Alpha, cells: int) -> Alpha:
    """As a network gives it: known on a small grid only."""
    return resize(resize(alpha, (cells, cells)), (alpha.shape[0], alpha.shape[1]))


@pytest.mark.parametrize("seed", range(3))
def test_painted_edges_come_nearer_to_the_truth(seed: int) -> None:
    image, truth = synthetic_portrait(np.random.default_rng(seed), (320, 320))
    alpha = coarse(truth, 40)
    refined = refine_alpha(image, alpha)
    assert sad(refined, truth) < 0.9 * sad(alpha, truth)
    assert boundary_iou(refined >= 0.5, truth >= 0.5) > boundary_iou(alpha >= 0.5, truth >= 0.5)


def test_a_straight_edge_by_hand() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 30:] = (200, 120, 40)
    truth = (image[..., 0] > 0).astype(np.float32)
    ramp = np.broadcast_to(((np.arange(64, dtype=np.float32) - 24) / 16).clip(0, 1), (64, 64))
    refined = refine_alpha(image, np.ascontiguousarray(ramp))
    assert np.abs(ramp - truth).sum(axis=1).max() > 4
    assert np.abs(refined - truth).sum(axis=1).max() < 0.5


@pytest.mark.parametrize("value", [0, 1])
def test_without_an_edge_the_alpha_comes_back(value: float, rng: np.random.Generator) -> None:
    alpha = np.full((50, 60), value, np.float32)
    np.testing.assert_array_equal(refine_alpha(random_image(rng, 50, 60), alpha), alpha)


def test_sizes_must_agree(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="sizes differ"):
        refine_alpha(random_image(rng, 6, 6), np.zeros((6, 5), np.float32))
