import pytest
import torch

from limner.training.augment import augment
from limner.training.config import TrainConfig

STILL = {"scale": 1.0, "rotation": 0.0, "shift": 0.0, "colour": 0.0}


def config(**changes: float | str) -> TrainConfig:
    return TrainConfig(name="a", net="unet", data=("x",), **{**STILL, **changes})  # type: ignore[arg-type]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth random alphas, and images whose red channel is the alpha."""
    torch.manual_seed(0)
    alphas = torch.nn.functional.interpolate(torch.rand(16, 1, 6, 6), (48, 48), mode="bicubic").clamp(0, 1)
    images = torch.rand(16, 3, 48, 48)
    images[:, :1] = alphas
    return images, alphas


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_only_flips_when_nothing_else_is_allowed() -> None:
    images, alphas = batch()
    moved, moved_alphas = augment(images, alphas, config(), generator())
    flipped = 0
    for before, after, alpha in zip(images, moved, moved_alphas, strict=True):
        same = torch.allclose(after, before, atol=1e-4)
        mirrored = torch.allclose(after, before.flip(-1), atol=1e-4)
        assert same != mirrored
        assert torch.allclose(after[:1], alpha, atol=1e-6)
        flipped += mirrored
    assert 0 < flipped < 16


@pytest.mark.parametrize("change", [{"scale": 1.5}, {"rotation": 30.0}, {"shift": 0.2}])
def test_image_and_alpha_move_together(change: dict[str, float]) -> None:
    images, alphas = batch()
    moved, moved_alphas = augment(images, alphas, config(**change), generator())
    torch.testing.assert_close(moved[:, :1], moved_alphas)
    assert (moved - images).abs().mean() > 0.02
    assert (moved - images.flip(-1)).abs().mean() > 0.02


def test_a_shift_is_a_fraction_of_the_picture() -> None:
    alphas = torch.zeros(200, 1, 40, 40)
    alphas[:, :, 18:22, 18:22] = 1
    _, moved = augment(alphas.repeat(1, 3, 1, 1), alphas, config(shift=0.25), generator())
    columns = (moved.sum(dim=(1, 2)) * torch.arange(40)).sum(dim=1) / moved.sum(dim=(1, 2, 3))
    offsets = (columns - 19.5).abs() / 40
    assert offsets.max() <= 0.26
    assert offsets.max() > 0.2


def test_colour_leaves_the_alpha_and_the_range() -> None:
    images, alphas = batch()
    moved, moved_alphas = augment(images, alphas, config(colour=0.5), generator())
    still, still_alphas = augment(images, alphas, config(), generator())
    torch.testing.assert_close(moved_alphas, still_alphas)
    assert (moved - still).abs().mean() > 0.02
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_swap_follows_the_compositing_equation() -> None:
    images, alphas = batch()
    backgrounds = torch.rand(5, 3, 48, 48)
    settings = config(swap=1.0, backgrounds="x")
    moved, moved_alphas = augment(images, alphas, settings, generator(), backgrounds)
    for after, alpha in zip(moved, moved_alphas, strict=True):
        candidates = []
        for turned in (after, after.flip(-1)):
            a = alpha if turned is after else alpha.flip(-1)
            candidates += [
                (turned - (a * image + (1 - a) * behind)).abs().max()
                for image in images
                for behind in backgrounds
            ]
        assert min(candidates) < 1e-4


def test_empty_pictures_hold_nobody() -> None:
    images, alphas = batch()
    backgrounds = torch.full((2, 3, 48, 48), 0.25)
    moved, moved_alphas = augment(
        images, alphas, config(empty=0.5, backgrounds="x"), generator(), backgrounds
    )
    empty = moved_alphas.flatten(1).amax(dim=1) == 0
    assert 0 < empty.sum() < 16
    torch.testing.assert_close(moved[empty], torch.full_like(moved[empty], 0.25))
    assert (moved[~empty] - 0.25).abs().amax(dim=(1, 2, 3)).min() > 0.1


def test_same_seed_same_pictures() -> None:
    images, alphas = batch()
    settings = config(scale=1.3, rotation=10.0, shift=0.1, colour=0.3)
    first, second = (augment(images, alphas, settings, generator(7))[0] for _ in range(2))
    other, _ = augment(images, alphas, settings, generator(8))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
