import numpy as np
import pytest

from limner.datasets.drawing import Layer, coverage, ellipse
from limner.datasets.synthetic import paint_portrait, plan_synthetic, synthetic_portrait
from limner.errors import InputError
from limner.images import load_alpha, load_image

SIZE = (96, 80)


@pytest.mark.parametrize("seed", range(6))
def test_alpha_is_exact(seed: int) -> None:
    layers = paint_portrait(np.random.default_rng(seed), SIZE)
    image, alpha = synthetic_portrait(np.random.default_rng(seed), SIZE)
    opacity = alpha.astype(np.float64)[..., None]
    exact = opacity * layers.foreground + (1 - opacity) * layers.background
    assert np.abs(image - exact).max() <= 0.5 + 1e-4
    assert alpha * 255 == pytest.approx(np.rint(alpha * 255), abs=1e-4)
    assert image.shape == (*SIZE, 3)


@pytest.mark.parametrize("seed", range(6))
def test_a_person_fills_the_middle_and_leaves_a_background(seed: int) -> None:
    _, alpha = synthetic_portrait(np.random.default_rng(seed), (128, 128))
    assert 0.2 < alpha.mean() < 0.9
    assert (alpha[64, 56:72] == 1).all()
    assert (alpha == 0).mean() > 0.05
    assert 0.005 < ((alpha > 0) & (alpha < 1)).mean() < 0.25


def test_the_generator_decides_all() -> None:
    first, again, other = (synthetic_portrait(np.random.default_rng(seed), SIZE)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_coverage_of_a_disc_is_its_area() -> None:
    rows, columns = np.mgrid[:64, :64] + 0.5
    disc = coverage(ellipse(columns, rows, (32.0, 31.3), (20, 20)))
    assert disc.sum() == pytest.approx(np.pi * 20**2, rel=2e-3)


def test_layers_add_up_like_glass() -> None:
    layer = Layer((1, 1))
    layer.paint((200.0, 0, 0), np.full((1, 1), 0.5))
    layer.paint((0.0, 0, 100), np.full((1, 1), 0.5))
    assert layer.opacity.item() == 0.75
    assert layer.colours[0, 0] == pytest.approx((200 / 3, 0, 200 / 3))


def test_the_plan_of_a_data_set() -> None:
    plan = plan_synthetic(10, seed=3, side=48)
    assert [len(plan.splits[split]) for split in ("train", "val", "test")] == [8, 1, 1]
    ((name, make),) = plan.splits["val"].items()
    image, alpha = synthetic_portrait(np.random.default_rng([3, int(name)]), (48, 48))
    record = make()
    assert np.array_equal(load_alpha(record.mask), alpha)
    assert np.abs(load_image(record.image).astype(int) - image).mean() < 4
    with pytest.raises(InputError, match="must be positive, got 0"):
        plan_synthetic(0)
