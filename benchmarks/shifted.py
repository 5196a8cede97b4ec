"""A harder list than the validation lists: their subjects smaller, before backgrounds never trained on.

    python benchmarks/shifted.py ../shared/data data/shifted

Writes a data set for `limner evaluate`: 134 subjects of EG1800's val.txt and 134 of CelebAMask-HQ's, each
placed as in training (`limner.training.composite.place`, down to a third of the size) before one of the
backgrounds that recipes keep aside (every fourth), half of them lit like it.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from limner import files
from limner.datasets import read_dataset
from limner.images import load_image, save_image, to_uint8
from limner.rendering.backgrounds import lay_out
from limner.training.composite import place, put_before
from limner.training.loading import normalise

COUNT = 134  # of each list
MIN_SCALE = 0.33


def main() -> None:
    """Write the data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    samples = [
        *read_dataset(args.source / "eg1800", "val")[:COUNT],
        *read_dataset(args.source / "celebamask-hq-5k", "val")[:COUNT],
    ]
    backgrounds = sorted((args.source / "backgrounds").glob("*"))[::4]
    for name in ("images", "masks"):
        files.make_folder(args.target / name)
    for number, sample in enumerate(tqdm(samples, "placing", unit="image")):
        rng = np.random.default_rng(number)
        image, alpha = sample.load()
        behind = lay_out(load_image(backgrounds[number % len(backgrounds)]), alpha.shape)
        draws = iter(torch.from_numpy(rng.random((4, 1), np.float32)))
        known = torch.from_numpy(alpha)[None, None]
        subject, opacity, _ = place(_tensor(image), known, torch.ones_like(known), MIN_SCALE, draws)
        whole = put_before(subject, opacity, _tensor(behind), 0.5 * (number % 2), draws)
        name = f"{sample.source}-{sample.id}"
        save_image(args.target / "images" / f"{name}.jpg", to_uint8(whole[0].permute(1, 2, 0).numpy()))
        save_image(args.target / "masks" / f"{name}.png", to_uint8(opacity[0, 0].numpy()))
    names = sorted(path.stem for path in (args.target / "images").iterdir())
    files.write_bytes(args.target / "val.txt", "".join(f"{name}\n" for name in names).encode())


def _tensor(image: np.ndarray) -> torch.Tensor:
    return normalise(torch.from_numpy(image.copy())[None])


if __name__ == "__main__":
    main()
