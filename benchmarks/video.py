"""Video: flicker with and without the filter, speed by stage, and memory by length.

    python benchmarks/video.py flicker [--data ../shared/data] [--model NAME]
    python benchmarks/video.py speed [--model NAME] [--height 480 --width 640]
    python benchmarks/video.py memory
    python benchmarks/video.py picture

``flicker`` builds clips with exact alpha (`benchmarks/clips.py`) from painted portraits and, where they are
present, from people of the val.txt of EG1800 and CelebAMask-HQ, of which no setting was chosen on those from
`TUNED` on. It compares the alphas of ``limner video`` (temporal filter) with those of each frame by itself,
and two others: a plain recursive filter of these that is given the true motion, and those of the filter's
network with every frame as the first of a clip (afresh). ``speed`` runs the command's own function on a
clip of 10 s and then every stage alone. ``memory`` runs the command on clips of 10 s and of 10 min.
``picture`` draws docs/video.jpg.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np

import clips
from limner._version import commit
from limner.evaluation.mattes import dtssd, sad
from limner.evaluation.timing import machine
from limner.images import Alpha, Image, save_image, warp
from limner.models.segmenter import Segmenter
from limner.models.spec import DEFAULT_MODEL, to_input
from limner.parallel import keep_to
from limner.rendering.backgrounds import blurred, composite
from limner.rendering.options import Options
from limner.training.camera import SIZE
from limner.video.compositor import Compositor, Matted, refined
from limner.video.decoder import Item
from limner.video.motion_features import SLOW, MotionTracker
from limner.video.outputs import USUAL, choose_output
from limner.video.pipeline import BATCH, cut
from limner.video.reader import Clip
from limner.video.temporal import TemporalFilter, edge_grid
from limner.video.writer import open_writer

TUNED = 28
"""Subjects on whose clips the filter was tuned."""


def main() -> None:
    """Measure one thing and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("flicker", "speed", "memory", "picture"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--seconds", type=int, default=10, help="of the clip for speed")
    args = parser.parse_args()
    result = {"flicker": flicker, "speed": speed, "memory": memory, "picture": picture}[args.what](args)
    print(json.dumps({"commit": commit(), "machine": machine(), "model": args.model, **result}, indent=2))


def flicker(args: argparse.Namespace) -> dict[str, Any]:
    """DtSSD and SAD of every clip: each frame by itself, as ``limner video`` makes it, and two more."""
    subjects = {"painted": clips.painted_subjects(14, seed=9)}
    if args.data.exists():
        subjects["real"] = clips.real_subjects(args.data, 42, first=TUNED)
    segmenter = Segmenter(args.model)
    result: dict[str, Any] = {}
    for kind, people in subjects.items():
        rows, motions = [], []
        for clip in clips.build(people, seed=3):
            motions.append(clip.name.partition("-")[2])
            seen = [to_input(frame, segmenter.spec.input_size(frame.shape[:2])) for frame in clip.frames]
            found = [segmenter(image) for image in seen]
            alone = [refined(*parts) for parts in zip(clip.frames, seen, found, strict=True)]
            ways = [_filtered(clip.frames, seen, found), _along(motions[-1], alone)]
            ways.append(
                [TemporalFilter()(*parts, None) for parts in zip(clip.frames, seen, found, strict=True)]
            )
            row = []
            for alphas in (alone, *ways):
                errors = [sad(pred, true) for pred, true in zip(alphas, clip.alphas, strict=True)]
                row.append((dtssd(alphas, clip.alphas), np.mean(errors)))
            rows.append(row)
        result[kind] = _summary(motions, np.array(rows))
    return result


def _filtered(frames: list[Image], seen: list[Image], found: list[Alpha]) -> list[Alpha]:
    """The alphas of ``limner video``."""
    temporal, tracker = TemporalFilter(), MotionTracker(edge_grid(SIZE))
    return [
        temporal(frame, image, alpha, tracker(image, alpha))
        for frame, image, alpha in zip(frames, seen, found, strict=True)
    ]


def _along(motion: str, alphas: list[Alpha]) -> list[Alpha]:
    """A plain filter's recursion along the true motion, with the same weight of the new in every pixel."""
    found = alphas[:1]
    for number, alpha in enumerate(alphas[1:], 1):
        if motion == "cut" and number == clips.FRAMES // 2:
            found.append(alpha)
            continue
        last = warp(found[-1], clips.shifts(motion, number))
        found.append(last + np.float32(SLOW) * (alpha - last))
    return found


def _summary(motions: list[str], rows: np.ndarray) -> dict[str, Any]:
    """Means, and the ratios of the means to those of each frame by itself, by motion and of all."""
    result: dict[str, Any] = {"clips": len(rows)}
    for name, chosen in [("all", np.array([True] * len(rows)))] + [
        (motion, np.array(motions) == motion) for motion in clips.MOTIONS
    ]:
        means = rows[chosen].mean(axis=0)
        ratios = means / means[0]
        result[name] = {
            "dtssd": round(means[0, 0], 4),
            "sad": round(means[0, 1], 3),
            **{
                way: {"dtssd": round(ratio[0], 3), "sad": round(ratio[1], 3)}
                for way, ratio in zip(("temporal", "plain_true_motion", "afresh"), ratios[1:], strict=True)
            },
        }
    return result


def speed(args: argparse.Namespace) -> dict[str, Any]:
    """Frames/s of the whole, and the processor time of each stage by itself."""
    options = Options(background="blur")
    data = args.data if args.data.exists() else None
    with tempfile.TemporaryDirectory() as folder:
        source = _write(
            Path(folder) / "in.mp4", (args.height, args.width), seconds=args.seconds, rate=30, data=data
        )
        output = str(Path(folder) / "out.mp4")
        segmenter = Segmenter(args.model, threads=1)
        rates = []
        for _ in range(3):
            outcome = cut(source, output, options, segmenter=segmenter)
            rates.append(round(outcome.frames / outcome.wall_s, 1))
        with keep_to(1):
            stages = _stages(source, output, args.model, options)
    whole = sum(stages.values())
    return {
        "person": "real" if data else "painted",
        "size": [args.height, args.width],
        "frames_per_s": rates,
        "stage_cpu_ms_a_frame": {name: round(value, 2) for name, value in stages.items()},
        "stage_fraction": {name: round(value / whole, 3) for name, value in stages.items()},
    }


def _stages(source: Path, output: str, model: str, options: Options) -> dict[str, float]:
    """Processor time of each stage, ms a frame; a few frames at a time, as memory that is new costs time."""
    segmenter = Segmenter(model, threads=1)
    found: dict[str, float] = {}
    blocks = 15

    def lap(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        start = time.process_time()
        result = function(*arguments)
        found[name] = found.get(name, 0.0) + 1e3 * (time.process_time() - start) / (blocks * BATCH)
        return result

    target = choose_output(output, USUAL, transparent=False)
    with Clip(source) as clip, open_writer(target, clip.info) as write:
        working = target.working_format
        compositor = Compositor(options, clip.scaler, clip.size, formats=(working,) * 2)
        tracker, temporal = MotionTracker(edge_grid(clip.size)), TemporalFilter()

        def shrink(frame: av.VideoFrame) -> Image:
            return clip.scaler.rgb(frame, segmenter.spec.input_size((frame.height, frame.width)))

        def matte(item: Matted) -> Matted:
            alpha = temporal(compositor.pixels(item), item.seen, item.alpha, item.features)
            return replace(item, alpha=alpha)

        def each(function: Callable[..., Any], *arguments: list[Any]) -> list[Any]:
            return [function(*values) for values in zip(*arguments, strict=True)]

        stream = (frame for frame, _ in clip.frames(working))
        for _ in range(blocks):
            frames = lap("decode", list, islice(stream, BATCH))
            seen = lap("shrink for the network", each, shrink, frames)
            raw = lap("network", segmenter.batch, seen)
            features = lap("motion features", each, tracker, seen, raw)
            items = lap("edge over time", each, matte, each(Matted, frames, raw, seen, features))
            made = lap("blur and mix", each, compositor, items)
            lap("encode", each, lambda frame: write(Item(frame, [])), made)
    return found


def memory(args: argparse.Namespace) -> dict[str, Any]:
    """Peak memory of the command, MB."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for seconds in (10, 600):
            source = _write(Path(folder) / "in.mp4", (120, 160), seconds=seconds, rate=10)
            command = ["video", str(source), str(Path(folder) / "out.mp4"), "--background", "blur"]
            code = (
                "import resource, sys; from limner.cli import main; code = main(sys.argv[1:]);"
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
            )
            run = subprocess.run(
                [sys.executable, "-c", code, *command, "--model", args.model],
                check=True,
                capture_output=True,
                text=True,
            )
            found[f"{seconds} s"] = round(int(run.stdout) / 1024, 1)
    return {"frames_a_second": 10, "size": [120, 160], "peak_mb": found}


def picture(args: argparse.Namespace) -> dict[str, Any]:
    """A frame, the same blurred, and how its alpha differs from the one before: alone, and filtered."""
    segmenter = Segmenter(args.model)
    clip = next(clips.build(clips.painted_subjects(8, seed=9)[7:], seed=1))
    frames = clip.frames[:12]
    seen = [to_input(frame, segmenter.spec.input_size(frame.shape[:2])) for frame in frames]
    found = [segmenter(image) for image in seen]
    alone = [refined(*parts) for parts in zip(frames, seen, found, strict=True)]
    filtered = _filtered(frames, seen, found)
    behind = blurred(frames[-1], filtered[-1], radius=12)
    parts = [frames[-1], composite(frames[-1], filtered[-1], behind)]
    for alphas in (alone, filtered):
        step = np.rint(6 * 255 * np.abs(alphas[-1] - alphas[-2])).clip(0, 255).astype(np.uint8)
        parts.append(np.repeat(step[..., None], 3, axis=2))
    save_image("docs/video.jpg", np.concatenate(parts, axis=1))
    return {}


def _write(path: Path, size: tuple[int, int], *, seconds: int, rate: int, data: Path | None = None) -> Path:
    """A person who sways before a background, real where there is data, in H.264.

    Of twelve people, the one whom the sides of the photo cut off least.
    """
    people = clips.real_subjects(data, 12, first=TUNED) if data else clips.painted_subjects(12, seed=2)
    person = min(people, key=lambda subject: float(subject.alpha[:, [0, -1]].sum()))
    scene = next(clips.build([person], seed=1, motions=("talk",), size=size)).frames
    frames = scene + scene[-2:0:-1]
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=rate, options={"preset": "veryfast"})
        video.height, video.width = size
        for number in range(seconds * rate):
            picture = frames[number % len(frames)]
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
    return path


if __name__ == "__main__":
    main()
