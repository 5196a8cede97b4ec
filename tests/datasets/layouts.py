"""Tiny data sets in the layouts that Limner reads."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from limner.images import Image, Mask, save_image


def picture(number: int, side: int = 32) -> Image:
    """A smooth picture of its own for every number."""
    rows, columns = np.mgrid[:side, :side] / side
    phase = 6 * rows * (number % 5 + 1) + 4 * columns * (number % 3)
    image: Image = np.rint(127 + 100 * np.sin(phase[..., None] + np.arange(3))).astype(np.uint8)
    return image


def box(top: int, left: int, bottom: int, right: int, side: int = 32) -> Mask:
    mask = np.zeros((side, side), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


HAIR = box(2, 4, 12, 28)
SKIN = box(10, 8, 24, 24)
PARTS = {"hair": HAIR, "skin": SKIN, "cloth": box(24, 0, 32, 32)}


def write_mask(path: Path, mask: Mask) -> None:
    """As CelebAMask-HQ does it: 0 or 255 in three equal channels."""
    save_image(path, np.dstack([np.where(mask, np.uint8(255), np.uint8(0))] * 3))


def write_celebamask(
    root: Path, numbers: Iterable[int], parts: Mapping[str, Mask] = PARTS, side: int = 32
) -> Path:
    (root / "CelebA-HQ-img").mkdir(parents=True)
    for number in numbers:
        save_image(root / f"CelebA-HQ-img/{number}.jpg", picture(number, side))
        folder = root / f"CelebAMask-HQ-mask-anno/{number // 2000}"
        folder.mkdir(parents=True, exist_ok=True)
        for part, mask in parts.items():
            write_mask(folder / f"{number:05d}_{part}.png", mask)
    return root
