"""How often the API of remove.bg answers `unknown_foreground`, for folders of pictures.

    python benchmarks/unknown_foreground.py [--pictures 60] FOLDER...

Prints JSON: of each folder the pictures looked at, those without a subject, those whose cut-out is less
certain than `LEAST_CONFIDENCE`, and the confidences of the rest, least first.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from limner._version import commit
from limner.images import FORMATS, load_image
from limner.mattes.confidence import expected_iou
from limner.mattes.masks import remove_specks
from limner.models.segmenter import Segmenter
from limner.rendering.outline import find_subject
from limner.server.service import LEAST_CONFIDENCE


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--pictures", type=int, default=60, help="of a folder at most, at random")
    args = parser.parse_args()
    segmenter = Segmenter()
    for folder in args.folders:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in FORMATS)
        chosen = np.random.default_rng(0).permutation(len(files))[: args.pictures]
        files = [files[number] for number in chosen]
        alphas = [segmenter(load_image(file)) for file in files]
        found = sorted(
            round(expected_iou(alpha), 2) for alpha in alphas if find_subject(remove_specks(alpha))
        )
        row = {
            "commit": commit(),
            "folder": folder.as_posix(),
            "pictures": len(files),
            "no_subject": len(files) - len(found),
            "uncertain": sum(confidence < LEAST_CONFIDENCE for confidence in found),
            "confidences": [confidence for confidence in found if confidence >= LEAST_CONFIDENCE],
        }
        print(json.dumps(row))


if __name__ == "__main__":
    main()
