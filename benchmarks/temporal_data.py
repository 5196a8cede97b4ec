"""Clips to train the network of `limner.video.temporal` on: frames, exact alphas, the inputs of the filter.

    python benchmarks/temporal_data.py --data ../shared/data --first 0 --count 1100

People of the train.txt of EG1800 and CelebAMask-HQ, some with drawn strands, and painted portraits move over
backgrounds as those of `benchmarks/clips.py` do, each by numbers of its own. A bundled model's alpha of each
frame, and the motion features, are stored with it, a file a clip. Start it several times to use more cores.
"""

import argparse
from collections.abc import Callable, Sequence
from math import sin, tau
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from clips import ASIDE, SIZE, Place, Subject, expose
from edge_data import cut_subject
from limner.datasets import Sample, read_dataset
from limner.images import Alpha, Image, fit, load_image, resize
from limner.mattes.foreground import estimate_foreground
from limner.mattes.masks import feather, to_uint8
from limner.models.segmenter import Segmenter
from limner.models.spec import to_input
from limner.parallel import keep_to
from limner.video.motion_features import MotionTracker, no_motion
from limner.video.temporal import edge_grid
from painted import paint_harder

FOLDER = Path("runs/temporal")
SEED = 77
LENGTH = 10  # frames
PAINTED, STRANDS = 0.12, 0.18  # fractions of the subjects
WIDE = 0.5  # fraction of landscape clips, of subjects that do not reach the sides
LIGHT = 0.35  # fraction that `small` segments, not `base`
KINDS = {"still": 0.1, "sway": 0.2, "hand": 0.18, "pass": 0.2, "zoom": 0.1, "fast": 0.16, "both": 0.06}

Ways: TypeAlias = Callable[[float], tuple[Place, Place]]
"""Where the subject and the background are at a time, in frames."""


def draw_ways(rng: np.random.Generator) -> tuple[Ways, float]:
    """How subject and camera move, and how long the shutter is open, in frames."""
    phase, part = rng.uniform(0, tau, 8), rng.random(8)
    sign = float(rng.choice([-1, 1]))
    shake, period, reach = rng.uniform(0.4, 1.6), rng.uniform(6, 12), rng.uniform(3, 14)

    def hand(time: float, amount: float = shake) -> Place:
        right = 4 * sin(time / 6 + phase[0]) + sin(time / 1.7 + phase[1])
        return Place(amount * right, amount * (3 * sin(time / 8 + phase[2]) + sin(time / 1.4 + phase[3])))

    def sway(time: float) -> Place:
        right, down = reach * sin(time / period + phase[4]), 4 * part[0] * sin(time / 5 + phase[5])
        return Place(right, down, 1 + 0.015 * part[1] * sin(time / 7 + phase[6]))

    def both(time: float) -> tuple[Place, Place]:
        back, front = hand(time), sway(time)
        return Place(back.right + front.right, back.down + front.down, front.zoom), back

    speed, drift, scene = sign * (1 + 4.5 * part[2]), 1.2 * part[3] - 0.6, sign * (0.5 - 2.5 * part[4])
    start = 60 * part[5] - 30 - speed * LENGTH / 2
    nearer, behind = sign * (0.002 + 0.008 * part[2]), 0.8 * part[3]
    width, turn = 10 + 22 * part[2], 3 + 3 * part[3]
    kinds: dict[str, Ways] = {
        "still": lambda _: (Place(), Place()),
        "sway": lambda time: (sway(time), hand(time, 0.3 * shake) if part[6] < 0.4 else Place()),
        "hand": lambda time: (hand(time), hand(time)),
        "pass": lambda time: (Place(start + speed * time, drift * time), Place(scene * time)),
        "zoom": lambda time: (
            Place(zoom=1 + nearer * time - min(0, 10 * nearer)),
            Place(zoom=1.1 + nearer * behind * time),
        ),
        "fast": lambda time: (
            Place(width * sin(time / turn + phase[0]), 2 * part[0] * sin(time / 4 + phase[1])),
            Place(12 * part[4] * sin(time / 7 + phase[2])),
        ),
        "both": both,
    }
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    return kinds[kind], rng.uniform(0.2, 0.7) if kind == "fast" else 0.0


