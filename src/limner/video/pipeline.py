"""A whole clip: decoding, network, finishing and encoding, each in its own threads and in bounded memory."""

import math
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

import numpy as np
from av import Packet, VideoFrame
from numpy.typing import NDArray
from tqdm import tqdm

from limner.errors import InputError
from limner.images import Image, check_format, resize_longest, save_image
from limner.mattes.masks import remove_specks
from limner.models.segmenter import MIN_SIDE, Segmenter
from limner.parallel import keep_to, thread_map
from limner.rendering.backgrounds import mix
from limner.rendering.options import Options
from limner.video.background import MovingBackground
from limner.video.compositor import Composer, Matted
from limner.video.motion_features import Watcher
from limner.video.outputs import Target
from limner.video.reader import Clip, Item, Sound
from limner.video.temporal import Steady, edge_grid
from limner.video.writer import open_writer, picture_of

_T = TypeVar("_T")
Passing: TypeAlias = "Matted | Sound"
"""What goes from the network to the composer."""

BATCH = 4
"""Frames of a file that the network sees at a time."""
AHEAD = 4
"""Items that a stage may be ahead of the next."""
SHEET = 100
"""Frames on a sheet, at most."""
CELL, GAP, PAPER = 240, 4, 24
"""Longer side of a frame on a sheet, pixels; what is between them; its grey."""


@dataclass
class Outcome:
    """What became of a clip."""

    frames: int = 0
    seconds: float = 0.0  # of the clip that were written
    wall_s: float = 0.0
    stopped: bool = False  # before its end, because that was asked for
    broken: str = ""  # what was wrong with the input; what was there of it is written
    repaired: int = 0  # times of frames and packets of sound that were out of order


