"""Pairs of pictures in two folders, matched by stem: read as they are, or planned to be prepared."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limner.datasets.plan import SHORT_SIDE, SPLITS, Plan, Record, SeededSplit, encode
from limner.datasets.sample import Sample
from limner.errors import DatasetError, InputError
from limner.images import load_alpha, load_grey, load_image, picture_size
from limner.masks import from_labels


def read_folder(root: str | Path, split: str | None = None) -> list[Sample]:
    """List the samples under ``root``, matched by stem.

    Args:
        root: A folder with ``images/`` and either ``masks/`` (opacity: see `load_alpha`) or ``labels/``
            (label indices, 0 on the background).
        split: Read the ids of ``SPLIT.txt``, one a line, in that order; without it, all images by name.

    Raises:
        DatasetError: If a folder, the list or a picture is missing.
    """
    root = Path(root)
    masks = next((root / name for name in ("masks", "labels") if (root / name).is_dir()), None)
    if masks is None or not (root / "images").is_dir():
        raise DatasetError(f"{root} is not a data set: it needs images/ and masks/ (or labels/)")
    images = _by_stem(root / "images")
    targets = _by_stem(masks)
    ids = list(images) if split is None else _read_list(root / f"{split}.txt")
    missing = [name for name in ids if name not in images or name not in targets]
    if missing:
        raise DatasetError(f"{root}: no image or no mask for {len(missing)} ids, first '{missing[0]}'")
    return [
        Sample(
            id=name, image=images[name], mask=targets[name], source=root.name, labelled=masks.name == "labels"
        )
        for name in ids
    ]


@dataclass(frozen=True)
class Pair:
    """A picture and its mask."""

    id: str
    image: Path
    mask: Path
    short_side: int
    labels: tuple[int, ...] | None  # of the subject, where the mask holds label indices

    def record(self) -> Record:
        """Make both smaller together.

        Raises:
            DatasetError: If one of the two is missing or damaged, or their proportions differ.
        """
        problems = []
        try:
            size = picture_size(self.image)
            image = load_image(self.image, least_side=2 * self.short_side)
        except InputError as error:
            problems.append(str(error))
        try:
            if self.labels is None:
                alpha = load_alpha(self.mask)
            else:
                alpha = from_labels(load_grey(self.mask), self.labels).astype(np.float32)
        except InputError as error:
            problems.append(str(error))
        if problems:
            raise DatasetError("; ".join(problems))
        return encode(self.id, image, alpha, size=size, short_side=self.short_side)


def plan_folders(
    images: str | Path,
    masks: str | Path,
    *,
    name: str,
    subject_labels: Collection[int] | None = None,
    short_side: int = SHORT_SIDE,
    seeded: SeededSplit | None = None,
    licence: str = "not stated",
) -> Plan:
    """List what is to be prepared from a folder of pictures and a folder of their masks.

    Args:
        images: The pictures.
        masks: Their masks, of the same stems: opacity (see `load_alpha`) or label indices.
        name: Of the data set.
        subject_labels: The masks hold label indices (palette or grey), and these are the subject.
        short_side: Of the prepared pictures, pixels; the proportions are kept.
        seeded: How to split.
        licence: Terms of the pictures.

    Raises:
        DatasetError: If a folder is missing, has a stem twice, or the two have no stem in common.
    """
    pictures, targets = _by_stem(Path(images)), _by_stem(Path(masks))
    ids = [stem for stem in pictures if stem in targets]
    if not ids:
        raise DatasetError(f"no picture in {images} has the stem of one in {masks}")
    seeded = seeded or SeededSplit()
    split_of = seeded.assign(ids)
    labels = None if subject_labels is None else tuple(sorted(subject_labels))
    pairs = {stem: Pair(stem, pictures[stem], targets[stem], short_side, labels) for stem in ids}
    return Plan(
        name=name,
        licence=licence,
        settings={
            "kind": "folders",
            "size": short_side,
            "subject_labels": labels,
            "split": seeded.settings(),
        },
        split_by=str(seeded),
        splits={split: [pairs[stem] for stem in ids if split_of[stem] == split] for split in SPLITS},
        unused=[
            str(path)
            for files, others in ((pictures, targets), (targets, pictures))
            for stem, path in files.items()
            if stem not in others
        ],
    )


def _by_stem(folder: Path) -> dict[str, Path]:
    """Stem -> file, in the order of the names; hidden files are passed over."""
    if not folder.is_dir():
        raise DatasetError(f"no such folder: {folder}")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.stem in found:
            raise DatasetError(
                f"{folder} has {found[path.stem].name} and {path.name}, one stem: rename or remove one"
            )
        found[path.stem] = path
    return found


def _read_list(path: Path) -> list[str]:
    try:
        ids = path.read_text(encoding="utf-8").split()
    except OSError as error:
        raise DatasetError(f"cannot read the list {path}: {error.strerror}") from error
    if not ids:
        raise DatasetError(f"the list {path} is empty")
    return ids
