"""Large pictures: `limner cut` from start to end, with its peak memory; PNG files beside Pillow's.

    python -m benchmarks.pictures [--runs N] > benchmarks/results/pictures.json

The picture is the portrait of the examples, enlarged, with the noise of a sensor so that it packs as photos
do. Times are the shortest of the runs: what else the machine did only adds to them. A process's peak memory
is its own, as the system counts it.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import PIL.Image

from limner.evaluation.timing import machine
from limner.images import Image, Photo, encode_photo, load_image, load_photo, resize, save_image
from limner.rendering.cut import segment
from limner.rendering.render import render

PORTRAIT = Path(__file__).parents[1] / "examples" / "eileen-collins.jpg"


def enlarged(megapixels: float) -> Image:
    """The portrait at 4 to 3 with noise of 3 levels."""
    width = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    image = resize(load_image(PORTRAIT), (round(width * 4 / 3), width))
    noise = np.rint(np.random.default_rng(0).normal(0, 3, (512, 512, 3))).astype(np.int16)
    for top in range(0, len(image), 512):
        for left in range(0, width, 512):
            part = image[top : top + 512, left : left + 512]
            part[...] = (part + noise[: part.shape[0], : part.shape[1]]).clip(0, 255)
    return image


def cut(source: Path, runs: int) -> dict[str, Any]:
    """Seconds of the shortest run of the command, and the most memory of any."""
    target = source.with_name("cutout.png")
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "limner",
        "cut",
        str(source),
        "-o",
        str(target),
        "--json",
    ]
    rows = []
    for _ in range(runs):
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            answer = json.loads(process.stdout.read())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
        peak_kb = usage.ru_maxrss
        rows.append((time.perf_counter() - started, peak_kb * 1024 / 1e6, answer["seconds"]))
    seconds, _, stages = min(rows, key=lambda row: row[0])
    return {
        "seconds": round(seconds, 3),
        "peak_memory_mb": round(max(row[1] for row in rows)),
        "stages_s": stages,
        "png_mb": round(target.stat().st_size / 1e6, 2),
    }


def png_files(photo: Photo, runs: int) -> list[dict[str, Any]]:
    """A cut-out as PNG by Limner and by Pillow at several levels."""
    assert photo.alpha is not None
    stored = np.dstack([photo.pixels, np.rint(photo.alpha * 255).astype(np.uint8)])
    picture = PIL.Image.fromarray(stored)

    def pillow(level: int) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=level)
        return buffer.getvalue()

    makers: dict[str, Callable[[], bytes]] = {
        "limner": lambda: encode_photo(photo, ".png"),
        "limner, compress": lambda: encode_photo(photo, ".png", compress=True),
        "pillow, level 1": lambda: pillow(1),
        "pillow, level 6 (its default)": lambda: pillow(6),
    }
    rows = []
    for name, make in makers.items():
        taken = []
        for _ in range(runs):
            started = time.perf_counter()
            size = len(make())
            taken.append(time.perf_counter() - started)
        rows.append({"writer": name, "ms": round(1e3 * min(taken)), "mb": round(size / 1e6, 2)})
    return rows


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "runs": args.runs, "cut": {}}
    with TemporaryDirectory() as folder:
        for megapixels in (12, 100):
            source = Path(folder) / f"{megapixels}.jpg"
            save_image(source, enlarged(megapixels))
            runs = args.runs if megapixels == 12 else 1
            result["cut"][f"{megapixels} megapixels"] = cut(source, runs)
        photo = load_photo(Path(folder) / "12.jpg")
    finished = render(photo, segment(photo))
    result["png"] = png_files(finished, min(args.runs, 3))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
