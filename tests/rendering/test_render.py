import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from limner.errors import InputError
from limner.images import Alpha, Image, Photo, save_image, to_depth, to_uint8
from limner.rendering.backgrounds import composite
from limner.rendering.cut import segment
from limner.rendering.options import Options
from limner.rendering.render import render, storable
from tests.conftest import random_image
from tests.images.profiles import wide_profile


@pytest.fixture
def photo(rng: np.random.Generator) -> Photo:
    return Photo(pixels=random_image(rng, 60, 50))


@pytest.fixture
def alpha() -> Alpha:
    alpha = np.zeros((60, 50), np.float32)
    alpha[20:60, 10:40] = 1
    alpha[20:60, 9] = alpha[20:60, 40] = 0.5
    return alpha


def test_cutout_keeps_the_subject_and_hides_the_rest(photo: Photo, alpha: Alpha) -> None:
    result = render(photo, alpha)
    assert result.alpha is not None
    np.testing.assert_array_equal(result.alpha, alpha)
    np.testing.assert_array_equal(result.pixels[alpha == 1], photo.pixels[alpha == 1])
    assert not result.pixels[alpha == 0].any()


def test_matte_is_the_alpha_in_grey(photo: Photo, alpha: Alpha) -> None:
    result = render(photo, alpha, Options(mask=True))
    np.testing.assert_array_equal(result.pixels, to_uint8(alpha))
    assert result.alpha is None


@pytest.mark.parametrize("background", ["blur", "grey", "original", "white", "picture"])
def test_the_subject_itself_never_changes(background: str, photo: Photo, alpha: Alpha) -> None:
    behind = random_image(np.random.default_rng(1), 20, 90) if background == "picture" else background
    options = Options(background=behind, shadow=50)
    result = render(photo, alpha, options)
    assert result.alpha is None
    np.testing.assert_array_equal(result.pixels[alpha == 1], photo.pixels[alpha == 1])
    assert (result.pixels != photo.pixels)[alpha == 0].any()


def test_original_background_without_a_shadow_gives_the_photo_back(photo: Photo, alpha: Alpha) -> None:
    result = render(photo, alpha, Options(background="original"))
    sure = (alpha == 0) | (alpha == 1)
    np.testing.assert_array_equal(result.pixels[sure], photo.pixels[sure])


def test_colour_fills_the_background(photo: Photo, alpha: Alpha) -> None:
    result = render(photo, alpha, Options(background="#0a141e"))
    assert (result.pixels[alpha == 0] == (10, 20, 30)).all()


def test_translucent_colour_and_shadow_lie_below(photo: Photo, alpha: Alpha) -> None:
    options = Options(background="rgba(10, 20, 30, 51)")
    assert options.transparent
    result = render(photo, alpha, options)
    assert result.alpha is not None
    np.testing.assert_allclose(result.alpha[alpha == 0], 0.2, atol=1e-6)
    np.testing.assert_allclose(result.alpha[alpha == 0.5], 0.6, atol=1e-6)
    assert (result.pixels[alpha == 0] == (10, 20, 30)).all()
    np.testing.assert_array_equal(result.pixels[alpha == 1], photo.pixels[alpha == 1])
    shaded = render(photo, alpha, Options(shadow=50))
    assert shaded.alpha is not None
    assert (shaded.alpha >= alpha).all()
    assert shaded.alpha[alpha == 0].max() > 0.05
    assert not shaded.pixels[alpha == 0].any()


def test_opacity_of_the_photo_is_multiplied_in(photo: Photo, alpha: Alpha) -> None:
    own = np.full(alpha.shape, 0.5, np.float32)
    result = render(Photo(pixels=photo.pixels, alpha=own), alpha)
    np.testing.assert_array_equal(result.alpha, alpha * 0.5)


HIDDEN = np.array((255, 0, 200), np.uint8)


def partly_hidden(photo: Photo) -> tuple[Photo, Alpha]:
    """The photo with a loud colour under alpha 0 on its left, half of it opaque above."""
    own = np.ones(photo.pixels.shape[:2], np.float32)
    own[:10] = 0.5
    own[:, :15] = 0
    return Photo(pixels=np.where(own[..., None] > 0, photo.pixels, HIDDEN), alpha=own), own


