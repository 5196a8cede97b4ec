"""Clips with exact alpha, from portraits that are moved over backgrounds: what `video.py` measures on.

A subject is drawn for every frame by an affine map of its own (pan, zoom, sway, or still), three times within
the frame's exposure where it blurs by motion, over a background that moves on its own; then comes the noise
of a sensor, anew in every frame. A clip with a cut has two subjects, one after the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from limner.backgrounds import lay_out, mix
from limner.datasets import read_dataset
from limner.datasets.synthetic import paint_portrait
from limner.foreground import estimate_foreground
from limner.images import Alpha, Image, fit, load_image
from limner.masks import feather

FRAMES = 24
SIZE = (360, 480)
MOTIONS = ("still", "pan", "zoom", "sway", "blur", "cut")
NOISE = 4.0  # standard deviation, grey levels


@dataclass(frozen=True)
class Subject:
    """Colours and alpha of a person, and what goes behind."""

    colours: Image
    alpha: Alpha
    behind: Image


@dataclass(frozen=True)
class Clip:
    """Frames and their true alphas."""

    name: str
    frames: list[Image]
    alphas: list[Alpha]


def painted_subjects(count: int, *, seed: int) -> list[Subject]:
    """Painted portraits: always at hand."""
    rng = np.random.default_rng(seed)
    layers = [paint_portrait(rng, (360, 360)) for _ in range(count)]
    return [Subject(part.foreground, part.alpha, part.background) for part in layers]


def real_subjects(folder: Path, count: int, *, split: str, first: int = 0) -> list[Subject]:
    """People of EG1800 before backgrounds without any."""
    backgrounds = sorted((folder / "backgrounds").glob("*"))
    found = []
    for number, sample in enumerate(read_dataset(folder / "eg1800", split)[first : first + count]):
        image, alpha = sample.load()
        alpha = feather(alpha, 1)
        colours = estimate_foreground(image, alpha)
        behind = load_image(backgrounds[(7 * number + 3 * first) % len(backgrounds)])
        found.append(Subject(fit(colours, 480), fit(alpha, 480), behind))
    return found


def build(subjects: list[Subject], *, seed: int) -> Iterator[Clip]:
    """One clip a subject, the motions one after the other."""
    for number, subject in enumerate(subjects):
        motion = MOTIONS[number % len(MOTIONS)]
        rng = np.random.default_rng([seed, number])
        actors = [subject] * FRAMES
        if motion == "cut":
            other = subjects[(number + 1) % len(subjects)]
            actors = [subject] * (FRAMES // 2) + [other] * (FRAMES - FRAMES // 2)
        frames, alphas = zip(
            *(_frame(actor, motion, time, rng) for time, actor in enumerate(actors)), strict=True
        )
        yield Clip(f"{number:02d}-{motion}", list(frames), list(alphas))


def _frame(subject: Subject, motion: str, time: int, rng: np.random.Generator) -> tuple[Image, Alpha]:
    moments = (time - 0.3, time, time + 0.3) if motion == "blur" else (float(time),)
    drawn = [_moment(subject, motion, moment) for moment in moments]
    light = np.mean([image.astype(np.float32) for image, _ in drawn], axis=0)
    noisy = np.rint(light + rng.normal(0, NOISE, light.shape)).clip(0, 255).astype(np.uint8)
    return noisy, np.mean([alpha for _, alpha in drawn], axis=0, dtype=np.float32)


def _moment(subject: Subject, motion: str, time: float) -> tuple[Image, Alpha]:
    height, width = SIZE
    shift, zoom = {
        "still": ((0.0, 0.0), 1.0),
        "pan": ((3.0 * (time - FRAMES / 2), 0.0), 1.0),
        "zoom": ((0.0, 0.0), 0.9 + 0.012 * time),
        "sway": ((20 * np.sin(time / 4), 4 * np.sin(time / 2)), 1 + 0.02 * np.sin(time / 5)),
        "blur": ((60 * np.sin(time / 5), 0.0), 1.0),
        "cut": ((1.0 * time, 0.0), 1.0),
    }[motion]
    scale = 0.9 * height / subject.alpha.shape[0] * zoom
    left = (width - subject.alpha.shape[1] * scale) / 2 + shift[0]
    top = height - subject.alpha.shape[0] * scale + shift[1] + 6
    matrix = (1 / scale, 0, -left / scale, 0, 1 / scale, -top / scale)

    def warped(array: Image | Alpha) -> np.ndarray:
        picture = PIL.Image.fromarray(array)
        return np.asarray(
            picture.transform(
                (width, height), PIL.Image.Transform.AFFINE, matrix, PIL.Image.Resampling.BILINEAR
            )
        )

    alpha = warped(subject.alpha).clip(0, 1)
    wide = lay_out(subject.behind, (height, width + 40))
    start = int(10 + 10 * np.sin(time / 9)) if motion != "still" else 10
    return mix(warped(subject.colours), alpha, wide[:, start : start + width]), alpha
