"""From an encoded picture to the encoded result, for Python, commands and batches."""

import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from limner.errors import InputError
from limner.images import (
    ANIMATED,
    FORMATS,
    MAX_PIXELS,
    Alpha,
    Animation,
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
from limner.rendering.render import adjusted_alpha, compose, refined_alpha, storable

OnStage: TypeAlias = Callable[[str], None]
"""Told the name of each stage when it is over: decode, network, refine, render, encode."""

OnAlpha: TypeAlias = Callable[[Alpha], None]
"""Told the alpha of each frame before any crop, as it is composed."""

Segment: TypeAlias = Callable[[Image], Alpha]
"""A network: image -> alpha, not refined."""


class Encoded(NamedTuple):
    """What came of a picture."""

    data: bytes
    size: Size  # of its pixels
    confidence: float  # see `expected_iou`; of an animation, its least certain frame's


def run(
    source: Source | Animation,
    segment: Segment,
    options: Options,
    *,
    extension: str,
    compress: bool = False,
    metadata: Metadata = "no-gps",
    on_stage: OnStage = lambda _: None,
    on_alpha: OnAlpha = lambda _: None,
    alpha: Alpha | None = None,
    encode: Callable[[Photo], bytes] | None = None,
) -> Encoded:
    """Decode, segment, refine, render and encode; of an animation every frame, where the format holds them.

    Args:
        source: A path, the bytes of a file, an open binary file, or what `read_frames` made of one.
        segment: The network.
        options: What to make.
        extension: Of the result, one of `FORMATS` or `ANIMATED`.
        compress: Take longer for a smaller file.
        metadata: What is kept of the EXIF data; nothing in animations.
        on_stage: Told when a stage is over.
        on_alpha: Told the `adjusted_alpha` of each frame.
        alpha: (H, W) opacity of what is kept of each frame, instead of the network's; it is not refined.
        encode: How the first frame is encoded, instead of by its extension.

    Raises:
        InputError: If the picture or an option cannot be used; if an animation is to be cropped.
    """
    frames, plays = source if isinstance(source, Animation) else read_frames(source, extension)
    confidences: list[float] = []

    def network(image: Image) -> Alpha:
        alpha = segment(image)
        confidences.append(expected_iou(alpha))
        on_stage("network")
        return alpha

    def rendered() -> Iterator[tuple[Photo, int]]:
        for count, (photo, duration_ms) in enumerate(frames):
            on_stage("decode")
            if count and options.crop:
                raise InputError("an animation cannot be cropped, as the subject moves: leave out the crop")
            if alpha is None:
                found = refined_alpha(photo, network(photo.image), options)
            else:
                found = _subject_alpha(photo, alpha)
                confidences.append(expected_iou(alpha))
            on_stage("refine")
            found = adjusted_alpha(photo, found, options)
            on_alpha(found)
            made = compose(photo, found, options)
            del photo, found
            on_stage("render")
            yield made, duration_ms
            on_stage("encode")

    made = rendered()
    first, second = next(made), next(made, None)
    if encode is not None:
        data = encode(first[0])
    elif second is None and extension in FORMATS:
        photo = storable(first[0], options, extension)
        data = encode_photo(photo, extension, compress=compress, metadata=metadata)
    else:
        moving = chain([first], [second] if second else [], made)
        data = encode_frames(moving, extension, plays=plays, compress=compress)
    on_stage("encode")
    height, width = first[0].pixels.shape[:2]
    return Encoded(data, (height, width), min(confidences))


def _subject_alpha(photo: Photo, alpha: Alpha) -> Alpha:
    """The subject's own opacity, where a given alpha holds that of the photo too."""
    size = photo.pixels.shape[:2]
    if alpha.shape != size:
        raise InputError(
            f"the alpha is {alpha.shape[1]} x {alpha.shape[0]} pixels, the picture {size[1]} x {size[0]}"
        )
    if photo.alpha is None:
        return alpha
    return np.divide(alpha, photo.alpha, out=np.zeros_like(alpha), where=photo.alpha > 0).clip(0, 1)


def read_frames(
    source: Source, extension: str, *, max_pixels: int = MAX_PIXELS, max_all: int | None = None
) -> Animation:
    """The frames of a picture, where a result of this extension holds several; else the first one.

    Raises:
        InputError: As `load_animation`.
    """
    if extension in ANIMATED:
        return load_animation(source, max_pixels=max_pixels, max_all=max_all)
    return Animation(iter([(load_photo(source, max_pixels=max_pixels), 0)]), 0)


def stage_clock(record: Callable[[str, float], None]) -> OnStage:
    """Records the name of each stage and how long it took since the last one, or since now, in seconds."""
    last = time.perf_counter()

    def on_stage(name: str) -> None:
        nonlocal last
        before, last = last, time.perf_counter()
        record(name, last - before)

    return on_stage


def check_target(path: str, options: Options) -> None:
    """Refuse a target whose extension is unknown, or whose format cannot hold the result.

    Raises:
        InputError: If so.
        MissingExtraError: If a package is missing that the format needs.
    """
    if Path(path).suffix.lower() not in ANIMATED:
        check_format(path, transparent=options.transparent)
