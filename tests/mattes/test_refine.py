import tracemalloc

import numpy as np
import pytest

from limner.datasets.synthetic import synthetic_portrait
from limner.errors import InputError
from limner.evaluation.mattes import sad
from limner.evaluation.metrics import boundary_iou
from limner.images import Alpha, Image, resize
from limner.mattes import refine
from limner.mattes.refine import refine_alpha
from tests.conftest import random_alpha, random_image


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


def test_the_fine_refinement_is_finer() -> None:
    image, truth = synthetic_portrait(np.random.default_rng(2), (400, 300))
    alpha = coarse(truth, 50)
    fast, fine = refine_alpha(image, alpha), refine_alpha(image, alpha, fine=True)
    assert sad(fine, truth) < 0.9 * sad(fast, truth)


def test_large_photos_are_solved_on_a_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    image, truth = synthetic_portrait(np.random.default_rng(2), (400, 300))
    alpha = coarse(truth, 50)
    whole = refine_alpha(image, alpha, fine=True)
    monkeypatch.setattr(refine, "FINE", 200)
    reduced = refine_alpha(image, alpha, fine=True)
    assert (reduced != whole).any()
    assert sad(reduced, truth) < 0.4 * sad(alpha, truth)
    assert reduced.dtype == np.float32
    assert reduced.min() >= 0
    assert reduced.max() <= 1


def test_a_straight_edge_by_hand() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 30:] = (200, 120, 40)
    truth = (image[..., 0] > 0).astype(np.float32)
    ramp = np.broadcast_to(((np.arange(64, dtype=np.float32) - 24) / 16).clip(0, 1), (64, 64))
    refined = refine_alpha(image, np.ascontiguousarray(ramp))
    assert np.abs(ramp - truth).sum(axis=1).max() > 4
    assert np.abs(refined - truth).sum(axis=1).max() < 0.5


def test_far_from_the_edge_only_haze_goes() -> None:
    image = np.zeros((400, 300, 3), np.uint8)
    image[:, 150:] = (200, 120, 40)
    alpha = np.full((400, 300), 0.015, np.float32)
    alpha[:, 150:] = 0.99
    alpha[100:200, 148:152] = 0.5
    refined = refine_alpha(image, alpha)
    assert (refined[:, :100] == 0).all()
    assert (refined[:, 200:] == 1).all()


@pytest.mark.parametrize("grid", [64, 128, 256])
def test_the_edge_moves_by_a_share_of_the_picture(grid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    opaque = np.zeros((4, grid, grid), np.float32)
    opaque[3] = 30
    monkeypatch.setattr(refine, "run_on_grid", lambda *_, **__: [opaque])
    alpha = np.zeros((512, 512), np.float32)
    alpha[:, 248:264] = 0.5
    cells = np.zeros((3, grid, grid), np.float32)
    found = refine.refine_edge(np.zeros((512, 512, 3), np.uint8), alpha, cells, resize(alpha, (grid, grid)))
    columns = np.flatnonzero(found[256] > 0.5)
    assert 5 <= 248 - columns[0] <= 15
    assert columns[-1] - 263 == 248 - columns[0]


def test_the_size_of_the_picture_changes_little() -> None:
    image, truth = synthetic_portrait(np.random.default_rng(5), (384, 288))
    refined = refine_alpha(image, coarse(truth, 48))
    large = resize(image, (1152, 864))
    found = refine_alpha(large, resize(coarse(truth, 48), (1152, 864)))
    assert np.abs(resize(found, (384, 288)) - refined).mean() < 0.004


@pytest.mark.parametrize("size", [(16, 16), (16, 200), (33, 41)])
def test_small_pictures_can_be_refined(size: tuple[int, int], rng: np.random.Generator) -> None:
    image, alpha = random_image(rng, *size), random_alpha(rng, *size)
    copies = image.copy(), alpha.copy()
    refined = refine_alpha(image, alpha)
    assert refined.shape == size
    assert refined.dtype == np.float32
    assert refined.min() >= 0
    assert refined.max() <= 1
    np.testing.assert_array_equal(image, copies[0])
    np.testing.assert_array_equal(alpha, copies[1])


def test_one_alpha_is_held_beside_the_callers(portrait: Image) -> None:
    image = resize(portrait, (2400, 2000))
    alpha = np.zeros((2400, 2000), np.float32)
    alpha[800:, 500:1500] = 1
    refine_alpha(image, alpha)  # loads the network
    tracemalloc.start()
    refine_alpha(image, alpha)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.6 * alpha.nbytes


@pytest.mark.parametrize("value", [0, 0.01, 1])
def test_without_an_edge_the_alpha_comes_back(value: float, rng: np.random.Generator) -> None:
    alpha = np.full((50, 60), value, np.float32)
    np.testing.assert_array_equal(refine_alpha(random_image(rng, 50, 60), alpha), alpha)


def test_sizes_must_agree(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="sizes differ"):
        refine_alpha(random_image(rng, 6, 6), np.zeros((6, 5), np.float32))
