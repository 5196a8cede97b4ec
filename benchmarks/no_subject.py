"""What a model sees where there is no subject: the mean alpha over a folder of pictures without people.

    python benchmarks/no_subject.py FOLDER [--every N] [--model NAME|FILE]

Every fourth picture by name (``--every 4``) is what training leaves out of its backgrounds.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from limner.images import load_image
from limner.models.segmenter import Segmenter
from limner.models.spec import DEFAULT_MODEL


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every N-th picture by name")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    args = parser.parse_args()
    segmenter = Segmenter(args.model, device="cpu")
    alphas = [segmenter(load_image(path)) for path in sorted(args.folder.iterdir())[:: args.every]]
    result = {
        "model": segmenter.spec.name,
        "pictures": len(alphas),
        "mean_alpha": round(float(np.mean([alpha.mean() for alpha in alphas])), 4),
        "mean_fraction_above_half": round(float(np.mean([(alpha >= 0.5).mean() for alpha in alphas])), 4),
        "pictures_with_an_all_zero_8_bit_matte": sum(bool(alpha.max() < 0.5 / 255) for alpha in alphas),
        "pictures_below_1_percent": sum(bool(alpha.mean() < 0.01) for alpha in alphas),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
