"""``dataset.json``: what a prepared data set holds, where it comes from and how it was made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from limner import files
from limner.errors import DatasetError, InputError

DESCRIPTION = "dataset.json"
"""Name of the file. It is written last: a folder that has it is complete."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A finished shard."""

    file: str
    split: str
    samples: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """What ``dataset.json`` says."""

    name: str
    licence: str  # terms of the pictures
    limner: str  # version that prepared it
    command: str
    settings: Mapping[str, Any]
    split_by: str
    splits: Mapping[str, int]  # split -> samples
    original_sizes: Mapping[str, int]  # "HEIGHT x WIDTH" -> pictures that had this size
    shards: Sequence[Shard]
    sha256: str  # of the shards' checksums, one a line
    failures: Mapping[str, str]  # id -> why it was left out
    unused: Sequence[str]  # files that belong to no portrait

    def save(self, root: str | Path) -> None:
        """Write the description of the data set in the folder ``root``."""
        files.write_bytes(Path(root) / DESCRIPTION, (json.dumps(asdict(self), indent=2) + "\n").encode())

    @classmethod
    def load(cls, root: str | Path) -> "DatasetSpec":
        """Read the description of the data set in the folder ``root``.

        Raises:
            DatasetError: If it is missing, damaged, or its keys are not those of this class.
        """
        path = Path(root) / DESCRIPTION
        if not path.exists():
            raise DatasetError(
                f"{root} is not a finished data set: it has no {DESCRIPTION}; run `limner data "
                "prepare` to its end"
            )
        try:
            values: dict[str, Any] = files.read_json(path)
            if set(values) != {field.name for field in fields(cls)}:
                raise InputError(f"cannot read {path}: its keys are not those of this version of Limner")
            shards = [Shard(**shard) for shard in values.pop("shards")]
        except InputError as error:
            raise DatasetError(f"{error}; prepare the data set again") from error
        except TypeError as error:
            raise DatasetError(f"cannot read {path}: {error}; prepare the data set again") from error
        return cls(shards=shards, **values)
