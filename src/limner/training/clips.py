"""Clips with exact alphas for the network of `limner.video.temporal`, drawn once and kept in files.

People of the training lists, some with drawn strands, and painted portraits are moved over backgrounds. What
a bundled model finds in each frame, and the motion features, are kept with it.
"""

import io
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from math import ceil, sin, tau
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from limner import files
from limner.datasets import Sample
from limner.images import Alpha, Image, load_image, resize, resize_longest, to_uint8
from limner.mattes.foreground import estimate_foreground
from limner.mattes.masks import feather
from limner.models.segmenter import Segmenter
from limner.models.spec import to_input
from limner.processes import parallel_map
from limner.training.camera import SIZE, Place, Subject, expose
from limner.training.config import TemporalConfig
from limner.training.drawn import DrawnData
from limner.training.edge_data import cut_subject
from limner.training.loading import read_backgrounds, read_lists
from limner.training.painted import paint_harder
from limner.video.motion_features import MotionTracker, no_motion
from limner.video.temporal import edge_grid

SPARE = 1
"""Frames of a clip beyond those that a step sees, so that it can start at either."""
PAINTED, STRANDS = 0.12, 0.18  # fractions of the subjects
LANDSCAPE = 0.5  # fraction of the clips of subjects that do not reach the sides
KINDS = {"still": 0.1, "sway": 0.2, "hand": 0.18, "pass": 0.2, "zoom": 0.1, "fast": 0.16, "both": 0.06}
"""How subject and camera move -> fraction of the clips."""


Ways: TypeAlias = Callable[[float], tuple[Place, Place]]
"""Where the subject and the background are at a time, in frames."""


Clips: TypeAlias = dict[str, Tensor]
"""Parts of clips of one size, of T frames, on a grid of (h, w), by the names in `ARRAYS`."""

ARRAYS = (
    "frames",  # (N, T, 3, H, W) uint8
    "targets",  # (N, T, H, W) uint8, true alphas
    "pixels",  # (N, T, 3, h, w) uint8, the frames on the grid
    "found",  # (N, T, a, b) uint8, the segmenter's alphas
    "shifts",  # (N, T, 2, m, n) of the subject
    "features",  # (N, T, 7, h, w), motion features
)
"""What is kept of a clip, there with channels last and without N."""


class ClipData(DrawnData):
    """Clips in files, drawn where they are missing."""

    config: TemporalConfig

    def prepare_data(self) -> None:
        """Draw the clips that are not there."""
        config = self.config
        files.make_folder(self._folder)
        missing = [number for number in range(config.clips) if not self._path(number).exists()]
        if not missing:
            return
        people, _ = read_lists(config)
        draw = partial(draw_clip_file, config=config, people=people, scenes=read_backgrounds(config))
        for number, data in zip(
            missing, tqdm(parallel_map(draw, missing), "clips", len(missing)), strict=True
        ):
            files.write_bytes(self._path(number), data)

    def setup(self, stage: str) -> None:  # noqa: ARG002
        """Choose the clips of the holdout."""
        paths = [self._path(number) for number in range(self.config.clips)]
        count = ceil(self.config.holdout * len(paths))
        self._held, self._trained = paths[:count], paths[count:]

    def draw(self, rng: np.random.Generator, *, holdout: bool) -> tuple[Clips, list[str]]:
        """Parts of clips of one size, half of them mirrored."""
        paths = self._held if holdout else self._trained
        drawn: list[dict[str, NDArray[Any]]] = []
        names: list[str] = []
        while len(drawn) < self.batch_size:
            path = paths[int(rng.integers(len(paths)))]
            part = _part(rng, path, self.config.frames)
            if not drawn or part["frames"].shape == drawn[0]["frames"].shape:
                drawn.append(part)
                names.append(path.stem)
        return {name: _stacked([part[name] for part in drawn]) for name in ARRAYS}, names

    @property
    def _folder(self) -> Path:
        return Path(self.config.output) / self.config.name / "clips"

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.npz"