@pytest.mark.parametrize("background", ["original", "blur", "grey"])
def test_what_was_transparent_stays_so_before_the_photo_itself(
    background: str, photo: Photo, alpha: Alpha
) -> None:
    flat = Photo(pixels=np.full_like(photo.pixels, (20, 90, 60)))
    hidden, own = partly_hidden(flat)
    result = render(hidden, alpha * 0, Options(background=background, shadow=20))
    assert result.alpha is not None
    np.testing.assert_array_equal(result.alpha, own)
    assert not result.pixels[own == 0].any()
    shown = result.pixels[own > 0].astype(int)
    if background != "grey":
        assert np.abs(shown - (20, 90, 60)).max() <= 5  # none of the hidden colour is spread
    pixels = render(hidden, alpha, Options(background=background)).pixels
    np.testing.assert_array_equal(pixels[(alpha == 1) & (own == 1)][0], (20, 90, 60))


@pytest.mark.parametrize("background", ["transparent", "white", "original"])
def test_hidden_colours_do_not_spread_when_a_photo_is_resized(background: str) -> None:
    size = (1200, 900)
    alpha = np.zeros(size, np.float32)
    alpha[240:1200, 270:630] = 1
    flat = Photo(pixels=np.full((*size, 3), 40, np.uint8))
    hidden, own = partly_hidden(flat)
    own[:, 450:] = 0
    hidden = replace(hidden, pixels=np.where(own[..., None] > 0, hidden.pixels, HIDDEN), alpha=own)
    result = render(hidden, alpha * own, Options(background=background, crop="35x45mm"))
    red, green, blue = np.moveaxis(result.pixels.astype(int), 2, 0)
    assert np.abs(red - green).max() <= 1
    assert np.abs(red - blue).max() <= 1


def test_a_format_without_opacity_gets_white(photo: Photo, alpha: Alpha) -> None:
    hidden, own = partly_hidden(photo)
    options = Options(background="original")
    result = render(hidden, alpha, options)
    assert storable(result, options, ".png") is result
    stored = storable(result, options, ".jpg")
    assert stored.alpha is None
    assert (stored.pixels[own == 0] == 255).all()
    cut = render(hidden, alpha)
    assert storable(cut, Options(), ".jpg") is cut  # to be refused, with the cure


def test_sixteen_bits_stay_sixteen(photo: Photo, alpha: Alpha) -> None:
    deep = Photo(pixels=to_depth(photo.pixels, np.uint16))
    for background in ("transparent", "white", "blur", "grey"):
        options = Options(background=background, shadow=30)
        result, shallow = render(deep, alpha, options), render(photo, alpha, options)
        assert result.pixels.dtype == np.uint16
        difference = np.abs(result.pixels / 257 - shallow.pixels)[alpha != 0.5]
        assert difference.max() <= 1.01  # levels of 8 bits


def test_largest_subjects_are_kept(photo: Photo) -> None:
    alpha = np.zeros((60, 50), np.float32)
    alpha[5:10, 5:10], alpha[20:40, 20:40], alpha[50:58, 2:12] = 1, 1, 1
    result = render(photo, alpha, Options(subjects=2))
    assert result.alpha is not None
    assert result.alpha.sum() == 400 + 80
    assert not result.alpha[5:10, 5:10].any()


def test_edge_is_moved_and_softened(photo: Photo, alpha: Alpha) -> None:
    grown = render(photo, alpha, Options(shift=2, mask=True)).pixels
    assert (grown[18:, 8:42] == 255).all()
    soft = render(photo, alpha, Options(feather=3, mask=True)).pixels
    assert len(np.unique(soft[40])) > 5


def test_crop_cuts_pixels_and_alpha_alike(photo: Photo, alpha: Alpha) -> None:
    result = render(photo, alpha, Options(crop="subject", margin=0))
    assert result.pixels.shape == (40, 32, 3)
    assert result.alpha is not None
    assert result.alpha.shape == (40, 32)
    whole = render(photo, alpha).pixels
    sure = result.alpha == 1  # colours of the edge are estimated from what is around
    np.testing.assert_array_equal(result.pixels[sure], whole[20:, 9:41][sure])


