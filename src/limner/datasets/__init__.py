"""Data sets: samples with their sources and splits, from plain folders, packs or prepared shards."""

from pathlib import Path

from limner.datasets.description import DESCRIPTION, DatasetSpec
from limner.datasets.folders import folder_splits, read_folder
from limner.datasets.sample import Sample, Seen
from limner.errors import DatasetError, MissingExtraError

__all__ = [
    "Sample",
    "Seen",
    "dataset_splits",
    "is_prepared",
    "matching_datasets",
    "read_dataset",
    "read_folder",
]


def read_dataset(root: str | Path, split: str | None = None) -> list[Sample]:
    """The samples of a data set: plain or packed (`read_folder`), or prepared (`limner data prepare`).

    Args:
        root: Its folder, or the ZIP file of a pack.
        split: Only this one, such as "train"; without it, all.

    Raises:
        DatasetError: If it cannot be read, or has no such split.
    """
    if not is_prepared(Path(root)):
        return read_folder(root, split)
    try:
        from limner.datasets.prepared import read_prepared
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", str(error.name)) from error
    return read_prepared(root, split)


def matching_datasets(root: str | Path, name: str) -> list[Path]:
    """The data sets under ``root`` that a name, or a pattern such as ``packs/heads-*.zip``, stands for.

    What exists as it is written is that data set, whatever its characters.

    Raises:
        DatasetError: If a pattern matches none.
    """
    if (Path(root) / name).exists() or not any(letter in name for letter in "*?["):
        return [Path(root) / name]
    found = sorted(Path(root).glob(name))
    if not found:
        raise DatasetError(f"no data set matches {name} in {root}")
    return found


def dataset_splits(root: str | Path) -> list[str]:
    """The splits that a data set has: those of its description, or those that a plain data set has lists of.

    Raises:
        DatasetError: If its description is missing or damaged.
    """
    if is_prepared(Path(root)):
        return [split for split, count in DatasetSpec.load(root).splits.items() if count]
    return folder_splits(root)


def is_prepared(root: Path) -> bool:
    """Whether a folder holds a data set of `limner data prepare`, finished or not."""
    return (root / DESCRIPTION).exists() or any(root.glob("*.parquet"))
