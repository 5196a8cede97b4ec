"""Data sets: samples with their sources and splits, from plain folders or from prepared shards."""

from pathlib import Path

from limner.datasets.description import DESCRIPTION, DatasetSpec
from limner.datasets.folders import read_folder
from limner.datasets.plan import SPLITS
from limner.datasets.sample import Sample
from limner.errors import DatasetError

__all__ = ["Sample", "dataset_splits", "read_dataset", "read_folder"]


def read_dataset(root: str | Path, split: str | None = None) -> list[Sample]:
    """The samples of a data set, plain (`read_folder`) or prepared (`limner data prepare`).

    Args:
        root: Its folder.
        split: Only this one, such as "train"; without it, all.

    Raises:
        DatasetError: If it cannot be read, or has no such split.
    """
    if not _is_prepared(Path(root)):
        return read_folder(root, split)
    try:
        from limner.datasets.prepared import read_prepared
    except ModuleNotFoundError as error:
        raise DatasetError(f"to read {root} this needs {error.name}: pip install 'limner[train]'") from error
    return read_prepared(root, split)


def dataset_splits(root: str | Path) -> list[str]:
    """The splits that a data set has: those of its description, or those that a plain folder has lists of.

    Raises:
        DatasetError: If its description is missing or damaged.
    """
    if _is_prepared(Path(root)):
        return [split for split, count in DatasetSpec.load(root).splits.items() if count]
    return [split for split in SPLITS if (Path(root) / f"{split}.txt").exists()]


def _is_prepared(root: Path) -> bool:
    return (root / DESCRIPTION).exists() or any(root.glob("*.parquet"))
