"""A clip with its subject cut out: decoding, network, mattes and encoding, each in its own threads."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from limner.errors import InputError
from limner.mattes.masks import remove_specks
from limner.models.segmenter import MIN_SIDE, Segmenter
from limner.models.spec import DEFAULT_MODEL
from limner.parallel import ahead, keep_to, thread_map
from limner.rendering.options import PICTURE, Options
from limner.video.background import MovingBackground
from limner.video.compositor import Compositor, Matted
from limner.video.decoder import Item
from limner.video.motion_features import MotionTracker
from limner.video.outputs import USUAL, Encoding, choose_output
from limner.video.reader import Clip, opened
from limner.video.temporal import TemporalFilter, edge_grid
from limner.video.writer import Outcome, write_items

_T = TypeVar("_T")

BATCH = 4
"""Frames of a file that the network sees at a time; of a camera one, as that adds no delay."""
CUT_OUT = Options()


def cut(
    source: str | Path | BinaryIO | Clip,
    target: str | Path,
    options: Options = CUT_OUT,
    *,
    segmenter: Segmenter | None = None,
    behind: str | Path | None = None,
    temporal: bool = True,
    encoding: Encoding = USUAL,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Cut the subject out of every frame: what the command ``limner video`` does.

    The target appears when it is whole; after a stop, or the end of a clip that is cut off, it holds what was
    done until then.

    Args:
        source: A clip, or its path.
        target: A file such as "out.mp4", or a folder for PNG files; see `limner.video.outputs.choose_output`.
        options: What to make of each frame; by default a cut-out, which .webm, .mov, .mkv and PNG files hold.
        segmenter: Finds the subject; by default the model `base`.
        behind: A video that goes behind the subject, repeated where it is shorter.
        temporal: Filter the mattes over time.
        encoding: How it is written.
        stop: Asked before every frame whether to end here.

    Raises:
        InputError: If the clip cannot be read, or the options do not suit it.
        OutputError: If the target cannot be written.

    Example:
        >>> cut("call.mp4", "blurred.mp4", Options(background="blur"))  # doctest: +SKIP
    """
    with ExitStack() as stack:
        clip = stack.enter_context(opened(source))
        if min(clip.size) < MIN_SIDE:
            raise InputError(
                f"{clip.name}: {clip.size[1]} x {clip.size[0]} pixels are too few to find a person in: give "
                f"a video of at least {MIN_SIDE} x {MIN_SIDE}"
            )
        options = with_video(options, behind)
        output = choose_output(
            target, encoding, transparent=options.transparent, matte=options.mask, deep=clip.deep
        )
        formats = output.working_format, output.format
        compositor = Compositor(options, clip.scaler, clip.size, formats=formats)
        segmenter = segmenter or Segmenter(DEFAULT_MODEL, threads=1)
        tracker = MotionTracker(edge_grid(clip.size)) if temporal else None
        backdrop = None
        if behind is not None:
            backdrop = stack.enter_context(closing(MovingBackground(behind, clip, formats[0], options)))

        def in_thread(items: Iterator[_T]) -> Iterator[_T]:
            return stack.enter_context(closing(ahead(items)))

        items = in_thread(clip.frames(formats[0], stop=stop))
        batch = 1 if clip.live else BATCH
        matted = in_thread(with_mattes(items, clip, segmenter, backdrop, batch=batch, tracker=tracker))
        if temporal:
            matted = in_thread(_filtered(matted, compositor, TemporalFilter(refine=options.refine != "none")))

        def composed(item: Matted) -> Item:
            with keep_to(1):  # others are under way beside it
                return Item(compositor(item if temporal else compositor.refined(item)), item.sound)

        finished = in_thread(thread_map(composed, matted))
        sound = clip.sound if encoding.sound else ()
        outcome = write_items(finished, output, clip.info, sound=sound, expected=clip.expected)
        outcome.stopped, outcome.broken, outcome.repaired = stop(), clip.broken, clip.repaired
    return outcome


def with_video(options: Options, behind: str | Path | None) -> Options:
    """The options with a video behind the subject, where there is one.

    Raises:
        InputError: If the background is a picture and there is none.
    """
    if behind is not None and options.background != PICTURE:
        return replace(options, background=PICTURE)
    if behind is None and options.background == PICTURE and options.picture is None:
        raise InputError(f"background '{PICTURE}': give the path of the picture instead")
    return options


def with_mattes(
    items: Iterator[Item],
    clip: Clip,
    segmenter: Segmenter,
    backdrop: MovingBackground | None,
    *,
    batch: int = BATCH,
    tracker: MotionTracker | None = None,
) -> Generator[Matted, None, None]:
    """Frames with their alphas, at the network's size, and motion features."""
    while some := list(islice(items, batch)):
        images = [
            clip.scaler.rgb(frame, segmenter.spec.input_size((frame.height, frame.width)))
            for frame, _ in some
        ]
        alphas = map(remove_specks, segmenter.batch(images))
        for (frame, sound), image, alpha in zip(some, images, alphas, strict=True):
            behind = None if backdrop is None else backdrop.at(float((frame.pts or 0) * clip.time_base))
            features = None if tracker is None else tracker(image, alpha)
            yield Matted(frame, alpha, image, features, behind, sound)


def _filtered(
    items: Iterator[Matted], compositor: Compositor, temporal: TemporalFilter
) -> Generator[Matted, None, None]:
    """Frames with their alphas at the frame's size."""
    for item in items:
        with keep_to(1):  # others are under way beside it
            alpha = temporal(compositor.pixels(item), item.seen, item.alpha, item.features)
        yield replace(item, alpha=alpha)
