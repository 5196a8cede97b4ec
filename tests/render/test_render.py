import json
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from limner.errors import InputError
from limner.images import Alpha, Photo
from limner.mattes.masks import to_uint8
from limner.render.backgrounds import as_depth
from limner.render.render import Finish, finish
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
    result = finish(photo, alpha, Finish(refine="none"))
    assert result.alpha is not None
    np.testing.assert_array_equal(result.alpha, alpha)
    np.testing.assert_array_equal(result.pixels[alpha == 1], photo.pixels[alpha == 1])
    assert not result.pixels[alpha == 0].any()


def test_matte_is_the_alpha_in_grey(photo: Photo, alpha: Alpha) -> None:
    result = finish(photo, alpha, Finish(mask=True, refine="none"))
    np.testing.assert_array_equal(result.pixels, to_uint8(alpha))
    assert result.alpha is None


@pytest.mark.parametrize("background", ["blur", "grey", "original", "white", "picture"])
def test_the_subject_itself_never_changes(background: str, photo: Photo, alpha: Alpha) -> None:
    options = Finish(background=background, shadow=0.5, refine="none")
    result = finish(photo, alpha, options, picture=random_image(np.random.default_rng(1), 20, 90))
    assert result.alpha is None
    np.testing.assert_array_equal(result.pixels[alpha == 1], photo.pixels[alpha == 1])
    assert (result.pixels != photo.pixels)[alpha == 0].any()


def test_original_background_without_a_shadow_gives_the_photo_back(photo: Photo, alpha: Alpha) -> None:
    result = finish(photo, alpha, Finish(background="original", refine="none"))
    sure = (alpha == 0) | (alpha == 1)
    np.testing.assert_array_equal(result.pixels[sure], photo.pixels[sure])


def test_colour_fills_the_background(photo: Photo, alpha: Alpha) -> None:
    unused = photo.pixels
    result = finish(photo, alpha, Finish(background="#0a141e", refine="none"), picture=unused)
    assert (result.pixels[alpha == 0] == (10, 20, 30)).all()


def test_translucent_colour_and_shadow_lie_below(photo: Photo, alpha: Alpha) -> None:
    options = Finish(background="rgba(10, 20, 30, 51)", refine="none")
    assert options.transparent
    result = finish(photo, alpha, options)
    assert result.alpha is not None
    np.testing.assert_allclose(result.alpha[alpha == 0], 0.2, atol=1e-6)
    np.testing.assert_allclose(result.alpha[alpha == 0.5], 0.6, atol=1e-6)
    assert (result.pixels[alpha == 0] == (10, 20, 30)).all()
    np.testing.assert_array_equal(result.pixels[alpha == 1], photo.pixels[alpha == 1])
    shaded = finish(photo, alpha, Finish(shadow=0.5, refine="none"))
    assert shaded.alpha is not None
    assert (shaded.alpha >= alpha).all()
    assert shaded.alpha[alpha == 0].max() > 0.05
    assert not shaded.pixels[alpha == 0].any()


def test_opacity_of_the_photo_is_multiplied_in(photo: Photo, alpha: Alpha) -> None:
    own = np.full(alpha.shape, 0.5, np.float32)
    result = finish(Photo(pixels=photo.pixels, alpha=own), alpha, Finish(refine="none"))
    np.testing.assert_array_equal(result.alpha, alpha * 0.5)


def test_sixteen_bits_stay_sixteen(photo: Photo, alpha: Alpha) -> None:
    deep = Photo(pixels=as_depth(photo.pixels, np.zeros(1, np.uint16)))
    for background in ("transparent", "white", "blur", "grey"):
        options = Finish(background=background, shadow=0.3, refine="none")
        result, shallow = finish(deep, alpha, options), finish(photo, alpha, options)
        assert result.pixels.dtype == np.uint16
        difference = np.abs(result.pixels / 257 - shallow.pixels)[alpha != 0.5]
        assert difference.max() <= 1.01  # levels of 8 bits