def test_a_crop_beyond_the_photo_changes_no_colours() -> None:
    photo = Photo(pixels=np.full((60, 40, 3), 200, np.uint8))  # subject and background of one colour
    alpha = np.zeros((60, 40), np.float32)
    alpha[10:50, 3:30] = np.linspace(0.3, 1, 27, dtype=np.float32)
    square = render(photo, alpha, Options(crop="square", margin=40))
    assert square.alpha is not None
    assert square.pixels.shape[:2] == (60, 60)
    assert (square.pixels[square.alpha > 0] == 200).all()


def test_identity_photo_has_its_size_and_dpi(rng: np.random.Generator) -> None:
    alpha = np.zeros((400, 300), np.float32)
    alpha[60:180, 100:200], alpha[180:200, 130:170], alpha[200:, 40:260] = 1, 1, 1
    photo = Photo(pixels=random_image(rng, 400, 300))
    result = render(photo, alpha, Options(crop="35x45mm", background="white"))
    assert result.pixels.shape == (1063, 827, 3)
    assert result.dpi == pytest.approx((600, 600), rel=0.001)
    assert (result.pixels[:20] == 255).all()
    alpha[20:30, 200:230] = 1  # a remnant above the head
    with_remnant = render(photo, alpha, Options(crop="35x45mm", background="white"))
    np.testing.assert_array_equal(with_remnant.pixels, result.pixels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"background": "whit"}, "not a colour"),
        ({"background": None}, "a background is a name"),
        ({"background": (300, 0, 0)}, "each from 0 to 255, got"),
        ({"background": (1, 2)}, "each from 0 to 255, got"),
        ({"background": "photo.jpg"}, "not a colour"),
        ({"background": "picture", "picture": np.zeros(3)}, "an image is"),
        ({"fit": "stretch"}, "unknown fit 'stretch': use one of cover, contain, tile"),
        ({"refine": "magic"}, "unknown refine"),
        ({"background": "blur", "blur": 0}, "blur is from 0.01 to 50 percent, got 0"),
        ({"shadow": 200}, "shadow is from 0 to 100 percent"),
        ({"crop": "square", "margin": -1}, "margin is from 0 to 200 percent"),
        ({"crop": "nonsense"}, "unknown crop 'nonsense'"),
        ({"shift": 1000}, "shift is from -100 to 100 pixels"),
        ({"shift": float("nan")}, "shift is from"),
        ({"feather": -1}, "feather is from"),
        ({"feather": 1.5}, "feather must be a whole number"),
        ({"subjects": -1}, "subjects is at least 0"),
        ({"subjects": 1.5}, "subjects must be a whole number"),
        ({"subjects": True}, "subjects must be a whole number"),
        ({"mask": "yes"}, "mask must be True or False"),
        ({"align": (0, 2)}, "align is two numbers from 0 to 1"),
        ({"align": 0.5}, "align is two numbers"),
        ({"blur": 9}, "blur has no effect here: it needs background blur"),
        ({"lens": True}, "lens has no effect here"),
        ({"fit": "tile"}, "fit has no effect here: it needs a picture behind"),
        ({"margin": 10}, "margin has no effect here: it needs a crop"),
        ({"mask": True, "shadow": 10}, "shadow has no effect here: it needs no mask"),
        ({"mask": True, "background": "white"}, "a mask is the alpha alone"),
    ],
)
def test_options_are_checked_when_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options(**options)


def test_options_travel_as_json_and_to_other_processes() -> None:
    options = Options(background="blur", blur=5, crop="square")
    assert Options.of(json.loads(json.dumps(options.non_default()))) == options
    assert options.non_default() == {"background": "blur", "blur": 5, "crop": "square"}
    assert pickle.loads(pickle.dumps(options)) == options
    with pytest.raises(InputError, match=r"unknown option 'bluur': did you mean 'blur'\?"):
        Options.of({"bluur": 1})


