"""A clip made of pictures: those of another clip, changed by a function, or any."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from av import VideoFrame

from limner.errors import InputError
from limner.images import Image, Photo, Picture, as_photo
from limner.parallel import ahead
from limner.video.decoder import Item, Sound
from limner.video.frames import RGB_AS_VIDEO, Scaler, StreamInfo, alpha_plane, blank, fill, picture_of, planes
from limner.video.outputs import USUAL, Encoding, Output, choose_output
from limner.video.reader import Clip, Frame, opened
from limner.video.writer import Outcome, write_items

TICK = Fraction(1, 90_000)
"""Seconds of one unit of the times of a new clip: common frame rates are whole numbers of it."""


class _Timed(NamedTuple):
    photo: Photo
    pts: int
    duration: int
    sound: list[Sound]


def map_frames(
    source: str | Path | BinaryIO | Clip,
    target: str | Path,
    function: Callable[[Image], Any],
    *,
    encoding: Encoding = USUAL,
) -> Outcome:
    """Write a clip with every frame changed by a function; its sound and the times of its frames are kept.

    Args:
        source: A clip, or its path.
        target: A file such as "out.mp4", or a folder for PNG files; see `limner.video.outputs.choose_output`.
        function: From a frame, (H, W, 3) uint8, to a picture: an array (h, w, 3), or (h, w, 4) with straight
            opacity, or whatever else `limner.images.as_photo` takes; of one size. Called in order, from one
            thread.
        encoding: How it is written.

    Raises:
        InputError: If the clip cannot be read, or the function gives no pictures, or some of several sizes.
        OutputError: If the target cannot be written; nothing is left behind then.

    Example:
        >>> map_frames("call.mp4", "negative.mp4", lambda image: 255 - image)  # doctest: +SKIP
    """

    def changed(item: Item) -> _Timed:
        frame, sound = item
        return _Timed(as_photo(function(picture_of(frame))), frame.pts or 0, frame.duration, sound)

    with opened(source) as clip, closing(ahead(clip.frames("gbrp"))) as items:
        outcome = _write(
            map(changed, items), target, clip.info, encoding, sound=clip.sound, expected=clip.expected
        )
        outcome.broken, outcome.repaired = clip.broken, clip.repaired
    return outcome


def write_clip(
    target: str | Path,
    frames: Iterable[Picture | Frame],
    *,
    like: Clip | None = None,
    rate: float | Fraction | None = None,
    encoding: Encoding = USUAL,
) -> Outcome:
    """Write pictures as a clip without sound (`map_frames` keeps it).

    Args:
        target: As of `map_frames`.
        frames: Arrays (H, W, 3) uint8, or (H, W, 4) with straight opacity, or whatever else
            `limner.images.as_photo` takes, of one size; a `Frame` keeps its time.
        like: A clip whose frame rate, colours and notes (title, date) the new one gets.
        rate: Frames a second; by default those of ``like``.
        encoding: How it is written.

    Raises:
        InputError: If there is no frame, or frames of several sizes, or no rate.
        OutputError: If the target cannot be written; nothing is left behind then.

    Example:
        >>> ramp = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
        >>> write_clip("ramp.mp4", [np.roll(ramp, n, axis=1) for n in range(50)], rate=25)  # doctest: +SKIP
    """
    if rate is None and like is None:
        raise InputError("how many frames a second? Give rate, or like, a clip that has one")
    if rate is not None and not rate > 0:
        raise InputError(f"rate, frames a second, must be above 0, got {rate}")
    info = like.info if like is not None else StreamInfo((0, 0), Fraction(1), TICK, RGB_AS_VIDEO, {})
    if rate is not None:
        info = replace(info, rate=Fraction(rate).limit_denominator(1001))
    return _write(_timed(frames, info.rate), target, replace(info, time_base=TICK), encoding)


def _timed(frames: Iterable[Picture | Frame], rate: Fraction) -> Iterator[_Timed]:
    for number, frame in enumerate(frames):
        start, end = number / rate, (number + 1) / rate
        picture: Any = frame
        if isinstance(frame, Frame):
            picture, start = frame.image, Fraction(frame.time_s)
            end = start + Fraction(frame.duration_s)
        yield _Timed(as_photo(picture), round(start / TICK), round(end / TICK) - round(start / TICK), [])


def _write(
    items: Iterator[_Timed], target: str | Path, info: StreamInfo, encoding: Encoding, **rest: Any
) -> Outcome:
    """Write pictures with their sound; what the first picture is like, all are."""
    if (first := next(items, None)) is None:
        raise InputError("there is no frame to write")
    size, transparent = first.photo.pixels.shape[:2], first.photo.alpha is not None
    output = choose_output(target, encoding, transparent=transparent)
    scaler = Scaler(info.colours, size)

    def encoded(item: _Timed) -> Item:
        found = item.photo.pixels.shape[:2], item.photo.alpha is not None
        if found != (size, transparent):
            raise InputError(
                f"frames differ at {float(item.pts * info.time_base):.6g} s: {_told(*found)}, before "
                f"{_told(size, transparent)}"
            )
        return Item(_frame(item, output, scaler), item.sound)

    if not encoding.sound:
        rest["sound"] = ()
    return write_items(map(encoded, chain([first], items)), output, replace(info, size=size), **rest)


def _frame(item: _Timed, output: Output, scaler: Scaler) -> VideoFrame:
    """A picture in the format of the output."""
    photo = item.photo
    colours = scaler.planes(Photo(pixels=photo.pixels, profile=photo.profile).image, output.working_format)
    colours.pts, colours.duration = item.pts, item.duration
    if photo.alpha is None:
        return colours
    frame = blank(output.format, photo.alpha.shape, colours)
    return fill(frame, [*planes(colours), alpha_plane(photo.alpha, output.format)])


def _told(size: tuple[int, ...], transparent: bool) -> str:
    return f"{size[1]} x {size[0]} pixels {'with' if transparent else 'without'} opacity"
