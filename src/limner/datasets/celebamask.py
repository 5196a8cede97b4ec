"""CelebAMask-HQ in its own layout: 30,000 portraits, each with a PNG for every part of a face that it shows.

    SOURCE/CelebA-HQ-img/12.jpg                              1024 x 1024
    SOURCE/CelebAMask-HQ-mask-anno/0/00012_hair.png          512 x 512, in folder 12 // 2000
    SOURCE/CelebA-HQ-to-CelebA-mapping.txt                   which picture of CelebA each one was

Reference:
    Lee et al., "MaskGAN: Towards Diverse and Interactive Facial Image Manipulation", CVPR 2020.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from limner import files
from limner.datasets.plan import SHORT_SIDE, Plan, Record, SeededSplit, by_split, encode
from limner.errors import DatasetError, InputError
from limner.images import load_alpha, load_image, picture_size

PARTS = (
    "skin",
    "nose",
    "eye_g",  # glasses
    "l_eye",
    "r_eye",
    "l_brow",
    "r_brow",
    "l_ear",
    "r_ear",
    "mouth",
    "u_lip",
    "l_lip",
    "hair",
    "hat",
    "ear_r",  # earring
    "neck_l",  # necklace
    "neck",
    "cloth",
)
"""The parts of a portrait, in the order of their labels, 1 to 18."""

LICENCE = "non-commercial research and education only, no redistribution (CelebAMask-HQ dataset agreement)"

_IMAGES = "CelebA-HQ-img"
_MASKS = "CelebAMask-HQ-mask-anno"
_MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
_PART_FILE = re.compile(r"(\d{5})_(\w+)\.png")


def plan_celebamask(
    source: str | Path,
    *,
    parts: Iterable[str] = PARTS,
    short_side: int = SHORT_SIDE,
    seeded: SeededSplit | None = None,
) -> Plan:
    """List what is to be prepared from CelebAMask-HQ.

    The splits are the official ones, those of CelebA: by the picture's index there, below 162,771 train,
    below 182,638 val, else test (24,183, 2,993 and 2,824 pictures). Where the mapping file that they need is
    missing, they are seeded.

    Args:
        source: The folder in CelebAMask-HQ's layout.
        parts: Names out of `PARTS` that together make the subject.
        short_side: Of the prepared pictures, pixels.
        seeded: How to split where the mapping file is missing.

    Raises:
        InputError: If a part is unknown.
        DatasetError: If the folder has another layout, or the mapping file does not fit.
    """
    source = Path(source)
    chosen = _chosen(parts)
    images = _find_images(source / _IMAGES)
    shown, unused = _find_parts(source / _MASKS)
    ids = sorted({*images, *shown})
    mapping = source / _MAPPING
    official = mapping.exists()
    seeded = seeded or SeededSplit()
    split_of = _official_split(mapping, ids) if official else seeded.assign(ids)
    portraits = {
        name: partial(
            _record,
            name,
            images.get(name, source / _IMAGES / f"{int(name)}.jpg"),
            shown.get(name, {}),
            chosen=chosen,
            short_side=short_side,
        )
        for name in ids
    }
    return Plan(
        name="celebamask-hq",
        licence=LICENCE,
        settings={
            "kind": "celebamask",
            "size": short_side,
            "parts": chosen,
            "split": _MAPPING if official else asdict(seeded),
        },
        split_by=f"officially ({_MAPPING})" if official else f"{seeded} (no {_MAPPING})",
        splits=by_split(portraits, split_of),
        unused=unused,
    )


def _record(
    name: str, picture: Path, shown: dict[str, Path], *, chosen: list[str], short_side: int
) -> Record:
    """Unite the chosen parts of a portrait, then make the picture and the union smaller together.

    Raises:
        DatasetError: If the image or a part is missing or damaged; all of them are named.
    """
    masks, problems = {}, []
    if not shown:
        problems.append(f"no masks for {picture}: there is no {name}_*.png in {_MASKS}")
    for part in [part for part in chosen if part in shown]:
        try:
            masks[part] = load_alpha(shown[part] / f"{name}_{part}.png") > 0
        except InputError as error:
            problems.append(str(error))
    try:
        size = picture_size(picture)
        image = load_image(picture, least_side=2 * short_side)
    except InputError as error:
        problems.append(str(error))
    if len({mask.shape for mask in masks.values()}) > 1:
        problems.append(f"the part masks of {picture} differ in size")
    if problems:
        raise DatasetError("; ".join(problems))
    # One large temporary array keeps malloc from giving memory back to the system for every small one:
    # 28 ms a portrait against 38 with `union |= mask`.
    union = np.any(list(masks.values()), axis=0) if masks else np.zeros(image.shape[:2], np.bool_)
    fractions = {part: np.count_nonzero(mask) / mask.size for part, mask in masks.items()}
    return encode(name, image, union.astype(np.float32), size=size, short_side=short_side, parts=fractions)


def _chosen(parts: Iterable[str]) -> list[str]:
    wanted = set(parts)
    if unknown := sorted(wanted - set(PARTS)):
        raise InputError(f"unknown part '{unknown[0]}': the parts are {', '.join(PARTS)}")
    if not wanted:
        raise InputError("no parts are left to make a subject of")
    return [part for part in PARTS if part in wanted]


def _find_images(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is missing: give the folder that holds {_IMAGES} and {_MASKS}")
    images = {
        f"{int(path.stem):05d}": path
        for path in folder.iterdir()
        if path.stem.isdecimal() and files.is_picture(path.name)
    }
    if not images:
        raise DatasetError(f"{folder} holds no pictures such as 12.jpg")
    return images


def _find_parts(masks: Path) -> tuple[dict[str, dict[str, Path]], list[str]]:
    """Id -> part that it shows -> folder of its PNG, and the pictures whose names fit no part."""
    if not masks.is_dir():
        raise DatasetError(f"{masks} is missing: give the folder that holds {_IMAGES} and {_MASKS}")
    shown: dict[str, dict[str, Path]] = {}
    unused = []
    for folder in sorted(path for path in masks.iterdir() if path.is_dir()):
        for entry in os.scandir(folder):  # 400,000 names: no Path is made of each
            match = _PART_FILE.fullmatch(entry.name)
            if match and match[2] in PARTS:
                shown.setdefault(match[1], {})[match[2]] = folder
            elif files.is_picture(entry.name):
                unused.append(files.spelled(entry.path))
    return shown, sorted(unused)


def _official_split(mapping: Path, ids: Sequence[str]) -> dict[str, str]:
    """Id -> split, from lines of three columns under a header: idx, orig_idx, orig_file."""
    split_of = {}
    try:
        lines = files.read_text(mapping).splitlines()
    except InputError as error:
        raise DatasetError(str(error)) from error
    for number, line in enumerate(lines[1:], start=2):
        columns = line.split()
        if len(columns) != 3 or not (columns[0].isdecimal() and columns[1].isdecimal()):
            raise DatasetError(
                f"{mapping}, line {number}: wanted idx, orig_idx and orig_file, got '{line}'; get it again"
            )
        index = int(columns[1])
        split_of[f"{int(columns[0]):05d}"] = (
            "train" if index < 162771 else "val" if index < 182638 else "test"
        )
    missing = [name for name in ids if name not in split_of]
    if missing:
        raise DatasetError(f"{mapping} lacks {len(missing)} pictures, first {int(missing[0])}: get it again")
    return split_of