def test_backgrounds_of_every_kind(tmp_path: Path) -> None:
    image = np.full((4, 6, 3), (200, 100, 50), np.uint8)
    save_image(tmp_path / "a.png", image)
    for background in (tmp_path / "a.png", image, PIL.Image.fromarray(image), image / 255):
        options = Options(background=background)
        assert options.background == "picture"
        np.testing.assert_array_equal(options.picture, image)
    assert Options(background=(200, 100, 50)).colour == ((200, 100, 50), 1)
    assert Options(background=(200, 100, 50, 51)).colour == ((200, 100, 50), 0.2)


def test_missing_picture_is_refused(photo: Photo, alpha: Alpha) -> None:
    with pytest.raises(InputError, match="none is given"):
        render(photo, alpha, Options(background="picture"))


@pytest.mark.parametrize("background", ["#c83264", "#c8326480", "picture"])
def test_what_is_laid_behind_a_wide_photo_keeps_its_colour(background: str) -> None:
    wide = Photo(pixels=np.full((40, 30, 3), 99, np.uint16), profile=wide_profile())
    red = np.full((40, 30, 3), (200, 50, 100), np.uint8)
    options = Options(background=red if background == "picture" else background)
    result = render(wide, np.zeros((40, 30), np.float32), options)
    assert result.profile == wide.profile
    assert np.abs(replace(result, alpha=None).image.astype(int) - red).max() <= 3


def test_nothing_of_the_background_is_left(portrait: Image) -> None:
    """At every door: pixels that are not seen are 0, and the edge has the subject's own colours."""
    alpha = segment(portrait)
    array = render(portrait, alpha)
    assert not array[..., :3][array[..., 3] == 0].any()
    assert render(Photo(pixels=portrait), alpha).pixels[alpha < 0.5 / 255].max() == 0
    pillow = render(PIL.Image.fromarray(portrait), alpha)
    np.testing.assert_array_equal(np.asarray(pillow), array)
    red = np.full_like(portrait, (255, 0, 0))
    radius = np.hypot(*(np.indices((512, 512)) - 256))
    disc = ((206 - radius) / 12).clip(0, 1).astype(np.float32)
    known = composite(np.full_like(portrait, (40, 60, 80)), disc, red)  # F is the same everywhere
    soft = (disc > 0.1) & (disc < 0.9)
    found = render(known, disc)[..., :3]
    assert (
        np.abs(found[soft].astype(int) - (40, 60, 80)).mean()
        < np.abs(known[soft].astype(int) - (40, 60, 80)).mean() / 4
    )


@pytest.mark.parametrize(
    ("image", "alpha", "message"),
    [
        (np.zeros((4, 5, 3), np.uint8), np.full((4, 5), 1.5, np.float32), "an alpha is .*from 1.5 to 1.5"),
        (np.zeros((4, 5, 3), np.uint8), np.full((4, 5), np.nan, np.float32), "an alpha is"),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 6), np.float32), "sizes differ"),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 1), np.float32), "an alpha is"),
        (np.zeros((4, 5, 3), np.uint8), None, "an alpha is .*NoneType"),
        (np.zeros((4, 5, 3), np.int32), np.zeros((4, 5), np.float32), "an image is .*int32"),
        (np.full((4, 5, 3), 7.0), np.zeros((4, 5), np.float32), "an image is .*from 7 to 7"),
        (np.zeros((4, 5, 2), np.uint8), np.zeros((4, 5), np.float32), "an image is"),
        (None, np.zeros((4, 5), np.float32), "a picture is"),
    ],
)
def test_wrong_forms_are_named(image: Any, alpha: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        render(image, alpha)


def test_forms_whose_meaning_is_plain(rng: np.random.Generator) -> None:
    image = random_image(rng, 8, 6)
    alpha = np.zeros((8, 6), np.float32)
    alpha[2:6, 1:5] = 1
    expected = render(image, alpha)
    others: list[Any] = [alpha.astype(bool), (255 * alpha).astype(np.uint8), alpha.astype(np.float64)]
    for other in others:
        np.testing.assert_array_equal(render(image, other), expected)
    bright: Any = image / 255
    np.testing.assert_array_equal(render(bright, alpha), expected)
    grey = render(image[..., 0], alpha)
    assert (grey[..., 0] == grey[..., 2]).all()
    opaque = np.dstack((image, np.full((8, 6), 255, np.uint8)))
    np.testing.assert_array_equal(render(opaque, alpha), expected)
