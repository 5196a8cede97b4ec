"""The front door: what Python gives is, byte for byte, what the command gives."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import limner
from limner.cli import main
from limner.errors import InputError
from limner.images import (
    ANIMATED,
    Image,
    Photo,
    encode_photo,
    load_animation,
    load_image,
    save_image,
    save_photo,
    to_uint8,
)
from limner.mattes.masks import remove_specks
from limner.models.segmenter import Segmenter
from tests.conftest import PORTRAIT, decode
from tests.images.profiles import wide_profile

SIDE = 96
BLUISH = (0xD7, 0xE3, 0xEE)


def small(portrait: Image) -> PIL.Image.Image:
    return PIL.Image.fromarray(portrait).resize((SIDE, SIDE))


def with_alpha(picture: PIL.Image.Image) -> PIL.Image.Image:
    picture = picture.convert("RGBA")
    picture.putalpha(PIL.Image.linear_gradient("L").resize(picture.size))
    return picture


def turned(picture: PIL.Image.Image, path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    picture.resize((SIDE, 64)).save(path, exif=exif.tobytes())


def moving(picture: PIL.Image.Image, path: Path) -> None:
    frames = [picture.rotate(angle) for angle in (0, 5, 10)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[50, 100, 150], loop=0)


def deep(picture: PIL.Image.Image, path: Path) -> None:
    pixels = np.asarray(picture).astype(np.uint16) * 257 + 3
    save_photo(path, Photo(pixels=pixels, profile=wide_profile(), dpi=(300, 300)))


KINDS: dict[str, Callable[[PIL.Image.Image, Path], object]] = {
    "a.jpg": lambda picture, path: picture.save(path, quality=90),
    "grey.jpg": lambda picture, path: picture.convert("L").save(path),
    "cmyk.jpg": lambda picture, path: picture.convert("CMYK").save(path),
    "turned.jpg": turned,
    "a.png": lambda picture, path: picture.save(path),
    "alpha.png": lambda picture, path: with_alpha(picture).save(path),
    "palette.png": lambda picture, path: picture.quantize(40).save(path),
    "one.png": lambda picture, path: picture.convert("1").save(path),
    "deep.png": deep,
    "deep.tif": deep,
    "a.webp": lambda picture, path: picture.save(path),
    "alpha.webp": lambda picture, path: with_alpha(picture).save(path),
    "a.bmp": lambda picture, path: picture.save(path),
    "moving.gif": moving,
    "moving.webp": moving,
    "moving.png": moving,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_of_the_command(kind: str, tmp_path: Path, portrait: Image) -> None:
    """Every kind with the defaults, and every other one with one of two sets of options."""
    source = tmp_path / kind
    KINDS[kind](small(portrait), source)
    cases: list[tuple[str, list[str], dict[str, Any]]] = [
        ("cut.png", [], {}),
        ("id.webp", ["--background", "white", "--shadow", "20"], {"background": "white", "shadow": 20}),
        ("mask.tif", ["--mask"], {"mask": True}),
    ]
    for target, command, options in (cases[0], cases[1 + list(KINDS).index(kind) % 2]):
        by_command, by_python = tmp_path / f"command-{target}", tmp_path / f"python-{target}"
        assert main(["cut", str(source), "-o", str(by_command), *command]) == 0
        limner.cut(source, **options).save(by_python)
        assert by_python.read_bytes() == by_command.read_bytes()


def test_more_options_and_the_bytes_of_the_command(tmp_path: Path, portrait: Image) -> None:
    save_image(tmp_path / "sky.png", np.full((20, 30, 3), (90, 120, 200), np.uint8))
    sky = str(tmp_path / "sky.png")
    cases: list[tuple[str, list[str], dict[str, Any]]] = [
        ("a.jpg", ["--background", sky, "--fit", "tile"], {"background": sky, "fit": "tile"}),
        ("b.jpg", ["--background", "blur", "--blur", "4"], {"background": "blur", "blur": 4}),
        ("c.jpg", ["--background", "blur", "--lens"], {"background": "blur", "lens": True}),
        ("d.png", ["--crop", "2x2in", "--background", "#d7e3ee"], {"crop": "2x2in", "background": BLUISH}),
        ("e.png", ["--model", "unet", "--shift", "-2"], {"model": "unet", "shift": -2}),
        ("f.png", ["--refine", "none", "--subjects", "1"], {"refine": "none", "subjects": 1}),
    ]
    for target, command, options in cases:
        assert main(["cut", str(PORTRAIT), "-o", str(tmp_path / target), *command]) == 0
        result = limner.cut(PORTRAIT, **options)
        assert result.encode(Path(target).suffix) == (tmp_path / target).read_bytes()


def test_all_kinds_of_pictures_come_in(portrait: Image) -> None:
    data = PORTRAIT.read_bytes()
    expected = limner.cut(PORTRAIT).rgba
    for source in (str(PORTRAIT), data, io.BytesIO(data), limner.load_photo(PORTRAIT), portrait):
        np.testing.assert_array_equal(limner.cut(source).rgba, expected)
    with PIL.Image.open(PORTRAIT) as picture:
        np.testing.assert_array_equal(limner.cut(picture).rgba, expected)
    wrong: list[Any] = [None, 3, [1, 2], {}]
    for nothing in wrong:
        with pytest.raises(InputError, match="a picture is a path, bytes"):
            limner.cut(nothing)


def test_what_a_result_holds(portrait: Image) -> None:
    result = limner.cut(portrait)
    assert result.alpha.shape == portrait.shape[:2]
    np.testing.assert_array_equal(result.rgba[..., 3], to_uint8(result.alpha))
    assert not result.rgba[result.rgba[..., 3] == 0].any()
    assert result.pillow.mode == "RGBA"
    np.testing.assert_array_equal(decode(result._repr_png_()), result.rgba)
    white = limner.cut(portrait, background="white")
    assert white.pillow.mode == "RGB"
    np.testing.assert_array_equal(white.image, np.asarray(white.pillow))
    assert (white.rgba[..., 3] == 255).all()
    assert limner.cut(portrait, mask=True).pillow.mode == "L"


@pytest.mark.parametrize("background", ["original", "blur", "grey"])
def test_hidden_colours_are_shown_in_no_format(background: str, tmp_path: Path, portrait: Image) -> None:
    hidden = np.dstack((np.asarray(small(portrait)), np.full((SIDE, SIDE), 255, np.uint8)))
    hidden[:, :30] = (255, 0, 200, 0)
    save_image(tmp_path / "hidden.png", hidden)
    for name in ("out.png", "out.tif", "out.jpg", "out.webp", "out.bmp"):
        target = tmp_path / name
        assert main(["cut", str(tmp_path / "hidden.png"), "--background", background, "-o", str(target)]) == 0
        limner.cut(tmp_path / "hidden.png", background=background).save(tmp_path / f"python-{name}")
        assert (tmp_path / f"python-{name}").read_bytes() == target.read_bytes()
        assert load_image(target)[:, :22].min() >= 240  # nothing, which is shown over white


def test_an_animation_is_played_as_often_as_it_was(tmp_path: Path, portrait: Image) -> None:
    frames = [small(portrait).rotate(angle) for angle in (0, 5)]
    frames[0].save(tmp_path / "once.gif", save_all=True, append_images=frames[1:], duration=[70_000, 50])
    for extension in ANIMATED:
        assert main(["cut", str(tmp_path / "once.gif"), "-o", str(tmp_path / f"out{extension}")]) == 0
        made = load_animation(tmp_path / f"out{extension}")
        assert made.plays == 1
        assert [duration for _, duration in made.frames] == [70_000, 50]


def test_segment_render_and_cut_are_one_road(portrait: Image) -> None:
    photo = limner.load_photo(PORTRAIT)
    alpha = limner.segment(photo)
    for options in (limner.Options(), limner.Options(background="blur"), limner.Options(crop="square")):
        rendered = limner.render(photo, alpha, options)
        assert encode_photo(rendered, ".png") == limner.cut(PORTRAIT, **options.non_default()).encode(".png")


def test_segment_is_refined_once(portrait: Image) -> None:
    network = remove_specks(Segmenter()(portrait))
    np.testing.assert_array_equal(limner.segment(portrait), limner.refine_alpha(portrait, network))
    np.testing.assert_array_equal(limner.segment(portrait, refine="none"), network)
    with pytest.raises(InputError, match="unknown refine 'much'"):
        limner.segment(portrait, refine="much")


def test_an_alpha_is_saved_as_grey(portrait: Image, tmp_path: Path) -> None:
    alpha = limner.segment(portrait)
    for name, exact in (("a.png", True), ("a.tif", True), ("a.jpg", False), ("a.webp", False)):
        limner.save_image(tmp_path / name, alpha)
        found = load_image(tmp_path / name)[..., 0].astype(int)
        assert np.abs(found - to_uint8(alpha)).max() <= (0 if exact else 12)
    limner.save_image(tmp_path / "mask.png", alpha >= 0.5)
    assert set(np.unique(decode(tmp_path / "mask.png"))) == {0, 255}
    with pytest.raises(InputError, match="an alpha is"):
        limner.save_image(tmp_path / "b.png", alpha * 300)
    assert not (tmp_path / "b.png").exists()


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown option 'backgroud': did you mean 'background'"):
        limner.cut(PORTRAIT, backgroud="white")
    with pytest.raises(InputError, match="no such file"):
        limner.cut(PORTRAIT, background="none.jpg")
    with pytest.raises(InputError, match="JPEG has no transparency"):
        limner.cut(PORTRAIT).save(tmp_path / "a.jpg")
    with pytest.raises(limner.OutputError, match="its folder does not exist"):
        limner.cut(PORTRAIT).save(tmp_path / "no" / "a.png")


@pytest.mark.parametrize(
    ("error", "theirs"),
    [
        (limner.InputError, ValueError),
        (limner.OutputError, OSError),
        (limner.MissingExtraError, ImportError),
    ],
)
def test_errors_are_those_that_python_users_catch(error: type, theirs: type) -> None:
    assert issubclass(error, theirs)
    assert issubclass(error, limner.LimnerError)
