"""From an encoded picture to the encoded result, the whole way: for commands and batches."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeAlias

from limner.errors import InputError
from limner.images import (
    ANIMATED,
    FORMATS,
    Alpha,
    Image,
    Metadata,
    Photo,
    Size,
    Source,
    check_format,
    encode_frames,
    encode_photo,
    load_frames,
    load_photo,
)
from limner.render.render import Finish, finish

Lap: TypeAlias = Callable[[str], None]
"""Told the name of each stage when it is over: decode, network, finish, encode."""


class Cut(NamedTuple):
    """What came of a picture."""

    data: bytes  # encoded
    size: Size  # of its pixels


def cut_picture(
    source: Source,
    segment: Callable[[Image], Alpha],
    options: Finish,
    *,
    extension: str,
    picture: Image | None = None,
    compress: bool = False,
    metadata: Metadata = "no-gps",
    lap: Lap = lambda _: None,
) -> Cut:
    """Decode, segment, finish and encode a picture; of an animation every frame, where the format holds them.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        segment: A network, image -> alpha.
        options: What to make.
        extension: Of the result, one of `FORMATS` or `ANIMATED`.
        picture: What goes behind the subject where the background is "picture".
        compress: Take longer for a smaller file.
        metadata: What is kept of the EXIF data; nothing in animations.
        lap: Told when a stage is over.

    Raises:
        InputError: If the picture or an option cannot be used; if an animation is to be cropped.
    """
    frames = load_frames(source) if extension in ANIMATED else iter([(load_photo(source), 0)])
    finished = _finished(frames, segment, options, picture, lap)
    first, second = next(finished), next(finished, None)
    if second is None and extension in FORMATS:
        data = encode_photo(first[0], extension, compress=compress, metadata=metadata)
    else:
        moving = chain([first], [second] if second else [], finished)
        data = encode_frames(moving, extension, compress=compress)
    lap("encode")
    height, width = first[0].pixels.shape[:2]
    return Cut(data, (height, width))


def check_target(path: str, options: Finish) -> None:
    """Refuse a target whose extension is unknown, or whose format cannot hold the result.

    Raises:
        InputError: If so, or if a package is missing that the format needs.
    """
    if Path(path).suffix.lower() not in ANIMATED:
        check_format(path, transparent=options.transparent)


def _finished(
    frames: Iterator[tuple[Photo, int]],
    segment: Callable[[Image], Alpha],
    options: Finish,
    picture: Image | None,
    lap: Lap,
) -> Iterator[tuple[Photo, int]]:
    def alpha_of(image: Image) -> Alpha:
        lap("decode")
        alpha = segment(image)
        lap("network")
        return alpha

    for count, (photo, shown_ms) in enumerate(frames):
        if count and options.crop:
            raise InputError("an animation cannot be cropped, since the subject moves: leave out the crop")
        made = finish(photo, alpha_of(photo.image), options, picture=picture)
        lap("finish")
        yield made, shown_ms
        lap("encode")
