"""Video: flicker with and without the filter, speed by stage, and memory by length.

    python benchmarks/video.py flicker [--data ../shared/data] [--model NAME]
    python benchmarks/video.py speed [--model NAME] [--height 480 --width 640]
    python benchmarks/video.py memory

``flicker`` builds clips with exact alpha (`benchmarks/clips.py`) from painted portraits and, where they are
present, from people of EG1800's val.txt, which no setting was chosen on, and compares each frame by itself
with the filtered clip, before and after the edge is refined. ``speed`` runs the command's own function on a
clip of 10 s and then every stage alone. ``memory`` runs the command on clips of 10 s and of 10 min.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

import clips
from limner.bench import machine
from limner.doctor import commit
from limner.finishing import Finish
from limner.images import Alpha, Image, resize
from limner.matting import dtssd, sad
from limner.refine import refine_alpha
from limner.segmenter import Segmenter
from limner.spec import DEFAULT_MODEL, to_input
from limner.video.composing import REFINE_GRID, Composer, Matted
from limner.video.pipeline import BATCH, cut_video
from limner.video.reading import Clip
from limner.video.steady import Steady
from limner.video.targets import choose_target
from limner.video.writing import open_writer


def main() -> None:
    """Measure one thing and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("flicker", "speed", "memory"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    args = parser.parse_args()
    result = {"flicker": flicker, "speed": speed, "memory": memory}[args.what](args)
    print(json.dumps({"commit": commit(), "machine": machine(), "model": args.model, **result}, indent=2))


def flicker(args: argparse.Namespace) -> dict[str, Any]:
    """DtSSD and SAD of every clip: each frame by itself, and filtered."""
    subjects = {"painted": clips.painted_subjects(12, seed=9)}
    if args.data.exists():
        subjects["real"] = clips.real_subjects(args.data, 12, split="val")
    segmenter = Segmenter(args.model)
    result: dict[str, Any] = {}
    for kind, people in subjects.items():
        rows: dict[str, list[tuple[float, ...]]] = {"network": [], "refined": []}
        names = []
        for clip in clips.build(people, seed=3):
            names.append(clip.name)
            seen = [to_input(frame, segmenter.spec.size) for frame in clip.frames]
            raw = [segmenter(image) for image in seen]
            steady = Steady()
            smooth = [steady(image, alpha) for image, alpha in zip(seen, raw, strict=True)]
            for stage in rows:
                scores = []
                for alphas in (raw, smooth):
                    finals = [
                        _final(frame, alpha, refine=stage == "refined")
                        for frame, alpha in zip(clip.frames, alphas, strict=True)
                    ]
                    errors = [sad(pred, true) for pred, true in zip(finals, clip.alphas, strict=True)]
                    scores += [dtssd(finals, clip.alphas), float(np.mean(errors))]
                rows[stage].append(tuple(scores))
        result[kind] = {stage: _summary(names, np.array(found)) for stage, found in rows.items()}
    return result


def _final(frame: Image, alpha: Alpha, *, refine: bool) -> Alpha:
    alpha = resize(alpha, frame.shape[:2]).clip(0, 1)
    return refine_alpha(frame, alpha, threads=1, grid=REFINE_GRID) if refine else alpha


def _summary(names: list[str], rows: np.ndarray) -> dict[str, Any]:
    """Means, and the ratio of filtered to unfiltered of the means, by motion and of all."""
    motions = np.array([name.partition("-")[2] for name in names])

    def ratios(chosen: np.ndarray) -> dict[str, float]:
        means = rows[chosen].mean(axis=0)
        return {"dtssd": round(means[2] / means[0], 3), "sad": round(means[3] / means[1], 3)}

    means = rows.mean(axis=0)
    return {
        "dtssd_alone": round(means[0], 4),
        "dtssd_filtered": round(means[2], 4),
        "sad_alone": round(means[1], 3),
        "sad_filtered": round(means[3], 3),
        "ratio": {"all": ratios(motions == motions)}
        | {motion: ratios(motions == motion) for motion in clips.MOTIONS},
    }


def speed(args: argparse.Namespace) -> dict[str, Any]:
    """Frames/s of the whole, and the processor time of each stage by itself."""
    options = Finish(background="blur")
    with tempfile.TemporaryDirectory() as folder:
        source = _write(Path(folder) / "in.mp4", (args.height, args.width), seconds=10, rate=30)
        output = str(Path(folder) / "out.mp4")
        segmenter = Segmenter(args.model)
        rates = []
        for _ in range(3):
            with Clip(source) as clip:
                outcome = cut_video(clip, choose_target(output, options), segmenter, options)
            rates.append(round(outcome.frames / outcome.wall_s, 1))
        stages = _stages(source, output, args.model, options)
    whole = sum(stages.values())
    return {
        "size": [args.height, args.width],
        "frames_per_s": rates,
        "stage_cpu_ms_a_frame": {name: round(value, 2) for name, value in stages.items()},
        "stage_share": {name: round(value / whole, 3) for name, value in stages.items()},
    }


def _stages(source: Path, output: str, model: str, options: Finish) -> dict[str, float]:
    segmenter = Segmenter(model, threads=1)
    found: dict[str, float] = {}
    with Clip(source) as clip:
        target = choose_target(output, options)
        working = target.working_format(clip)
        frames, count = [], 60

        def lap(name: str, work: Callable[[], Any]) -> Any:
            start = time.process_time()
            result = work()
            found[name] = 1e3 * (time.process_time() - start) / count
            return result

        items = clip.frames(working)
        frames = lap("decode", lambda: [next(items) for _ in range(count)])
        seen = lap(
            "shrink for the network", lambda: [clip.scaler.rgb(f, segmenter.spec.size) for f in frames]
        )
        raw = lap(
            "network",
            lambda: [a for i in range(0, count, BATCH) for a in segmenter.batch(seen[i : i + BATCH])],
        )
        steady = Steady()
        alphas = lap("filter over time", lambda: [steady(i, a) for i, a in zip(seen, raw, strict=True)])
        plain = Composer(
            Finish(background="original", refine="none"),
            clip.scaler,
            clip.size,
            formats=(working,) * 2,
            picture=None,
        )
        lap("mix", lambda: [plain(Matted(f, a)) for f, a in zip(frames, alphas, strict=True)])
        edge = Composer(
            Finish(background="original"), clip.scaler, clip.size, formats=(working,) * 2, picture=None
        )
        lap("edge", lambda: [edge(Matted(f, a)) for f, a in zip(frames, alphas, strict=True)])
        full = Composer(options, clip.scaler, clip.size, formats=(working,) * 2, picture=None)
        done = lap("blur", lambda: [full(Matted(f, a)) for f, a in zip(frames, alphas, strict=True)])
        writer = open_writer(target, clip)

        def encode() -> None:
            for frame in done:
                writer.frame(frame)
            writer.finish()

        lap("encode", encode)
    found["blur"] -= found["edge"]
    found["edge"] -= found["mix"]
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
                [sys.executable, "-c", code, *command, "--refine", "none", "--model", args.model],
                check=True,
                capture_output=True,
                text=True,
            )
            found[f"{seconds} s"] = round(int(run.stdout) / 1024, 1)
    return {"frames_a_second": 10, "size": [120, 160], "peak_mb": found}


def _write(path: Path, size: tuple[int, int], *, seconds: int, rate: int) -> Path:
    """A painted person who sways, in H.264 with sound."""
    person = clips.painted_subjects(1, seed=2)
    frames = [resize(frame, size) for frame in next(clips.build(person * 4, seed=1)).frames]
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
