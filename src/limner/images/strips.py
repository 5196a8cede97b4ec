"""Large pictures a strip of rows at a time: what keeps memory small and all cores at work."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from limner.parallel import thread_count, thread_map

STRIP_BYTES = 1 << 20
"""Of the samples of a strip, about."""

_Result = TypeVar("_Result")


def strips(height: int, row_bytes: int, *, least: int = 1) -> list[slice]:
    """The rows of a picture, `STRIP_BYTES` at a time and not less than ``least``."""
    rows = max(least, STRIP_BYTES // max(row_bytes, 1))
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def map_strips(function: Callable[[slice], _Result], parts: list[slice]) -> Iterator[_Result]:
    """``function`` of every strip, in order, on all cores where there are several."""
    return thread_map(function, parts) if min(len(parts), thread_count()) > 1 else map(function, parts)
