import io

import numpy as np
import PIL.Image
import pytest
import torch

from limner.images import Image
from limner.training import corruptions
from limner.training.augment import Examples, Scenery, augment, draw
from limner.training.config import TrainConfig
from limner.training.loading import normalise

STILL = {"scale": 1.0, "rotation": 0.0, "shift": 0.0, "colour": 0.0}
ALL = {
    "scale": 1.3,
    "rotation": 10.0,
    "shift": 0.1,
    "colour": 0.3,
    "blur": 0.5,
    "noise": 0.5,
    "jpeg": 0.5,
    "bars": 0.5,
}


def config(**changes: float | str) -> TrainConfig:
    return TrainConfig(name="a", net="unet", data=("x",), **{**STILL, **changes})  # type: ignore[arg-type]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth random alphas, and images whose red channel is the alpha."""
    torch.manual_seed(0)
    alphas = torch.nn.functional.interpolate(torch.rand(16, 1, 6, 6), (48, 48), mode="bicubic").clamp(0, 1)
    images = torch.rand(16, 3, 48, 48)
    images[:, :1] = alphas
    return images, alphas


def altered(
    images: torch.Tensor,
    alphas: torch.Tensor,
    numbers: torch.Tensor,
    config: TrainConfig,
    scenery: Scenery | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Augmented images and alphas of which all is known."""
    examples = augment(Examples(images, alphas, torch.ones_like(alphas)), numbers, config, scenery)
    assert (examples.weights > 0.999).all()
    return examples.images, examples.alphas


def numbers(count: int = 16, seed: int = 0) -> torch.Tensor:
    return draw(seed, 0, range(count))


def test_bars_hold_no_subject_and_leave_the_rest() -> None:
    images, alphas = batch()
    weights = torch.full_like(alphas, 0.5)
    examples = augment(Examples(images, alphas, weights), numbers(), config(bars=1.0, flip=False))
    bar = examples.weights == 1
    assert torch.allclose(examples.images.where(~bar, 0), images.where(~bar, 0), atol=1e-6)
    assert torch.equal(examples.alphas, alphas.where(~bar, 0))
    assert (examples.weights[~bar] == 0.5).all()
    sides = 0
    for one in bar[:, 0]:
        assert 0.05 < one.float().mean() < 0.65
        rows, columns = one.all(dim=1), one.all(dim=0)
        assert torch.equal(one, rows[:, None].expand(48, 48)) != torch.equal(one, columns.expand(48, 48))
        sides += int(columns.any())
    assert 0 < sides < 16
    without = augment(Examples(images, alphas, weights), numbers(), config(flip=False))
    assert torch.equal(without.alphas, alphas)


def test_only_flips_when_nothing_else_is_allowed() -> None:
    images, alphas = batch()
    moved, moved_alphas = altered(images, alphas, numbers(), config())
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
    moved, moved_alphas = altered(images, alphas, numbers(), config(**change))
    torch.testing.assert_close(moved[:, :1], moved_alphas)
    assert (moved - images).abs().mean() > 0.02
    assert (moved - images.flip(-1)).abs().mean() > 0.02


@pytest.mark.parametrize("min_scale", [1.0, 0.35])
def test_the_zoom_is_as_often_out_as_in(min_scale: float) -> None:
    alphas = torch.zeros(200, 1, 40, 40)
    alphas[:, :, 12:28, 12:28] = 1
    _, moved = altered(
        alphas.repeat(1, 3, 1, 1), alphas, numbers(200), config(scale=1.3, min_scale=min_scale)
    )
    zooms = (moved.sum(dim=(1, 2, 3)) / 16**2).sqrt()
    assert 0.4 < (zooms < 1).float().mean() < 0.6
    assert zooms.min() == pytest.approx(1 / 1.3, abs=0.03)
    assert zooms.max() == pytest.approx(1.3, abs=0.03)


def test_a_shift_is_a_fraction_of_the_picture() -> None:
    alphas = torch.zeros(200, 1, 40, 40)
    alphas[:, :, 18:22, 18:22] = 1
    _, moved = altered(alphas.repeat(1, 3, 1, 1), alphas, numbers(200), config(shift=0.25))
    columns = (moved.sum(dim=(1, 2)) * torch.arange(40)).sum(dim=1) / moved.sum(dim=(1, 2, 3))
    offsets = (columns - 19.5).abs() / 40
    assert offsets.max() <= 0.26
    assert offsets.max() > 0.2


def test_colour_leaves_the_alpha_and_the_range() -> None:
    images, alphas = batch()
    moved, moved_alphas = altered(images, alphas, numbers(), config(colour=0.5))
    still, still_alphas = altered(images, alphas, numbers(), config())
    torch.testing.assert_close(moved_alphas, still_alphas)
    assert (moved - still).abs().mean() > 0.02
    assert moved.min() >= 0
    assert moved.max() <= 1


def scenery(backgrounds: torch.Tensor) -> Scenery:
    """These backgrounds, and white people on the right who are not wanted."""
    others = torch.zeros(16, 1, 48, 48)
    others[..., 30:] = 1
    return Scenery(
        (255 * backgrounds).round().byte(),
        Examples(others.repeat(1, 3, 1, 1), others, torch.ones_like(others)),
    )


def test_a_second_subject_stands_behind_the_first() -> None:
    images, alphas = torch.zeros(16, 3, 48, 48), torch.zeros(16, 1, 48, 48)
    images[:, 0, :, 10:36] = alphas[:, 0, :, 10:36] = 1  # a red one in the middle
    behind = torch.full((2, 3, 48, 48), 0.4)
    settings = config(flip=False, background_swap=1.0, second_subject=0.5, backgrounds="x")
    moved, moved_alphas = altered(images, alphas, numbers(), settings, scenery(behind))
    second = moved_alphas[:, 0, 0, 40] == 1
    assert 0 < second.sum() < 16
    red, white, grey = torch.tensor([1.0, 0, 0]), torch.ones(3), torch.full((3,), 0.4)
    for picture, alpha, two in zip(moved, moved_alphas[:, 0], second, strict=True):
        for column, colour in ((2, grey), (20, red), (33, red), (40, white if two else grey)):
            torch.testing.assert_close(picture[:, 24, column], colour)
        assert alpha[24, 2] == 0
        assert alpha[24, 20] == alpha[24, 33] == 1


def test_a_new_background_follows_the_compositing_equation() -> None:
    images, alphas = batch()
    backgrounds = torch.randint(256, (5, 3, 48, 48)) / 255
    settings = config(flip=False, background_swap=1.0, backgrounds="x")
    moved, moved_alphas = altered(images, alphas, numbers(), settings, scenery(backgrounds))
    torch.testing.assert_close(moved_alphas, alphas, atol=1e-4, rtol=0)
    for after, image, alpha in zip(moved, images, alphas, strict=True):
        errors = [(after - (alpha * image + (1 - alpha) * behind)).abs().max() for behind in backgrounds]
        assert min(errors) < 1e-4


def test_pictures_without_a_subject() -> None:
    images, alphas = batch()
    backgrounds = torch.full((2, 3, 48, 48), 0.2)
    settings = config(no_subject=0.5, backgrounds="x")
    moved, moved_alphas = altered(images, alphas, numbers(), settings, scenery(backgrounds))
    removed = moved_alphas.flatten(1).amax(dim=1) == 0
    assert 0 < removed.sum() < 16
    torch.testing.assert_close(moved[removed], torch.full_like(moved[removed], 0.2))
    assert (moved[~removed] - 0.2).abs().amax(dim=(1, 2, 3)).min() > 0.1


def test_weights_move_with_the_picture() -> None:
    images, alphas = batch()
    settings = config(scale=1.5, rotation=20.0, shift=0.1)
    moved = augment(Examples(images, alphas, alphas), numbers(), settings)
    torch.testing.assert_close(moved.weights, moved.alphas)


def test_before_a_new_background_only_the_subject_can_be_unknown() -> None:
    images, alphas = batch()
    unknown = torch.ones_like(alphas)
    unknown[..., 20:30] = 0
    backgrounds = scenery(torch.rand(3, 3, 48, 48))
    settings = config(flip=False, background_swap=1.0, min_scale=0.4, backgrounds="x")
    moved = augment(Examples(images, alphas, unknown), numbers(), settings, backgrounds)
    assert 0.4**2 * 10 / 48 < float((moved.weights < 0.5).float().mean()) < 10 / 48
    no_subject = augment(
        Examples(images, alphas, unknown), numbers(), config(no_subject=1.0, backgrounds="x"), backgrounds
    )
    assert (no_subject.weights == 1).all()


@pytest.mark.parametrize("shape", [(48, 48), (32, 64), (64, 32)])
def test_a_circle_stays_a_circle_in_any_shape(shape: tuple[int, int]) -> None:
    rows, columns = torch.meshgrid(
        *(torch.arange(length) - (length - 1) / 2 for length in shape), indexing="ij"
    )
    disc = (rows**2 + columns**2 < 10**2).float().repeat(40, 1, 1, 1)
    _, moved = altered(disc.repeat(1, 3, 1, 1), disc, numbers(40), config(rotation=40.0))
    near = rows**2 + columns**2 < 14**2  # beyond, what is mirrored comes in
    assert ((moved - disc).abs() * near).mean() < 0.01


def test_backgrounds_keep_their_proportions() -> None:
    """Squares are cut to the shape, not stretched."""
    square = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    square[..., 24:40, 24:40] = 255
    images, alphas = torch.zeros(4, 3, 32, 64), torch.zeros(4, 1, 32, 64)
    no_subject = Scenery(square, Examples(images, alphas, alphas))
    moved, _ = altered(images, alphas, numbers(4), config(no_subject=1.0, backgrounds="x"), no_subject)
    torch.testing.assert_close(moved[:, :, 8:24, 24:40], torch.ones(4, 3, 16, 16))
    assert float(moved.mean()) == pytest.approx(16 * 16 / (32 * 64))


def test_a_picture_changes_alike_in_any_batch() -> None:
    images, alphas = batch()
    together, _ = altered(images, alphas, draw(1, 2, range(16)), config(**ALL))
    for index in (3, 11):
        alone, _ = altered(images[[index]], alphas[[index]], draw(1, 2, [index]), config(**ALL))
        torch.testing.assert_close(alone[0], together[index], atol=1e-5, rtol=1e-4)
    for seed, epoch in ((1, 3), (2, 2)):
        other, _ = altered(images, alphas, draw(seed, epoch, range(16)), config(**ALL))
        assert (other - together).abs().mean() > 0.02


@pytest.mark.parametrize("effect", ["grey", "blur", "noise", "jpeg"])
def test_fractions_and_ranges_of_corruptions(effect: str) -> None:
    images, alphas = (values.repeat(8, 1, 1, 1) for values in batch())
    plain, plain_alphas = altered(images, alphas, numbers(128), config())
    changed, changed_alphas = altered(images, alphas, numbers(128), config(**{effect: 0.3}))
    fraction = ((changed - plain).flatten(1).abs().amax(dim=1) > 1e-3).float().mean()
    assert 0.15 < fraction < 0.45
    assert torch.equal(changed_alphas, plain_alphas)
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_grey_is_luminance() -> None:
    colours = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]).view(4, 3, 1, 1)
    grey = corruptions.to_grey(colours, torch.zeros(4))
    torch.testing.assert_close(grey[:, 0, 0, 0], torch.tensor([0.299, 0.587, 0.114, 1.0]))
    assert torch.equal(grey[:, 0], grey[:, 2])


def test_blur_keeps_the_sum_of_a_point_and_widens_it() -> None:
    point = torch.zeros(2, 3, 31, 31)
    point[:, :, 15, 15] = 1
    soft = corruptions.blur(point, torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(soft.sum(dim=(2, 3)), torch.ones(2, 3))
    columns = torch.arange(31.0) - 15
    deviation = (soft[:, 0].sum(dim=1) * columns**2).sum(dim=1).sqrt()
    torch.testing.assert_close(deviation, torch.tensor([0.4, 2.4]), atol=0.15, rtol=0)


def test_noise_has_the_deviation_it_says() -> None:
    noisy = corruptions.add_noise(torch.full((2, 3, 64, 64), 0.5), torch.tensor([0.5, 0.999]))
    torch.testing.assert_close(noisy.std(dim=(1, 2, 3)), torch.tensor([0.06, 0.12]), atol=0.004, rtol=0)


@pytest.mark.parametrize(("strength", "quality"), [(0.2, 58), (0.5, 40), (0.9, 16)])
def test_compression_loses_what_jpeg_loses(strength: float, quality: int, portrait: Image) -> None:
    image = portrait[:256, 128:384]
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    with PIL.Image.open(buffer) as picture:
        expected = normalise(torch.from_numpy(np.array(picture))[None])
    original = normalise(torch.from_numpy(image.copy())[None])
    found = corruptions.compress(original, torch.tensor([strength]))
    assert (found - expected).abs().mean() < 0.4 * (original - expected).abs().mean()
