import tracemalloc

import numpy as np
import pytest

from limner.datasets.synthetic import synthetic_portrait
from limner.errors import InputError
from limner.evaluation.mattes import sad
from limner.evaluation.metrics import boundary_iou
from limner.images import Alpha, Image, downsample, resize
from limner.mattes import refine
from limner.mattes.refine import refine_alpha
from tests.conftest import random_alpha, random_image


def coarse(alpha: Alpha, cells: int) -> Alpha:
    """As a network gives it: known on a small grid only."""
    return resize(resize(alpha, (cells, cells)), (alpha.shape[0], alpha.shape[1]))


@pytest.mark.parametrize("seed", range(3))
def test_painted_edges_come_nearer_to_the_truth(seed: int) -> None:
    image, truth = synthetic_portrait(np.random.default_rng(seed), (512, 512))
    alpha = coarse(truth, 64)
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


def straight_edge(side: int) -> tuple[Image, Alpha, Alpha]:
    """Two colours that meet, the true alpha, and one that rises over 1/32 of the picture and is 1/128 off."""
    image = np.zeros((side, side, 3), np.uint8)
    image[:, side // 2 :] = (200, 120, 40)
    truth = (image[..., 0] > 0).astype(np.float32)
    ramp = ((np.arange(side, dtype=np.float32) - 61 / 128 * side) / (side / 32)).clip(0, 1)
    return image, truth, np.broadcast_to(ramp, (side, side)).copy()


def test_a_straight_edge_by_hand() -> None:
    image, truth, ramp = straight_edge(512)
    before, after = (np.abs(alpha - truth).sum(axis=1) for alpha in (ramp, refine_alpha(image, ramp)))
    assert before.min() > 4
    assert after.mean() < 0.6 * before.mean()


@pytest.mark.parametrize(("side", "part"), [(128, 0), (256, 0), (320, 0.25), (384, 0.5), (512, 1)])
def test_the_less_a_picture_was_reduced_the_less_is_refined(side: int, part: float) -> None:
    image, _, ramp = straight_edge(side)
    whole = refine.refine_edge(
        resize(image, (512, 512)),
        resize(ramp, (512, 512)),
        downsample(image, 256),
        downsample(ramp, 256),
    )
    plain = refine.stretch(ramp)
    change = np.abs(refine_alpha(image, ramp) - plain).mean()
    assert change == pytest.approx(part * np.abs(resize(whole, (side, side)) - plain).mean(), rel=0.25)


def test_far_from_the_edge_only_haze_goes() -> None:
    image = np.zeros((400, 300, 3), np.uint8)
    image[:, 150:] = (200, 120, 40)
    alpha = np.full((400, 300), 0.015, np.float32)
    alpha[:, 150:] = 0.99
    alpha[100:200, 148:152] = 0.5
    refined = refine_alpha(image, alpha)
    assert (refined[:, :100] == 0).all()
    assert (refined[:, 200:] == 1).all()


def test_only_what_has_a_weight_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    opaque = np.zeros((5, 256, 256), np.float32)
    opaque[3] = 30
    opaque[4, :, 100:156] = 1
    monkeypatch.setattr(refine, "run_on_grid", lambda *_, **__: [opaque])
    alpha = np.full((512, 512), 0.5, np.float32)
    cells = np.zeros((3, 256, 256), np.float32)
    image = np.zeros((512, 512, 3), np.uint8)
    found = refine.refine_edge(image, alpha, cells, resize(alpha, (256, 256)))
    assert (found[:, 204:308] == 1).all()
    np.testing.assert_allclose(found[:, :190], 0.5, atol=1e-6)
    np.testing.assert_allclose(found[:, 320:], 0.5, atol=1e-6)


def test_the_size_of_the_picture_changes_little() -> None:
    image, truth = synthetic_portrait(np.random.default_rng(5), (512, 384))
    refined = refine_alpha(image, coarse(truth, 64))
    large = resize(image, (1536, 1152))
    found = refine_alpha(large, resize(coarse(truth, 64), (1536, 1152)))
    assert np.abs(resize(found, (512, 384)) - refined).mean() < 0.004


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