def draw_subject(
    rng: np.random.Generator, sets: Sequence[Sequence[Sample]], scenes: Sequence[Path]
) -> Subject:
    """Painted, of a photograph with drawn strands, or as its mask says, before a scene."""
    kind = rng.random()
    behind = load_image(scenes[int(rng.integers(len(scenes)))])
    if kind < PAINTED:
        layers = paint_harder(rng, (640, 480))
        return Subject(layers.foreground, layers.alpha, layers.background if rng.random() < 0.5 else behind)
    people = sets[int(rng.integers(len(sets)))]
    image, mask = people[int(rng.integers(len(people)))].load()
    if kind < PAINTED + STRANDS:
        colours, alpha = cut_subject(rng, image, mask > 0.5)
    else:
        alpha = feather(mask, 1)
        colours = estimate_foreground(image, alpha)
    if rng.random() < 0.5:
        colours, alpha = np.ascontiguousarray(colours[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    return Subject(fit(colours, 640), fit(alpha, 640), behind)


def draw_clip(rng: np.random.Generator, subject: Subject) -> tuple[list[Image], list[Alpha]]:
    """Frames and their alphas."""
    inside = subject.alpha[:, [0, -1]].mean() < 0.02
    size = SIZE[::-1] if inside and rng.random() < WIDE else SIZE
    ways, shutter = draw_ways(rng)
    noise, closer = rng.uniform(1, 7), rng.uniform(0.92, 1.09)

    def nearer(place: Place) -> Place:
        return Place(place.right, place.down, place.zoom * closer)

    frames, alphas = [], []
    for time in range(LENGTH):
        moments = [time + shutter * part / 4 for part in range(-2, 3)] if shutter else [float(time)]
        places = [(nearer(front), nearer(back)) for front, back in map(ways, moments)]
        frame, alpha = expose(subject, places, size, noise, rng)
        frames.append(frame)
        alphas.append(alpha)
    return frames, alphas


def observe(frames: list[Image], segmenter: Segmenter) -> dict[str, NDArray[Any]]:
    """What `limner.video.temporal` is given with each frame: cells, found, shifts and features."""
    height, width = frames[0].shape[:2]
    grid = edge_grid((height, width))
    tracker = MotionTracker(grid)
    rows = []
    for frame in frames:
        seen = to_input(frame, segmenter.spec.input_size(frame.shape[:2]))
        found = segmenter(seen)
        features = tracker(seen, found)
        shifts = np.zeros((2, 8, 8), np.float32) if features is None else features.shifts
        fields = no_motion(grid) if features is None else features.maps
        rows.append((resize(seen, grid), to_uint8(found), shifts, fields.astype(np.float16)))
    names = ("cells", "found", "shifts", "features")
    return {name: np.stack(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def main() -> None:
    """Draw clips and write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1100)
    args = parser.parse_args()
    scenes = sorted((args.data / "backgrounds").glob("*"))
    scenes = [scene for number, scene in enumerate(scenes) if number % ASIDE]
    sets = [read_dataset(args.data / name, "train") for name in ("eg1800", "celebamask-hq-5k")]
    segmenters = [Segmenter(name, threads=1) for name in ("base", "small")]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with keep_to(1):
        for number in tqdm(range(args.first, args.first + args.count), unit="clip"):
            rng = np.random.default_rng([SEED, number])
            frames, alphas = draw_clip(rng, draw_subject(rng, sets, scenes))
            seen = observe(frames, segmenters[int(rng.random() < LIGHT)])
            arrays = {"frames": np.stack(frames), "targets": np.stack([to_uint8(alpha) for alpha in alphas])}
            np.savez(FOLDER / f"{number:05d}.npz", **arrays, **seen)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
