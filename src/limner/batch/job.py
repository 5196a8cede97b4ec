"""The one thing that is done to every picture of a batch, wherever it runs: read, cut out, encode, write."""

import errno
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

from limner import files
from limner.batch import storage
from limner.batch.inputs import PARQUET
from limner.errors import InputError, MissingExtraError, OutputError
from limner.images import Metadata
from limner.models.segmenter import Segmenter
from limner.models.spec import DEFAULT_MODEL, read_model
from limner.notices import gather
from limner.parallel import keep_to, thread_map
from limner.rendering.options import Options
from limner.rendering.pipeline import Encoded, check_target, run

LOST = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Errors of writing after which no other picture can be written either."""

Item = TypeVar("Item")
Result = TypeVar("Result")
_loading = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is done to every picture."""

    model: str = DEFAULT_MODEL
    device: str = "auto"
    options: Options = field(default_factory=Options)
    extension: str = ".png"  # of the results; one of images.FORMATS or images.ANIMATED
    compress: bool = False  # take longer to write smaller files
    metadata: Metadata = "no-gps"  # what is kept of the EXIF data
    column: str = ""  # of the pictures in Parquet files; by default the only one that can be
    threads: int = 1  # pictures under way at a time in a process: more hide the latency of files far away

    def __post_init__(self) -> None:
        check_target(f"picture{self.extension}", self.options)

    def settings(self) -> dict[str, Any]:
        """All that the results depend on, besides the pictures, and ``settings``: a short checksum of it.

        Raises:
            ModelError: If the model cannot be used.
        """
        _, spec = read_model(self.model)
        options = {**self.options.non_default(), "extension": self.extension, "compress": self.compress}
        if self.metadata != "no-gps":
            options["metadata"] = self.metadata
        if self.column:
            options["column"] = self.column
        picture = self.options.picture
        if picture is not None:
            options["picture_sha256"] = files.sha256(picture.tobytes() + repr(picture.shape).encode())
        chosen = {"model": spec.name, "model_sha256": spec.sha256, "options": options}
        return {"settings": files.sha256(json.dumps(chosen, sort_keys=True).encode())[:12], **chosen}


class Task(NamedTuple):
    """A file to work on."""

    input: str  # name below the source
    output: str  # name below the target
    bytes: int  # stamp of the input when it was found
    time_ns: int
    known: str = ""  # SHA-256 of the input from which the output was made already, by the same settings
    known_bytes: int = 0  # size of that output


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a task."""

    task: Task
    status: str  # "done", "failed" or "lost": the target takes nothing more
    sha256: str = ""  # of the input
    output_bytes: int = 0
    error: str = ""
    warnings: list[str] = field(default_factory=list)  # of all pictures in the file, each once
    confidence: float | None = None  # see `expected_iou`; of a picture that was cut out now
    pictures: int = 1  # in the file
    causes: Mapping[str, int] = field(default_factory=dict)  # of the pictures in the file that failed
    started: float  # seconds since 1970
    taken_s: float

    def row(self, settings: str) -> dict[str, Any]:
        """The row of the manifest."""
        values = {
            "input": self.task.input,
            "output": self.task.output,
            "status": self.status,
            "error": self.error,
            "warnings": self.warnings,
            "settings": settings,
            "sha256": self.sha256,
            "input_bytes": self.task.bytes,
            "input_time_ns": self.task.time_ns,
            "output_bytes": self.output_bytes,
            "confidence": "" if self.confidence is None else round(self.confidence, 4),
            "started": datetime.fromtimestamp(self.started, timezone.utc).isoformat(timespec="milliseconds"),
            "taken_s": round(self.taken_s, 4),
        }
        if self.task.input.endswith(PARQUET):
            values |= {"pictures": self.pictures, "failed": sum(self.causes.values()), "causes": self.causes}
        return {name: value for name, value in values.items() if value not in ("", [])}


def cut_files(job: Job, source: str, target: str, tasks: list[Task]) -> list[Outcome]:
    """`cut_file` of some files, as many at a time as the job says."""
    return list(_threaded(partial(cut_file, job, source, target), tasks, job.threads))


def cut_file(job: Job, source: str, target: str, task: Task) -> Outcome:
    """Make the result of a file below ``source`` below ``target``: byte for byte the same, everywhere.

    A picture that cannot be used is an outcome, not an error.

    Raises:
        ModelError: If the model or the device cannot be used.
    """
    started, clock = time.time(), time.perf_counter()

    def outcome(status: str, **values: Any) -> Outcome:
        taken_s = time.perf_counter() - clock
        values |= {"sha256": digest, "warnings": warned}
        return Outcome(task=task, status=status, started=started, taken_s=taken_s, **values)

    digest, warned = "", list[str]()
    inside: dict[str, Any] = {}
    try:
        data = storage.read(storage.join(source, task.input))
        digest = files.sha256(data)
        if digest == task.known:
            return outcome("done", output_bytes=task.known_bytes)
        if task.input.endswith(PARQUET):
            made, inside = _cut_parquet(job, data, warned)
        else:
            made, _, confidence = cut_bytes(job, data, warned)
            inside = {"confidence": confidence}
        storage.write(storage.join(target, task.output), made)
    except (InputError, OutputError, MissingExtraError) as error:
        lost = isinstance(error, OutputError) and error.errno in LOST
        return outcome("lost" if lost else "failed", error=str(error))
    return outcome("done", output_bytes=len(made), **inside)


def cut_bytes(job: Job, data: bytes, warned: list[str]) -> Encoded:
    """From an encoded picture to the encoded result, on one core: as many pictures are under way as cores.

    What is warned of goes into ``warned``.

    Raises:
        InputError: If the picture cannot be used.
        ModelError: If the model or the device cannot be used.
    """
    try:
        with keep_to(1), gather(warned):
            return run(
                data,
                segmenter(job.model, job.device),
                job.options,
                extension=job.extension,
                compress=job.compress,
                metadata=job.metadata,
            )
    except MemoryError as error:
        raise InputError("there is not enough memory for the picture") from error


def _cut_parquet(job: Job, data: bytes, warned: list[str]) -> tuple[bytes, dict[str, Any]]:
    """A Parquet file with its results, and what its outcome says of them."""
    from limner.batch.parquet import cut_parquet

    def cut(picture: bytes | None) -> Encoded | InputError:
        if picture is None:
            return InputError("the picture is missing: its row is empty")
        try:
            return cut_bytes(job, picture, warned)
        except InputError as error:
            return error

    made, errors, count = cut_parquet(
        data, job.column, lambda pictures: _threaded(cut, pictures, job.threads)
    )
    return made, {"pictures": count, "causes": Counter(map(cause, errors))}


def _threaded(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    return thread_map(function, items, threads=threads) if threads > 1 else map(function, items)


def segmenter(model: str, device: str) -> Segmenter:
    """The model in this process, loaded once, on one core."""
    with _loading:
        return _loaded(model, device)


@lru_cache(maxsize=1)
def _loaded(model: str, device: str) -> Segmenter:
    return Segmenter(model, device=device, threads=1)


def cause(error: str) -> str:
    """What errors of one kind have in common: their first clause, its numbers left out."""
    return re.sub(r"\d[\d.,]*", "#", re.split(r"[:;(]", error)[0]).strip()
