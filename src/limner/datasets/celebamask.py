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
from dataclasses import dataclass
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


@dataclass(frozen=True)
class FacePortrait:
    """A picture and the PNGs of those of its parts that make the subject."""

    id: str
    image: Path
    folder: Path | None  # of its parts; None where it has none at all
    parts: tuple[str, ...]  # those that it shows
    short_side: int

    def record(self) -> Record:
        """Unite the parts, then make the picture and the union smaller together.

        Raises:
            DatasetError: If the image or a part is missing or damaged; all of them are named.
        """
        masks, problems = {}, []
        if self.folder is None:
            problems.append(f"no masks for {self.image}: there is no {self.id}_*.png in {_MASKS}")
        else:
            for part in self.parts:
                try:
                    masks[part] = load_alpha(self.folder / f"{self.id}_{part}.png") > 0
                except InputError as error:
                    problems.append(str(error))
        try:
            size = picture_size(self.image)
            image = load_image(self.image, least_side=2 * self.short_side)
        except InputError as error:
            problems.append(str(error))
        if len({mask.shape for mask in masks.values()}) > 1:
            problems.append(f"the part masks of {self.image} differ in size")
        if problems:
            raise DatasetError("; ".join(problems))
        # One large temporary array keeps malloc from giving memory back to the system for every small one:
        # 28 ms a portrait against 38 with `union |= mask`.
        union = np.any(list(masks.values()), axis=0) if masks else np.zeros(image.shape[:2], np.bool_)
        return encode(
            self.id,
            image,
            union.astype(np.float32),
            size=size,
            short_side=self.short_side,
            parts={part: np.count_nonzero(mask) / mask.size for part, mask in masks.items()},
        )


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
    folders, shown, unused = _find_parts(source / _MASKS)
    ids = sorted({*images, *folders})
    mapping = source / _MAPPING
    seeded = seeded or SeededSplit()
    split_of = _official_split(mapping, ids) if mapping.exists() else seeded.assign(ids)
    portraits = {
        name: FacePortrait(
            name,
            images.get(name, source / _IMAGES / f"{int(name)}.jpg"),
            folders.get(name),
            tuple(part for part in chosen if part in shown.get(name, ())),
            short_side,
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
            "split": _MAPPING if mapping.exists() else seeded.settings(),
        },
        split_by=f"officially ({_MAPPING})" if mapping.exists() else f"{seeded} (no {_MAPPING})",
        splits=by_split(portraits, split_of),
        unused=unused,
    )


def _chosen(parts: Iterable[str]) -> list[str]:
    wanted = set(parts)
    unknown = sorted(wanted - set(PARTS))
    if unknown:
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


def _find_parts(masks: Path) -> tuple[dict[str, Path], dict[str, set[str]], list[str]]:
    """Id -> folder of its parts, id -> parts that it shows, and the pictures whose names fit no part."""
    if not masks.is_dir():
        raise DatasetError(f"{masks} is missing: give the folder that holds {_IMAGES} and {_MASKS}")
    folders: dict[str, Path] = {}
    shown: dict[str, set[str]] = {}
    unused = []
    for folder in sorted(path for path in masks.iterdir() if path.is_dir()):
        for entry in os.scandir(folder):  # 400,000 names: no Path is made of each
            match = _PART_FILE.fullmatch(entry.name)
            if match and match[2] in PARTS:
                folders[match[1]] = folder
                shown.setdefault(match[1], set()).add(match[2])
            elif files.is_picture(entry.name):
                unused.append(files.spelled(entry.path))
    return folders, shown, sorted(unused)


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