def cut_video(
    clip: Clip,
    target: Target,
    segmenter: Segmenter,
    options: Options,
    *,
    behind: Path | None = None,
    steady: bool = True,
    quality: int | None = None,
    sound: bool = True,
    batch: int = BATCH,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Cut the subject out of every frame.

    The target appears when it is whole; after a stop, or the end of a clip that is cut off, it holds what was
    done until then.

    Args:
        clip: What to read, once.
        target: What to write.
        segmenter: Finds the subject.
        options: What to make of each frame.
        behind: A video that goes behind the subject where the background is "picture", repeated where it is
            shorter.
        steady: Filter the mattes over time.
        quality: Of the codec, by its own scale.
        sound: Copy the sound.
        batch: Frames that the network sees at a time; 1 adds the least delay.
        stop: Asked before every frame whether to end here.

    Raises:
        InputError: If the options do not suit the clip.
        OutputError: If the target cannot be written.
    """
    if min(clip.size) < MIN_SIDE:
        raise InputError(
            f"{clip.name}: {clip.size[1]} x {clip.size[0]} pixels are too few to find a person in: give a "
            f"video of at least {MIN_SIDE} x {MIN_SIDE}"
        )
    working = target.working_format(clip)
    composer = Composer(options, clip.scaler, clip.size, formats=(working, target.format(clip)))
    outcome = Outcome()
    started = time.perf_counter()
    with ExitStack() as stack:
        backdrop = None
        if behind is not None:
            backdrop = stack.enter_context(
                MovingBackground(behind, clip, working, fit=options.fit, align=options.align[::-1])
            )
        writer = open_writer(target, clip, quality=quality, sound=sound)
        bar = stack.enter_context(tqdm(total=clip.expected or None, unit="frame", disable=None))
        try:
            items = stack.enter_context(ahead(clip.frames(working, stop=stop)))
            watcher = Watcher(edge_grid(clip.size)) if steady else None
            matted = stack.enter_context(ahead(_matted(items, clip, segmenter, backdrop, batch, watcher)))
            if steady:
                mattes = _steadied(matted, composer, Steady(lay=options.refine != "none"))
                matted = stack.enter_context(ahead(mattes))
            finish = _finisher(composer, edge=not steady)
            for item in stack.enter_context(ahead(thread_map(finish, matted))):
                if isinstance(item, Packet):
                    writer.sound(item)
                    continue
                writer.frame(item)
                outcome.frames += 1
                end = (item.pts or 0) + item.duration
                outcome.seconds = max(outcome.seconds, float(end * clip.time_base))
                bar.update()
            if not outcome.frames:
                raise InputError(f"{clip.name}: stopped before its first frame; nothing is written")
            writer.finish()
        except BaseException:
            writer.abandon()
            raise
    outcome.stopped = stop()
    outcome.broken = clip.broken
    outcome.repaired = clip.repaired
    outcome.wall_s = time.perf_counter() - started
    return outcome


def preview_video(
    clip: Clip,
    path: str | Path,
    segmenter: Segmenter,
    options: Options,
    *,
    every: int,
    behind: Path | None = None,
) -> None:
    """Write every so manieth frame, finished, on one sheet; at most `SHEET` of them.

    Raises:
        InputError: As `cut_video`.
    """
    check_format(path, transparent=False)
    composer = Composer(
        options,
        clip.scaler,
        clip.size,
        formats=("gbrp", "gray" if options.mask else "gbrap" if options.transparent else "gbrp"),
    )
    cells: list[Image] = []
    with ExitStack() as stack:
        backdrop = None
        if behind is not None:
            backdrop = stack.enter_context(
                MovingBackground(behind, clip, "gbrp", fit=options.fit, align=options.align[::-1])
            )
        frames = (item for item in clip.frames("gbrp") if isinstance(item, VideoFrame))
        chosen = (frame for number, frame in enumerate(frames) if number % every == 0)
        for item in _matted(islice(chosen, SHEET), clip, segmenter, backdrop, BATCH):
            assert isinstance(item, Matted)
            cells.append(_cell(picture_of(composer(composer.edge(item)))))
    columns = math.ceil(math.sqrt(len(cells)))
    height, width = (length + GAP for length in cells[0].shape[:2])
    sheet = np.full((-(-len(cells) // columns) * height + GAP, columns * width + GAP, 3), PAPER, np.uint8)
    for number, cell in enumerate(cells):
        top, left = GAP + number // columns * height, GAP + number % columns * width
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    save_image(path, sheet)


def _cell(found: NDArray[np.uint8]) -> Image:
    """A finished frame as it is shown on a sheet: small, in colours, on a check where it is transparent."""
    image = np.repeat(found[..., None], 3, axis=2) if found.ndim == 2 else found[..., :3]
    cell = resize_longest(np.ascontiguousarray(image), CELL)
    if found.ndim == 2 or found.shape[2] == 3:
        return cell
    alpha = resize_longest(found[..., 3].astype(np.float32) / np.float32(255), CELL)
    rows, columns = np.indices(alpha.shape) // 8
    check = np.where((rows + columns) % 2, 192, 240).astype(np.uint8)
    return mix(cell, alpha, np.repeat(check[..., None], 3, axis=2))


def ahead(source: Iterator[_T]) -> "closing[Generator[_T, None, None]]":
    """What an iterator gives, computed in a thread of its own, at most `AHEAD` items before they are taken.

    Closing it ends the thread; what the iterator raises is raised where the next item would come.
    """
    items: queue.Queue[tuple[_T | None, BaseException | None] | None] = queue.Queue(AHEAD)
    closed = threading.Event()

    def put(entry: tuple[_T | None, BaseException | None] | None) -> bool:
        while not closed.is_set():
            try:
                items.put(entry, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in source:
                if not put((item, None)):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that takes the items
            put((None, error))

    thread = threading.Thread(target=produce, daemon=True)

    def consume() -> Generator[_T, None, None]:
        thread.start()
        try:
            while (entry := items.get()) is not None:
                item, error = entry
                if error is not None:
                    raise error
                yield cast(_T, item)
        finally:
            closed.set()
            thread.join()

    return closing(consume())


def _matted(
    items: Iterator[Item],
    clip: Clip,
    segmenter: Segmenter,
    backdrop: MovingBackground | None,
    batch: int,
    watcher: Watcher | None = None,
) -> Iterator[Passing]:
    """Frames with their alphas, at the network's size, and clues, and the packets among them."""
    waiting: list[Item] = []

    def run() -> Iterator[Passing]:
        frames = [item for item in waiting if isinstance(item, VideoFrame)]
        images = [
            clip.scaler.rgb(frame, segmenter.spec.input_size((frame.height, frame.width))) for frame in frames
        ]
        alphas = zip(images, map(remove_specks, segmenter.batch(images)), strict=True)
        for item in waiting:
            if isinstance(item, Packet):
                yield item
                continue
            behind = None if backdrop is None else backdrop.at(float((item.pts or 0) * clip.time_base))
            image, alpha = next(alphas)
            clues = None if watcher is None else watcher(image, alpha)
            yield Matted(item, alpha, image, clues, behind)
        waiting.clear()

    for item in items:
        waiting.append(item)
        if sum(isinstance(one, VideoFrame) for one in waiting) == batch:
            yield from run()
    yield from run()


def _steadied(items: Iterator[Passing], composer: Composer, steady: Steady) -> Iterator[Passing]:
    """Frames with their alphas at the frame's size, and the packets among them."""
    for item in items:
        if isinstance(item, Packet):
            yield item
            continue
        with keep_to(1):  # others are under way beside it
            alpha = steady(composer.pixels(item), item.seen, item.alpha, item.clues)
        yield replace(item, alpha=alpha)


def _finisher(composer: Composer, *, edge: bool) -> "Callable[[Passing], VideoFrame | Sound]":
    """From a frame and its alpha to the finished frame, its edge laid first where that is to be done."""

    def finish(item: Passing) -> "VideoFrame | Sound":
        if isinstance(item, Packet):
            return item
        with keep_to(1):  # others are under way beside it
            return composer(composer.edge(item) if edge else item)

    return finish
