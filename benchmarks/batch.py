"""How fast `limner batch` is beside what its stages cost: 512 x 512 JPEG to PNG cut-outs.

    python benchmarks/batch.py [--pictures 600] [--repeats 3]

Measures the CPU time of every stage of a picture in one process and one thread, then the command itself with
one worker process up to one a core, start of the processes included. The bound is what the cores could do if
they did nothing but the stages: cores / (CPU seconds a picture). Prints JSON.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np

from limner import files
from limner.batch import Job, storage
from limner.batch.job import segmenter
from limner.datasets.synthetic import synthetic_portrait
from limner.evaluation.timing import machine
from limner.images import encode_image, encode_photo, load_photo
from limner.parallel import keep_to
from limner.rendering.render import refined_alpha, render

Result = TypeVar("Result")

SIDE = 512
"""Height and width of the pictures."""

MEASURED = 60
"""Pictures whose stages are measured."""


def portraits(count: int) -> list[bytes]:
    """JPEG files of painted portraits with the noise of a sensor."""
    pictures = []
    for index in range(count):
        rng = np.random.default_rng(index)
        image = synthetic_portrait(rng, (SIDE, SIDE))[0]
        grainy = (image + rng.normal(0, 3, image.shape)).clip(0, 255).astype(np.uint8)
        pictures.append(encode_image(grainy, ".jpg"))
    return pictures


def stages(pictures: list[bytes], folder: Path) -> dict[str, float]:
    """Mean CPU milliseconds of a picture, stage by stage, in this process and on one core."""
    spent: dict[str, float] = defaultdict(float)
    with keep_to(1):
        for data in pictures[:3]:
            one_picture(data, folder, defaultdict(float))
        for data in pictures:
            one_picture(data, folder, spent)
    return {stage: round(1e3 * seconds / len(pictures), 2) for stage, seconds in spent.items()}


def one_picture(data: bytes, folder: Path, spent: dict[str, float]) -> None:
    """What a worker does with a picture, its CPU seconds added up by stage."""
    job = Job()
    network = segmenter(job.model, job.device)
    path = str(folder / "picture.jpg")
    Path(path).write_bytes(data)

    def timed(stage: str, act: Callable[[], Result]) -> Result:
        started = time.process_time()
        result = act()
        spent[stage] += time.process_time() - started
        return result

    read = timed("read", lambda: storage.read(path))
    timed("checksum", lambda: files.sha256(read))
    photo = timed("decode", lambda: load_photo(read))
    alpha = timed("network", lambda: network(photo.image))
    refined = timed("refine", lambda: refined_alpha(photo, alpha, job.options))
    finished = timed("render", lambda: render(photo, refined, job.options))
    made = timed("encode", lambda: encode_photo(finished, job.extension))
    timed("write", lambda: storage.write(f"{path}.png", made))


def run(source: Path, target: Path, workers: int, pictures: int) -> dict[str, float]:
    """Time of the command, and CPU time of it and its workers, the start of them all included."""
    command = [sys.executable, "-m", "limner", "batch", str(source), str(target), "--workers", str(workers)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "workers": workers,
        "seconds": round(seconds, 2),
        "pictures_per_s": round(pictures / seconds, 2),
        "cpu_ms_a_picture": round(1e3 * cpu / pictures, 2),
    }


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    cores = os.cpu_count() or 1
    some = portraits(MEASURED)
    rounds = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        (folder / "stages").mkdir()
        for number in range(args.pictures):
            (folder / "in" / f"{number:05}.jpg").write_bytes(some[number % MEASURED])
        for repeat in range(args.repeats):
            costs = stages(some, folder / "stages")
            bound = 1e3 * cores / sum(costs.values())
            runs = [
                run(folder / "in", folder / f"out-{repeat}-{workers}", workers, args.pictures)
                for workers in range(1, cores + 1)
            ]
            rounds.append(
                {
                    "stages_cpu_ms": costs,
                    "bound_pictures_per_s": round(bound, 2),
                    "runs": runs,
                    "fraction_of_bound": round(runs[-1]["pictures_per_s"] / bound, 3),
                    "scaling": round(runs[-1]["pictures_per_s"] / runs[0]["pictures_per_s"], 3),
                }
            )
        made = [path.stat().st_size for path in (folder / "out-0-1").glob("*.png")]
    result = {
        "machine": machine(),
        "pictures": args.pictures,
        "side": SIDE,
        "input_bytes": sum(map(len, some)) // len(some),
        "output_bytes": sum(made) // len(made),
        "rounds": rounds,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