def test_largest_subjects_are_kept(photo: Photo) -> None:
    alpha = np.zeros((60, 50), np.float32)
    alpha[5:10, 5:10], alpha[20:40, 20:40], alpha[50:58, 2:12] = 1, 1, 1
    result = finish(photo, alpha, Finish(subjects=2, refine="none"))
    assert result.alpha is not None
    assert result.alpha.sum() == 400 + 80
    assert not result.alpha[5:10, 5:10].any()


def test_edge_is_moved_and_softened(photo: Photo, alpha: Alpha) -> None:
    grown = finish(photo, alpha, Finish(shift=2, mask=True, refine="none")).pixels
    assert (grown[18:, 8:42] == 255).all()
    soft = finish(photo, alpha, Finish(feather=3, mask=True, refine="none")).pixels
    assert len(np.unique(soft[40])) > 5


def test_crop_cuts_pixels_and_alpha_alike(photo: Photo, alpha: Alpha) -> None:
    result = finish(photo, alpha, Finish(crop="subject", margin=0, refine="none"))
    assert result.pixels.shape == (40, 32, 3)
    assert result.alpha is not None
    assert result.alpha.shape == (40, 32)
    whole = finish(photo, alpha, Finish(refine="none")).pixels
    sure = result.alpha == 1  # colours of the edge are estimated from what is around
    np.testing.assert_array_equal(result.pixels[sure], whole[20:, 9:41][sure])


def test_identity_photo_has_its_size_and_dpi(rng: np.random.Generator) -> None:
    alpha = np.zeros((400, 300), np.float32)
    alpha[60:180, 100:200], alpha[180:200, 130:170], alpha[200:, 40:260] = 1, 1, 1
    photo = Photo(pixels=random_image(rng, 400, 300))
    result = finish(photo, alpha, Finish(crop="35x45mm", background="white", refine="none"))
    assert result.pixels.shape == (1063, 827, 3)
    assert result.dpi == pytest.approx((600, 600), rel=0.001)
    assert (result.pixels[:20] == 255).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"background": "whit"}, "not a colour"),
        ({"fit": "stretch"}, "unknown fit"),
        ({"refine": "magic"}, "unknown refinement"),
        ({"blur": 0}, "blur is a fraction"),
        ({"shadow": 2}, "shadow is an opacity"),
        ({"margin": -1}, "margin is a fraction"),
        ({"shift": 1000}, "shift is at most"),
        ({"feather": -1}, "feather is"),
        ({"subjects": -1}, "subjects must not"),
        ({"align": (0, 2)}, "align is in"),
    ],
)
def test_options_are_checked_when_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Finish(**options)


def test_options_travel_as_json_and_to_other_processes() -> None:
    options = Finish(background="blur", blur=0.05, align=(0, 1))
    assert Finish.of_json(json.loads(json.dumps(options.to_json()))) == options
    assert options.to_json() == {"background": "blur", "blur": 0.05, "align": (0, 1)}
    assert pickle.loads(pickle.dumps(options)) == options
    with pytest.raises(InputError, match="unknown option 'bluur'"):
        Finish.of_json({"bluur": 1})


def test_missing_picture_is_refused(photo: Photo, alpha: Alpha) -> None:
    with pytest.raises(InputError, match="none is given"):
        finish(photo, alpha, Finish(background="picture"))


@pytest.mark.parametrize("background", ["#c83264", "#c8326480", "picture"])
def test_what_is_laid_behind_a_wide_photo_keeps_its_colour(background: str) -> None:
    wide = Photo(pixels=np.full((40, 30, 3), 99, np.uint16), profile=wide_profile())
    red = np.full((40, 30, 3), (200, 50, 100), np.uint8)
    options = Finish(background=background)
    result = finish(
        wide, np.zeros((40, 30), np.float32), options, picture=red if background == "picture" else None
    )
    assert result.profile == wide.profile
    assert np.abs(replace(result, alpha=None).image.astype(int) - red).max() <= 3
