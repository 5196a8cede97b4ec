"""How long a model takes on this machine: stage by stage, by size of picture, by batch and by threads."""

import json
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from limner import files
from limner._version import commit
from limner.datasets.synthetic import synthetic_portrait
from limner.errors import InputError, ModelError
from limner.images import Image, encode_image, resize
from limner.models.segmenter import Segmenter
from limner.models.spec import model_path, to_input
from limner.parallel import thread_count
from limner.rendering import pipeline
from limner.rendering.options import Options

MEGAPIXELS = (0.25, 1.0, 4.0, 12.0, 50.0)
"""Sizes of picture that are measured by default."""

BATCHES = (1, 2, 4, 8, 16)
"""Images in one run of the network."""

LEAST_RUNS, MOST_RUNS, LEAST_S = 3, 50, 1.0
"""Runs of one measurement: at least so many, then until so many or so many seconds have passed."""

FIRST_RESULT = """
import json, sys, time
started = time.perf_counter()
from limner.images import load_image
from limner.models.segmenter import Segmenter
image = load_image(sys.argv[1])
Segmenter(sys.argv[2], device=sys.argv[3], threads=int(sys.argv[4]))(image)
row = {"after_python_s": time.perf_counter() - started, "peak_memory_mb": None}
if sys.platform == "linux":
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            row["peak_memory_mb"] = int(line.split()[1]) * 1024 / 1e6
elif sys.platform == "darwin":
    import resource
    row["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps(row))
"""
"""What a new process does to give its first alpha.

Linux's ``ru_maxrss`` is not used: it also counts what the parent held when it started the process.
"""


Timing = dict[str, float]
"""Milliseconds, ``p50_ms`` and ``p90_ms``, over so many ``runs``."""


def bench(
    model: str | Path,
    *,
    device: str = "auto",
    threads: int | None = None,
    megapixels: Sequence[float] = MEGAPIXELS,
) -> Iterator[tuple[str, Any]]:
    """Measure a model, one part of the result after the other, as ``(name, value)``.

    The parts: ``model`` (name, input, file), ``machine``, ``start`` (a new process up to its first alpha),
    ``sizes`` (a list: every stage from JPEG to PNG at a size of picture), ``batches`` (the network's
    images/s by batch) and ``threads`` (its time by threads).

    Args:
        model: The name of a bundled model, or the path of an ``.onnx`` file.
        device: As of `Segmenter`.
        threads: Of ONNX Runtime; by default one a core.
        megapixels: Sizes of picture, height to width as 4 to 3.

    Raises:
        ModelError: If the model or the device cannot be used.
        InputError: If a size is not positive.
    """
    for size in megapixels:
        if size < 0.01:
            raise InputError(f"a picture has at least 0.01 megapixels, got {size}")
    threads = threads or thread_count()
    segmenter = Segmenter(model, device=device, threads=threads)
    path = model_path(model)
    facts = {
        "name": segmenter.spec.name,
        "input": list(segmenter.spec.size),
        "parameters": segmenter.spec.parameters,
        "file_mb": path.stat().st_size / 1e6,
        "device": segmenter.device,
        "threads": threads,
    }
    yield "model", facts
    yield "machine", machine()
    portrait = synthetic_portrait(np.random.default_rng(0), (1024, 768))[0]
    jpeg = encode_image(_of_size(portrait, 1.0), ".jpg")
    yield "start", first_result(jpeg, path, segmenter.device, threads)
    stages = ((size, measure_stages(segmenter, _of_size(portrait, size))) for size in megapixels)
    yield "sizes", [{"megapixels": size, **timings} for size, timings in stages]
    seen = to_input(portrait, segmenter.spec.input_size(portrait.shape[:2]))  # of its own size: not resized

    def network(segmenter: Segmenter, count: int) -> Timing:
        return time_runs(lambda: segmenter.batch([seen] * count))

    rows = {count: network(segmenter, count) for count in BATCHES}
    yield (
        "batches",
        [{"images": n, "images_per_s": 1e3 * n / row["p50_ms"], **row} for n, row in rows.items()],
    )
    some = [count for count in sorted({1, 2, threads}) if count <= thread_count()]
    each = {count: Segmenter(model, device=device, threads=count) for count in some}
    yield "threads", [{"threads": count, **network(one, 1)} for count, one in each.items()]


def measure_stages(segmenter: Segmenter, image: Image) -> dict[str, Timing]:
    """`Timing` of every stage of `limner cut`, from a picture's JPEG to its cut-out's PNG, and of all."""
    jpeg = encode_image(image, ".jpg")
    runs: list[dict[str, float]] = []

    def whole() -> None:
        stages: dict[str, float] = defaultdict(float)

        def record(name: str, seconds: float) -> None:
            stages[name] += seconds

        clock = pipeline.stage_clock(record)
        pipeline.run(jpeg, segmenter, Options(), extension=".png", on_stage=clock)
        runs.append(stages)

    total = time_runs(whole)
    return {name: _timing([run[name] for run in runs[1:]]) for name in runs[0]} | {"total": total}


def time_runs(work: Callable[[], object]) -> Timing:
    """Time some work, after a first run that does not count."""
    work()
    taken: list[float] = []
    while len(taken) < LEAST_RUNS or (len(taken) < MOST_RUNS and sum(taken) < LEAST_S):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return _timing(taken)


def _timing(seconds: Sequence[float]) -> Timing:
    p50, p90 = 1e3 * np.quantile(seconds, [0.5, 0.9])
    return {"p50_ms": float(p50), "p90_ms": float(p90), "runs": len(seconds)}


def first_result(jpeg: bytes, model: Path, device: str, threads: int) -> dict[str, float | None]:
    """Seconds of a new process up to its first alpha, with and without Python's own start; its peak memory.

    Raises:
        ModelError: If the process fails.
    """
    with TemporaryDirectory() as folder:
        picture = Path(folder) / "portrait.jpg"
        files.write_bytes(picture, jpeg)
        command = [sys.executable, "-c", FIRST_RESULT, str(picture), str(model), device, str(threads)]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
        total = time.perf_counter() - started
    if done.returncode:
        raise ModelError(f"a new process could not use the model: {done.stderr.strip().splitlines()[-1]}")
    return {"total_s": total, **json.loads(done.stdout)}


def machine() -> dict[str, Any]:
    """What was measured on, and when."""
    return {
        "cpu": _cpu(),
        "cores": thread_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": commit(),
        **{name: metadata.version(name) for name in ("numpy", "pillow", "onnxruntime", "tqdm")},
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _cpu() -> str:
    """The processor's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _of_size(portrait: Image, megapixels: float) -> Image:
    """The portrait at another size, 4 to 3, with the noise of a sensor so that it compresses as photos do."""
    width = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    image = resize(portrait, (round(width * 4 / 3), width))
    noise = np.random.default_rng(0).integers(-4, 5, (256, 256, 3), np.int8)
    rows, columns = (np.arange(length) % 256 for length in image.shape[:2])
    grain = noise[rows][:, columns]
    grainy: Image = (image.astype(np.int16) + grain).clip(0, 255).astype(np.uint8)
    return grainy
