"""Parquet files full of pictures: one column of encoded pictures in, one of encoded results out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from limner.errors import InputError
from limner.rendering.pipeline import Encoded

ROWS = 64
"""Pictures that are read from a file, and written, at a time."""

RESULT, CONFIDENCE, ERROR = "cutout", "confidence", "error"
"""The columns that are added; a row has the first two, or the last."""


@dataclass
class Pack:
    """A file with its results."""

    data: bytes
    pictures: int = 0
    errors: list[str] = field(default_factory=list)  # of the pictures that failed


def cut_pack(
    data: bytes, column: str, cut: Callable[[Iterable[bytes | None]], Iterable[Encoded | InputError]]
) -> Pack:
    """The results of a file's pictures, in its order, beside its other columns.

    Args:
        data: A Parquet file.
        column: That of the pictures: binary, or a struct with such a field ``bytes``; if empty, the only one.
        cut: From encoded pictures, None where there is none, to the results, or why there is none.

    Raises:
        InputError: If it is not a Parquet file with such a column.
    """
    pack = Pack(b"")
    sink = pa.BufferOutputStream()
    try:
        with pq.ParquetFile(pa.BufferReader(data), pre_buffer=False) as file:
            column = _column(file.schema_arrow, column)
            schema = _result_schema(file.schema_arrow, column)
            with pq.ParquetWriter(sink, schema, compression="none", use_dictionary=False) as writer:
                for batch in file.iter_batches(ROWS, use_threads=False):
                    results = list(cut(_pictures(batch.column(column))))
                    writer.write_batch(_result(batch, schema, results))
                    pack.pictures += len(results)
                    pack.errors += [str(result) for result in results if isinstance(result, InputError)]
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"the Parquet file is damaged: {error}; get a whole copy of it") from error
    pack.data = sink.getvalue().to_pybytes()
    return pack


def _pictures(values: pa.Array) -> list[bytes | None]:
    if pa.types.is_struct(values.type):
        values = values.field("bytes")
    pictures: list[bytes | None] = values.to_pylist()
    return pictures


def _result(batch: pa.RecordBatch, schema: pa.Schema, results: list[Encoded | InputError]) -> pa.RecordBatch:
    added = [
        (None, None, str(result))
        if isinstance(result, InputError)
        else (result.data, result.confidence, None)
        for result in results
    ]
    kept = [batch.column(name) for name in schema.names[:-3]]
    columns = [
        pa.array(values, schema.field(-3 + i).type) for i, values in enumerate(zip(*added, strict=True))
    ]
    return pa.RecordBatch.from_arrays([*kept, *columns], schema=schema)


def _result_schema(schema: pa.Schema, column: str) -> pa.Schema:
    kept = [one for one in schema if one.name not in (column, RESULT, CONFIDENCE, ERROR)]
    added = [(RESULT, pa.binary()), (CONFIDENCE, pa.float32()), (ERROR, pa.string())]
    return pa.schema([*kept, *(pa.field(*one) for one in added)])


def _column(schema: pa.Schema, column: str) -> str:
    """The column of the pictures."""
    names = [one.name for one in schema if _holds_pictures(one.type)]
    if column:
        if column not in names:
            raise InputError(f"no column '{column}' of encoded pictures: it has {', '.join(names) or 'none'}")
        return column
    if len(names) != 1:
        found = f"several: {', '.join(names)}" if names else f"none of {', '.join(schema.names)} is one"
        raise InputError(f"which column holds the encoded pictures? ({found}); name it with --column")
    return str(names[0])


def _holds_pictures(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(
            kind.field(i).name == "bytes" and _holds_pictures(kind.field(i).type)
            for i in range(kind.num_fields)
        )
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
