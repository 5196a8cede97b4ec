import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest

from limner.errors import InputError
from limner.images import (
    ANIMATED,
    Photo,
    encode_frames,
    encode_photo,
    load_animation,
    load_photo,
)
from tests.images.profiles import wide_profile
from tests.images.test_decode import encoded

COLOURS = [(250, 20, 10), (10, 240, 30), (30, 20, 250)]


def scene(count: int = 3, **more: Any) -> Iterator[tuple[Photo, int]]:
    """Flat frames with a clear square that moves."""
    for place in range(count):
        pixels = np.full((40, 61, 3), COLOURS[place % 3], np.uint8)
        alpha = np.ones((40, 61), np.float32)
        alpha[5:25, 10 * (place % 3) : 10 * (place % 3) + 10] = 0
        yield Photo(pixels=pixels, alpha=alpha, **more), 40 + 10 * (place % 3)


@pytest.mark.parametrize("extension", ANIMATED)
def test_what_pillow_shows(extension: str) -> None:
    with PIL.Image.open(io.BytesIO(encode_frames(scene(), extension))) as picture:
        shown = [
            (np.asarray(frame.convert("RGBA")), frame.info["duration"])
            for frame in PIL.ImageSequence.Iterator(picture)
        ]
        assert picture.info.get("loop") == 0
    assert len(shown) == 3
    for (seen, duration), (photo, expected) in zip(shown, scene(), strict=True):
        assert photo.alpha is not None
        assert duration == expected
        np.testing.assert_array_equal(seen[..., 3], photo.alpha * 255)
        visible = photo.alpha == 1
        assert np.abs(seen[..., :3].astype(int) - photo.pixels)[visible].max() <= (
            8 if extension == ".webp" else 0
        )


@pytest.mark.parametrize("extension", ANIMATED)
def test_out_and_back(extension: str) -> None:
    frames = list(load_animation(encode_frames(scene(), extension)).frames)
    for (photo, duration), (expected, expected_duration) in zip(frames, scene(), strict=True):
        assert duration == expected_duration
        np.testing.assert_array_equal(photo.alpha, expected.alpha)
    again = list(load_animation(encode_frames(iter(frames), ".png")).frames)
    for (photo, _), (expected, _) in zip(again, frames, strict=True):
        np.testing.assert_array_equal(photo.pixels, expected.pixels)


def test_frames_that_pillow_wrote_are_whole() -> None:
    """It stores what changed; a frame is what is seen."""
    still = PIL.Image.new("RGB", (50, 30), "red")
    moved = still.copy()
    moved.paste("blue", (10, 10, 20, 20))
    for name in ("GIF", "PNG", "WEBP"):
        options: dict[str, Any] = {"lossless": True} if name == "WEBP" else {}
        data = encoded(still, name, save_all=True, append_images=[moved], duration=[70, 130], **options)
        (first, one), (second, two) = load_animation(data).frames
        assert (one, two) == (70, 130)
        np.testing.assert_array_equal(first.image, np.asarray(still))
        np.testing.assert_array_equal(second.image, np.asarray(moved))


@pytest.mark.parametrize("plays", [0, 1, 2, 5])
@pytest.mark.parametrize("extension", ANIMATED)
def test_it_is_played_as_often_as_it_was(extension: str, plays: int) -> None:
    data = encode_frames(scene(), extension, plays=plays)
    assert load_animation(data).plays == plays
    with PIL.Image.open(io.BytesIO(data)) as picture:
        repeats = {0: 0, 1: None}.get(plays, plays - 1)  # a GIF says how often it is played again
        assert picture.info.get("loop") == (repeats if extension == ".gif" else plays)


@pytest.mark.parametrize("extension", ANIMATED)
@pytest.mark.parametrize("duration_ms", [10, 65_530, 70_000, 655_350])
def test_a_long_pause_is_kept(duration_ms: int, extension: str) -> None:
    frames = [(photo, duration_ms) for photo, _ in scene(2)]
    data = encode_frames(frames, extension)
    assert [duration for _, duration in load_animation(data).frames] == [duration_ms] * 2


@pytest.mark.parametrize(("extension", "most_ms"), [(".gif", 655_350), (".webp", 2**24 - 1)])
def test_a_pause_that_a_format_cannot_say_is_cut_and_said(
    extension: str, most_ms: int, caplog: pytest.LogCaptureFixture
) -> None:
    data = encode_frames([(photo, 2**25) for photo, _ in scene(2)], extension)
    assert [duration for _, duration in load_animation(data).frames] == [most_ms] * 2
    assert f"is shown for {most_ms / 1e3:g} s" in caplog.text


@pytest.mark.parametrize("extension", [".webp", ".png"])
def test_profile_goes_with_it(extension: str) -> None:
    data = encode_frames(scene(profile=wide_profile()), extension)
    assert all(photo.profile == wide_profile() for photo, _ in load_animation(data).frames)


def test_a_gif_is_in_srgb() -> None:
    (photo, _), *_ = load_animation(encode_frames(scene(profile=wide_profile()), ".gif")).frames
    (expected, _), *_ = scene(profile=wide_profile())
    np.testing.assert_array_equal(
        photo.pixels[0, 0], Photo(pixels=expected.pixels, profile=wide_profile()).image[0, 0]
    )


def test_a_still_picture_has_one_frame() -> None:
    deep = Photo(pixels=np.full((4, 5, 3), 1000, np.uint16))
    [(photo, _)] = load_animation(encode_photo(deep, ".png")).frames
    np.testing.assert_array_equal(photo.pixels, deep.pixels)


def test_mattes_move_too() -> None:
    grey = [(Photo(pixels=np.full((9, 9), level, np.uint8)), 50) for level in (10, 200)]
    for extension in ANIMATED:
        levels = [photo.pixels[4, 4, 0] for photo, _ in load_animation(encode_frames(grey, extension)).frames]
        assert np.abs(np.array(levels, int) - [10, 200]).max() <= 2


def test_frames_are_taken_one_by_one() -> None:
    large, count = (300, 400), 30

    def frames() -> Iterator[tuple[Photo, int]]:
        for place in range(count):
            yield Photo(pixels=np.full((*large, 3), place, np.uint8)), 40

    tracemalloc.start()
    data = encode_frames(frames(), ".png")
    assert sum(1 for _ in load_animation(data).frames) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * count * 3 * large[0] * large[1]


@pytest.mark.parametrize("extension", ANIMATED)
def test_damaged_frames_are_said(extension: str) -> None:
    data = encode_frames(scene(), extension)
    with pytest.raises(InputError, match=r"damaged|not a picture"):
        list(load_animation(data[: int(len(data) * 0.6)]).frames)


def test_what_no_animation_holds() -> None:
    with pytest.raises(InputError, match=r"'\.jpg' holds no animation"):
        encode_frames(scene(), ".jpg")
    with pytest.raises(InputError, match="at least one frame"):
        encode_frames([], ".gif")
    frames = [(Photo(pixels=np.zeros((4, side, 3), np.uint8)), 50) for side in (4, 5)]
    with pytest.raises(InputError, match="differ in size"):
        encode_frames(frames, ".webp")
    with pytest.raises(InputError, match="at least"):
        encode_frames([(frames[0][0], 0)], ".webp")


def test_the_first_frame_is_what_load_photo_gives(caplog: pytest.LogCaptureFixture) -> None:
    data = encode_frames(scene(), ".png")
    (first, _), *_ = load_animation(data).frames
    np.testing.assert_array_equal(load_photo(data).pixels, first.pixels)
    assert "only the first is used" in caplog.text
