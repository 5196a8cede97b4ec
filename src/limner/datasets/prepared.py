"""The shards of a prepared data set, Parquet files such as ``train-00000.parquet``: written and read.

The only module that touches pyarrow.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from limner import files
from limner.datasets.description import DESCRIPTION, DatasetSpec, Shard
from limner.datasets.plan import Record
from limner.datasets.sample import Sample
from limner.errors import DatasetError

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("image", pa.binary()),  # JPEG, upright RGB
        ("mask", pa.binary()),  # PNG, grey, opacity of the subject
        ("weight", pa.binary()),  # PNG, grey, how much each pixel counts in training; null: all alike
        ("split", pa.string()),
        ("source", pa.string()),  # name of the data set
        ("height", pa.int32()),  # of the image before it was made smaller
        ("width", pa.int32()),
        ("parts", pa.map_(pa.string(), pa.float64())),  # part -> fraction of the picture
    ]
)
_KEY = b"limner"


@dataclass(frozen=True, kw_only=True)
class ShardNote:
    """What a shard says of itself: what it was made from, and what is missing from it."""

    settings: Mapping[str, Any]
    portraits: str  # SHA-256 of the ids that belong into it
    failures: Mapping[str, str]  # id -> why it is not in the shard
    subject_fractions: Sequence[float] = ()  # mean opacity of each mask


def write_shard(path: Path, records: Iterable[Record], *, split: str, source: str, note: ShardNote) -> None:
    """Write a shard, whole or not at all; the same records give the same bytes.

    Raises:
        OutputError: If it cannot be written.
    """
    rows = [
        {
            "id": record.id,
            "image": record.image,
            "mask": record.mask,
            "weight": record.weight,
            "split": split,
            "source": source,
            "height": record.size[0],
            "width": record.size[1],
            "parts": list(record.parts.items()),
        }
        for record in records
    ]
    schema = SCHEMA.with_metadata({_KEY: json.dumps(asdict(note), sort_keys=True)})
    sink = pa.BufferOutputStream()
    # The pictures are compressed already.
    pq.write_table(pa.Table.from_pylist(rows, schema), sink, compression="none", use_dictionary=False)
    files.write_bytes(path, sink.getvalue().to_pybytes())


def read_note(path: Path) -> ShardNote | None:
    """The note of a shard; None where the file is not a whole shard."""
    try:
        with path.open("rb") as file:  # Arrow itself opens no name that is not UTF-8
            metadata = pq.read_schema(file).metadata or {}
        return ShardNote(**json.loads(metadata[_KEY]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Measured:
    """A finished shard, and what its pictures are."""

    shard: Shard
    note: ShardNote
    sizes: Sequence[str]  # "HEIGHT x WIDTH" of each picture before it was made smaller
    parts: Sequence[Mapping[str, float]]  # of each picture


def measure_shard(path: Path) -> Measured:
    """Read a finished shard.

    Raises:
        DatasetError: If it cannot be read.
    """
    data, note = _read(path), read_note(path)
    if note is None:
        raise DatasetError(f"cannot read the shard {path}: it is damaged; prepare the data set again")
    rows = _columns(data, ["height", "width", "parts"])
    shard = Shard(
        file=path.name,
        split=path.name.rpartition("-")[0],
        samples=len(rows),
        bytes=len(data),
        sha256=files.sha256(data),
    )
    sizes = [f"{row['height']} x {row['width']}" for row in rows]
    return Measured(shard, note, sizes, [dict(row["parts"]) for row in rows])


def read_prepared(root: str | Path, split: str | None = None) -> list[Sample]:
    """The samples of a prepared data set, encoded in memory: about 30 KB each at 256 x 256.

    Args:
        root: The folder with ``dataset.json``.
        split: "train", "val" or "test"; without it, all of them.

    Raises:
        DatasetError: If the data set is unfinished or damaged, or has no such split.
    """
    spec = DatasetSpec.load(root)
    if split is not None and not spec.splits.get(split):
        known = ", ".join(f"{name} ({count})" for name, count in spec.splits.items() if count)
        raise DatasetError(f"{root} has no split '{split}': it has {known}")
    return [
        sample
        for shard in spec.shards
        if split in {None, shard.split}
        for sample in _read_shard(Path(root) / shard.file, shard.sha256)
    ]


def _read_shard(path: Path, sha256: str) -> list[Sample]:
    data = _read(path)
    if files.sha256(data) != sha256:
        raise DatasetError(
            f"{path} is not the shard that {DESCRIPTION} describes: delete it and prepare the data set again"
        )
    rows = _columns(data, ["id", "image", "mask", "weight", "source", "parts"])
    return [Sample(labelled=False, **{**row, "parts": dict(row["parts"])}) for row in rows]


def _columns(data: bytes, names: list[str]) -> list[dict[str, Any]]:
    """The rows of a shard, some columns of them, read without Arrow's thread pools.

    One that is still at work when Python ends aborts the process ("terminate called without an active
    exception"): seen in about one of fifty short runs of pyarrow 26.
    """
    table = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False).read(names, use_threads=False)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"cannot read the shard {path}: {error.strerror}; prepare the data set again"
        ) from error
