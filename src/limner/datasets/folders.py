"""Pairs of pictures in two folders, matched by stem: read as they are, or planned to be prepared."""

import warnings
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from limner import files
from limner.datasets.plan import SHORT_SIDE, SPLITS, Plan, Record, SeededSplit, by_split, encode
from limner.datasets.plausible import check_opacity
from limner.datasets.sample import Sample, label_parts
from limner.errors import DatasetError, InputError
from limner.images import load_alpha, load_grey, load_image, picture_size
from limner.mattes.masks import from_labels


def read_folder(root: str | Path, split: str | None = None) -> list[Sample]:
    """List the samples under ``root``, matched by stem.

    Args:
        root: A folder with ``images/`` and either ``masks/`` (opacity: see `load_alpha`) or ``labels/``
            (label indices, 0 on the background), perhaps ``weights/`` (grey: how much each pixel counts in
            training, 0 where the mask is not to be learnt from); or a ZIP file of these, read into memory.
        split: Read the ids of ``SPLIT.txt``, one a line, in that order; without it, all images by name.

    Raises:
        DatasetError: If a folder, the list or a picture is missing, or the ZIP file is damaged.
    """
    root = Path(root)
    with _opened(root) as top:
        return _samples(top, files.spelled(root.stem if root.suffix == ".zip" else root.name), split)


def _samples(root: Any, name: str, split: str | None) -> list[Sample]:
    """The samples under a `Path`, or those under a `zipfile.Path` in memory."""
    kind = next((kind for kind in ("masks", "labels") if (root / kind).is_dir()), None)
    if kind is None or not (root / "images").is_dir():
        raise DatasetError(f"{root} is not a data set: it needs images/ and masks/ (or labels/)")
    images, masks = by_path(root / "images"), by_path(root / kind)
    weights = by_path(root / "weights") if (root / "weights").is_dir() else {}
    ids = list(images) if split is None else _read_list(root / f"{split}.txt", images)
    missing = [one for one in ids if one not in images or one not in masks]
    if missing:
        raise DatasetError(f"{root}: no image or no mask for {len(missing)} ids, first '{missing[0]}'")

    def take(file: Any) -> Path | bytes:
        return file if isinstance(file, Path) else file.read_bytes()

    return [
        Sample(
            id=one,
            image=take(images[one]),
            mask=take(masks[one]),
            weight=take(weights[one]) if one in weights else None,
            source=name,
            labelled=kind == "labels",
        )
        for one in ids
    ]


def folder_splits(root: str | Path) -> list[str]:
    """The splits that a data set of `read_folder` has lists of.

    Raises:
        DatasetError: If a ZIP file is missing or damaged.
    """
    with _opened(Path(root)) as top:
        return [split for split in SPLITS if (top / f"{split}.txt").exists()]


