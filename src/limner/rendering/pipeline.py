"""From an encoded picture to the encoded result, for Python, commands and batches."""

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
    load_animation,
    load_photo,
)
from limner.mattes.confidence import expected_iou
from limner.rendering.options import Options
from limner.rendering.render import refined_alpha, render_photo, storable

OnStage: TypeAlias = Callable[[str], None]
"""Told the name of each stage when it is over: decode, network, refine, render, encode."""

Segment: TypeAlias = Callable[[Image], Alpha]
"""A network: image -> alpha, not refined."""


class Encoded(NamedTuple):
    """What came of a picture."""

    data: bytes
    size: Size  # of its pixels
    confidence: float  # see `expected_iou`; of an animation, its least certain frame's


def run(
    source: Source,
    segment: Segment,
    options: Options,
    *,
    extension: str,
    compress: bool = False,
    metadata: Metadata = "no-gps",
    on_stage: OnStage = lambda _: None,
) -> Encoded:
    """Decode, segment, refine, render and encode; of an animation every frame, where the format holds them.

    Args:
        source: A path, the bytes of a file, or an open binary file.
        segment: The network.
        options: What to make.
        extension: Of the result, one of `FORMATS` or `ANIMATED`.
        compress: Take longer for a smaller file.
        metadata: What is kept of the EXIF data; nothing in animations.
        on_stage: Told when a stage is over.

    Raises:
        InputError: If the picture or an option cannot be used; if an animation is to be cropped.
    """
    if extension in ANIMATED:
        frames, plays = load_animation(source)
    else:
        frames, plays = iter([(load_photo(source), 0)]), 0
    confidences: list[float] = []

    def observed(image: Image) -> Alpha:
        alpha = segment(image)
        confidences.append(expected_iou(alpha))
        return alpha

    rendered = _rendered(frames, observed, options, on_stage)
    first, second = next(rendered), next(rendered, None)
    if second is None and extension in FORMATS:
        photo = storable(first[0], options, extension)
        data = encode_photo(photo, extension, compress=compress, metadata=metadata)
    else:
        moving = chain([first], [second] if second else [], rendered)
        data = encode_frames(moving, extension, plays=plays, compress=compress)
    on_stage("encode")
    height, width = first[0].pixels.shape[:2]
    return Encoded(data, (height, width), min(confidences))


def check_target(path: str, options: Options) -> None:
    """Refuse a target whose extension is unknown, or whose format cannot hold the result.

    Raises:
        InputError: If so.
        MissingExtraError: If a package is missing that the format needs.
    """
    if Path(path).suffix.lower() not in ANIMATED:
        check_format(path, transparent=options.transparent)


def _rendered(
    frames: Iterator[tuple[Photo, int]], segment: Segment, options: Options, on_stage: OnStage
) -> Iterator[tuple[Photo, int]]:
    for count, (photo, duration_ms) in enumerate(frames):
        on_stage("decode")
        if count and options.crop:
            raise InputError("an animation cannot be cropped, since the subject moves: leave out the crop")
        alpha = segment(photo.image)
        on_stage("network")
        alpha = refined_alpha(photo, alpha, options)
        on_stage("refine")
        made = render_photo(photo, alpha, options)
        del photo, alpha
        on_stage("render")
        yield made, duration_ms
        on_stage("encode")
