"""A data set kept as folders of pictures: ``images/`` with ``masks/`` (opacity) or ``labels/`` (indices)."""

from pathlib import Path

from limner.datasets.sample import Sample
from limner.errors import DatasetError


def read_folder(root: str | Path, split: str | None = None) -> list[Sample]:
    """List the samples under ``root``, matched by stem.

    Args:
        root: A folder with ``images/`` and either ``masks/`` (8-bit grey, 255 on the subject) or ``labels/``
            (label indices, 0 on the background).
        split: Read the ids of ``SPLIT.txt``, one a line, in that order; without it, all images by name.

    Raises:
        DatasetError: If a folder, the list or a picture is missing.
    """
    root = Path(root)
    masks = next((root / name for name in ("masks", "labels") if (root / name).is_dir()), None)
    if masks is None or not (root / "images").is_dir():
        raise DatasetError(f"{root} is not a data set: it needs images/ and masks/ (or labels/)")
    images = {path.stem: path for path in sorted((root / "images").iterdir())}
    targets = {path.stem: path for path in sorted(masks.iterdir())}
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


def _read_list(path: Path) -> list[str]:
    try:
        ids = path.read_text(encoding="utf-8").split()
    except OSError as error:
        raise DatasetError(f"cannot read the list {path}: {error.strerror}") from error
    if not ids:
        raise DatasetError(f"the list {path} is empty")
    return ids