@contextmanager
def _opened(root: Path) -> Iterator[Any]:
    """The folder itself, or the top of a ZIP file as a `zipfile.Path`."""
    if root.suffix != ".zip":
        yield root
        return
    try:
        with zipfile.ZipFile(root) as archive:
            yield zipfile.Path(archive)
    except OSError as error:
        raise DatasetError(f"cannot read {root}: {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{root} is not a whole ZIP file: {error}; get it again") from error


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
        images: The pictures, those of sub-folders too.
        masks: Their masks, of the same paths and stems: opacity (see `load_alpha`) or label indices.
        name: Of the data set.
        subject_labels: The masks hold label indices (palette or grey), and these are the subject.
        short_side: Of the prepared pictures, pixels; the proportions are kept.
        seeded: How to split.
        licence: Terms of the pictures.

    Raises:
        DatasetError: If a folder is missing, has a stem twice, or the two have no stem in common.
    """
    pictures, targets = by_path(Path(images), without=Path(masks)), by_path(Path(masks), without=Path(images))
    ids = [stem for stem in pictures if stem in targets]
    if not ids:
        raise DatasetError(f"no picture in {images} has the stem of one in {masks}")
    seeded = seeded or SeededSplit()
    labels = None if subject_labels is None else tuple(sorted(subject_labels))
    pairs = {
        stem: partial(_record, stem, pictures[stem], targets[stem], short_side=short_side, subject=labels)
        for stem in ids
    }
    return Plan(
        name=name,
        licence=licence,
        settings={
            "kind": "folders",
            "size": short_side,
            "subject_labels": labels,
            "split": asdict(seeded),
        },
        split_by=str(seeded),
        splits=by_split(pairs, seeded.assign(ids)),
        unused=[
            files.spelled(str(path))
            for found, others in ((pictures, targets), (targets, pictures))
            for stem, path in found.items()
            if stem not in others
        ],
    )


def _record(
    name: str, picture: Path, mask: Path, *, short_side: int, subject: tuple[int, ...] | None
) -> Record:
    """Make a picture and its mask smaller together.

    Raises:
        DatasetError: If one of the two is missing or damaged, or their proportions differ.
    """
    problems = []
    parts: dict[str, float] = {}
    try:
        size = picture_size(picture)
        image = load_image(picture, least_side=2 * short_side)
    except InputError as error:
        problems.append(str(error))
    try:
        if subject is None:
            alpha = load_alpha(mask)
            check_opacity(alpha, str(mask))
        else:
            labels = load_grey(mask)
            alpha = from_labels(labels, subject).astype(np.float32)
            parts = label_parts(labels)
    except (InputError, DatasetError) as error:
        problems.append(str(error))
    if problems:
        raise DatasetError("; ".join(problems))
    return encode(name, image, alpha, size=size, short_side=short_side, parts=parts)


def by_path(folder: Any, *, without: Path | None = None) -> dict[str, Any]:
    """Path below a folder, without the extension -> file; sub-folders that are not hidden are looked at too.

    Args:
        folder: `Path` or `zipfile.Path`.
        without: A folder that is passed over.

    Raises:
        DatasetError: As `by_stem`.
    """
    found = by_stem(folder)
    for below in sorted(folder.iterdir(), key=lambda path: path.name):
        if not below.is_dir() or files.is_hidden(below.name):
            continue
        if isinstance(below, Path) and (
            (without is not None and without.exists() and below.samefile(without))
            or folder.resolve().is_relative_to(below.resolve())  # a link to where we are
        ):
            continue
        name = files.spelled(below.name)
        found |= {f"{name}/{stem}": file for stem, file in by_path(below, without=without).items()}
    return found


def by_stem(folder: Any) -> dict[str, Any]:
    """Stem -> picture of a folder (`Path` or `zipfile.Path`), by name.

    Hidden files are passed over, and with a warning what is no picture by its name (`files.is_picture`).
    Stems are spelled out (`files.spelled`), so that they can be written anywhere.

    Raises:
        DatasetError: If there is no such folder, or it has a stem twice.
    """
    if not folder.is_dir():
        raise DatasetError(f"no such folder: {folder}")
    paths = sorted(
        (path for path in folder.iterdir() if not files.is_hidden(path.name) and not path.is_dir()),
        key=lambda path: path.name,
    )
    found: dict[str, Any] = {}
    for path in filter(lambda path: files.is_picture(path.name), paths):
        stem = files.spelled(PurePath(path.name).stem)
        if stem in found:
            raise DatasetError(
                f"{folder} has {found[stem].name} and {path.name}, one stem: rename or remove one"
            )
        found[stem] = path
    if others := [path.name for path in paths if not files.is_picture(path.name)]:
        kind = "file is no picture and was" if len(others) == 1 else "files are no pictures and were"
        warnings.warn(f"{folder}: {len(others)} {kind} left alone (first {others[0]})", stacklevel=2)
    return found


def _read_list(path: Any, known: Collection[str]) -> list[str]:
    """The ids of a list, one a line; one that is not known, by its letters, see `limner.files.as_letters`."""
    if not path.exists():
        raise DatasetError(f"cannot read the list {path}: there is none")
    try:
        with path.open("rb") as file:
            lines = [line.strip() for line in files.text_lines(file, f"the list {path}")]
    except (InputError, OSError) as error:
        raise DatasetError(str(error)) from error
    names = [(files.spelled(line), files.as_letters(line)) for line in lines if line]
    ids = [name if name in known else letters for name, letters in names]
    if not ids:
        raise DatasetError(f"the list {path} is empty")
    return ids
