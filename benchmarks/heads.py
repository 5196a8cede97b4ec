"""How well `head_of` measures a head by its outline: against the chin of MediaPipe's face mesh.

    python benchmarks/heads.py ../shared/data/eg1800 --split train --every 3

Needs the package mediapipe (0.10.14, in an environment of its own with the core of Limner). Masks are those
of the data set. Left out are pictures with no face or several, and those whose upper border cuts the subject
off. A height counts from the crown that `head_of` finds.
"""

import argparse
import json
from pathlib import Path

import mediapipe
import numpy as np
from numpy.typing import NDArray

from limner.datasets import read_dataset
from limner.errors import InputError
from limner.images import Image
from limner.rendering.outline import head_of


def chins(image: Image, mesh: mediapipe.solutions.face_mesh.FaceMesh) -> list[float]:
    """The lowest row of each face, pixels; the picture is continued at its borders."""
    border = len(image) // 4
    padded = np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge")
    faces = mesh.process(padded).multi_face_landmarks or []
    return [max(point.y for point in face.landmark) * len(padded) - border for face in faces]


def ratios(data: Path, split: str, every: int) -> NDArray[np.float64]:
    """Height by `head_of` over true height, of every picture that counts."""
    found = []
    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=3, min_detection_confidence=0.3
    )
    for sample in read_dataset(data, split)[::every]:
        image, target = sample.load()
        rows = chins(image, mesh)
        if len(rows) != 1 or target[0].mean() > 0.02:
            continue
        try:
            head = head_of(target)
        except InputError:
            continue
        found.append(head.height / (rows[0] - head.top))
    return np.array(found)


def main() -> None:
    """Print the quantiles of the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    ratio = ratios(args.data, args.split, args.every)
    error = abs(np.log(ratio))
    quantiles = dict(zip((5, 25, 50, 75, 95), np.quantile(ratio, [0.05, 0.25, 0.5, 0.75, 0.95]), strict=True))
    rows = {
        "heads": len(ratio),
        "within_7_percent": float((error < 0.07).mean()),
        "within_15_percent": float((error < 0.14).mean()),
        "mean_log_error": float(error.mean()),
        "quantiles_of_the_ratio": {percent: round(float(value), 3) for percent, value in quantiles.items()},
    }
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