def draw_clip_file(
    number: int,
    *,
    config: TemporalConfig,
    people: Sequence[Sequence[Sample]],
    scenes: Sequence[Path | bytes],
) -> bytes:
    """A clip as the bytes of a file, by the seed and its number."""
    rng = np.random.default_rng((config.seed, number))
    frames, alphas = draw_clip(rng, draw_subject(rng, people, scenes), config.frames + SPARE)
    seen = observe(frames, _segmenter(config.networks[int(rng.integers(len(config.networks)))]))
    data = io.BytesIO()
    np.savez(data, frames=np.stack(frames), targets=np.stack([*map(to_uint8, alphas)]), **seen)  # type: ignore[arg-type]
    return data.getvalue()


def draw_ways(rng: np.random.Generator, length: int) -> tuple[Ways, float]:
    """How subject and camera move in so many frames, and how long the shutter is open, in frames."""
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
    start = 60 * part[5] - 30 - speed * length / 2
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
    rng: np.random.Generator, people: Sequence[Sequence[Sample]], scenes: Sequence[Path | bytes]
) -> Subject:
    """Painted, of a photograph with drawn strands, or as its mask says, before a scene."""
    kind = rng.random()
    behind = load_image(scenes[int(rng.integers(len(scenes)))])
    if kind < PAINTED:
        layers = paint_harder(rng, (640, 480))
        return Subject(layers.foreground, layers.alpha, layers.background if rng.random() < 0.5 else behind)
    samples = people[int(rng.integers(len(people)))]
    image, mask = samples[int(rng.integers(len(samples)))].load()
    if kind < PAINTED + STRANDS:
        colours, alpha = cut_subject(rng, image, mask > 0.5)
    else:
        alpha = feather(mask, 1)
        colours = estimate_foreground(image, alpha)
    if rng.random() < 0.5:
        colours, alpha = np.ascontiguousarray(colours[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    return Subject(resize_longest(colours, 640), resize_longest(alpha, 640), behind)


def draw_clip(rng: np.random.Generator, subject: Subject, length: int) -> tuple[list[Image], list[Alpha]]:
    """Frames and their alphas."""
    inside = subject.alpha[:, [0, -1]].mean() < 0.02
    size = SIZE[::-1] if inside and rng.random() < LANDSCAPE else SIZE
    ways, shutter = draw_ways(rng, length)
    noise, closer = rng.uniform(1, 7), rng.uniform(0.92, 1.09)

    def nearer(place: Place) -> Place:
        return Place(place.right, place.down, place.zoom * closer)

    frames, alphas = [], []
    for time in range(length):
        moments = [time + shutter * part / 4 for part in range(-2, 3)] if shutter else [float(time)]
        places = [(nearer(front), nearer(back)) for front, back in map(ways, moments)]
        frame, alpha = expose(subject, places, size, noise, rng)
        frames.append(frame)
        alphas.append(alpha)
    return frames, alphas


def observe(frames: list[Image], segmenter: Segmenter) -> dict[str, NDArray[Any]]:
    """What `limner.video.temporal` is given with each frame, by the names in `ARRAYS`."""
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
    names = ("pixels", "found", "shifts", "features")
    return {name: np.stack(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _part(rng: np.random.Generator, path: Path, length: int) -> dict[str, NDArray[Any]]:
    """Some frames of a clip, perhaps mirrored, channels before rows."""
    with np.load(path) as clip:
        start = int(rng.integers(len(clip["frames"]) - length + 1))
        part = {name: clip[name][start : start + length] for name in ARRAYS}
    part |= {name: np.moveaxis(part[name], 3, 1).copy() for name in ("frames", "pixels")}
    if rng.random() < 0.5:
        part = {name: values[..., ::-1].copy() for name, values in part.items()}
        part["shifts"] *= np.array([1, -1], np.float32)[:, None, None]
    return part


def _stacked(parts: Sequence[NDArray[Any]]) -> Tensor:
    """As one tensor; alphas of models of several sizes at that of the largest."""
    tensors = [torch.from_numpy(part) for part in parts]
    size = max((tensor.shape[-2:] for tensor in tensors), key=max)
    return torch.stack(
        [
            one
            if one.shape[-2:] == size
            else F.interpolate(one[:, None].float(), size, mode="bilinear")[:, 0].to(one.dtype)
            for one in tensors
        ]
    )


@lru_cache(maxsize=4)
def _segmenter(name: str) -> Segmenter:
    return Segmenter(name, threads=1)
