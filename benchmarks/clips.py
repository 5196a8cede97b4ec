"""Clips with exact alpha, from portraits that are moved over backgrounds: what `video.py` measures on.

A clip is upright, as a phone takes it, unless told otherwise. The portrait fills its height and reaches
beyond it, so that what its photo cut off stays out of sight. Subject and background are drawn for every frame
by a shift and a zoom of their own, five times within the exposure where they blur by motion; then comes the
noise of a sensor, anew in every frame. A clip with a cut has two subjects, one after the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sin
from pathlib import Path

import numpy as np

from limner.datasets import read_dataset
from limner.datasets.synthetic import paint_portrait
from limner.images import Alpha, Flow, Image, Size, load_image, resize_longest
from limner.mattes.foreground import estimate_foreground
from limner.mattes.masks import feather
from limner.training.camera import SIZE, Place, Subject, expose

FRAMES = 36
MOTIONS = ("still", "talk", "hand", "pan", "zoom", "blur", "cut")
"""Nothing moves; a head that sways; a hand that holds the camera; the subject passes by; the camera comes
nearer; fast turns, blurred by motion; another scene half-way."""
NOISE = 4.0  # standard deviation, grey levels
ASIDE = 4  # every so many of the backgrounds are kept out of every training
OPEN = 0.5  # of the time between two frames, that the shutter is open


@dataclass(frozen=True)
class Clip:
    """Frames and their true alphas."""

    name: str
    frames: list[Image]
    alphas: list[Alpha]


def painted_subjects(count: int, *, seed: int) -> list[Subject]:
    """Painted portraits: always at hand."""
    rng = np.random.default_rng(seed)
    layers = [paint_portrait(rng, (640, 480)) for _ in range(count)]
    return [Subject(part.foreground, part.alpha, part.background) for part in layers]


def real_subjects(folder: Path, count: int, *, first: int = 0) -> list[Subject]:
    """People of val.txt, of EG1800 and CelebAMask-HQ in turn, before backgrounds that trained nothing."""
    backgrounds = sorted((folder / "backgrounds").glob("*"))[::ASIDE]
    sets = [read_dataset(folder / name, "val") for name in ("eg1800", "celebamask-hq-5k")]
    found = []
    for number in range(first, first + count):
        image, alpha = sets[number % 2][number // 2].load()
        alpha = feather(alpha, 1)
        colours = estimate_foreground(image, alpha)
        behind = load_image(backgrounds[7 * number % len(backgrounds)])
        found.append(Subject(resize_longest(colours, 640), resize_longest(alpha, 640), behind))
    return found


def build(
    subjects: list[Subject], *, seed: int, motions: tuple[str, ...] = MOTIONS, size: Size = SIZE
) -> Iterator[Clip]:
    """One clip a subject, the motions one after the other."""
    for number, subject in enumerate(subjects):
        motion = motions[number % len(motions)]
        rng = np.random.default_rng([seed, number])
        actors = [subject] * FRAMES
        if motion == "cut":
            other = subjects[(number + 1) % len(subjects)]
            actors = [subject] * (FRAMES // 2) + [other] * (FRAMES - FRAMES // 2)
        frames, alphas = zip(
            *(_frame(actor, motion, time, rng, size) for time, actor in enumerate(actors)), strict=True
        )
        yield Clip(f"{number:02d}-{motion}", list(frames), list(alphas))


def _frame(
    subject: Subject, motion: str, time: int, rng: np.random.Generator, size: Size
) -> tuple[Image, Alpha]:
    moments = time + OPEN * np.linspace(-0.5, 0.5, 5) if motion == "blur" else [float(time)]
    return expose(subject, [_places(motion, moment) for moment in moments], size, NOISE, rng)


def _places(motion: str, time: float) -> tuple[Place, Place]:
    """Of the subject and of the background."""
    if motion == "talk":
        return Place(8 * sin(time / 9), 2 * sin(time / 5), 1 + 0.01 * sin(time / 7)), Place()
    if motion in ("hand", "cut"):
        place = Place(4 * sin(time / 6) + sin(time / 1.7), 3 * sin(time / 8) + sin(time / 1.4))
        return place, place
    if motion == "pan":
        back = 9 - abs(time % 36 - 18)
        return Place(3.0 * back), Place(-back)
    if motion == "zoom":
        return Place(zoom=1 + 0.006 * time), Place(zoom=1 + 0.003 * time)
    if motion == "blur":
        return Place(28 * sin(time / 4)), Place(10 * sin(time / 7))
    return Place(), Place()


def shifts(motion: str, time: int) -> Flow:
    """How far the subject has moved since the frame before."""
    before, after = _places(motion, time - 1)[0], _places(motion, time)[0]
    ratio = before.zoom / after.zoom
    place = (np.arange(8, dtype=np.float32) + 0.5) / 8 - 0.5
    down = place - (place - after.down / SIZE[0]) * ratio - before.down / SIZE[0]
    right = place - (place - after.right / SIZE[1]) * ratio - before.right / SIZE[1]
    return np.stack(np.meshgrid(down, right, indexing="ij")).astype(np.float32)
