"""What is to be done: what is there now against what earlier runs recorded, in a database on disk.

Memory does not grow with the number of files. SQLite keeps its temporary database where SQLITE_TMPDIR says.
Names go there and come back as their bytes (CAST), since not every name of a file is UTF-8.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from limner import files
from limner.batch import storage
from limner.batch.inputs import PARQUET, find_source, output_name
from limner.batch.job import Job, Task
from limner.batch.manifest import Row
from limner.errors import InputError

SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE found (
    input TEXT PRIMARY KEY, path TEXT, folder TEXT, file TEXT, stem TEXT, chosen INT, bytes INT, time_ns INT
) WITHOUT ROWID;
CREATE TABLE before (input TEXT PRIMARY KEY, bytes INT, time_ns INT) WITHOUT ROWID;
CREATE TABLE earlier (
    input TEXT PRIMARY KEY, root TEXT, output TEXT, settings TEXT, status TEXT, failed INT, sha256 TEXT,
    bytes INT, time_ns INT, output_bytes INT, now INT
) WITHOUT ROWID;
CREATE INDEX outputs ON earlier (output);
CREATE TABLE there (output TEXT PRIMARY KEY, bytes INT) WITHOUT ROWID;
CREATE TABLE due (
    output TEXT PRIMARY KEY, input TEXT, bytes INT, time_ns INT, known TEXT, known_bytes INT
);
"""

TURN = """
DELETE FROM before;
INSERT INTO before SELECT input, bytes, time_ns FROM found;
DELETE FROM found;
DROP INDEX IF EXISTS stems;
DROP INDEX IF EXISTS files;
"""

INDEX = "CREATE INDEX stems ON found (folder, stem); CREATE INDEX files ON found (folder, file);"

UNSETTLED = """
UPDATE found SET chosen = 0 WHERE NOT EXISTS (
    SELECT 1 FROM before b WHERE b.input = found.input AND b.bytes = found.bytes AND b.time_ns = found.time_ns
)
"""

INSERT_FOUND = """
INSERT OR IGNORE INTO found VALUES (
    CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?
)
"""

INSERT_EARLIER = """
INSERT OR REPLACE INTO earlier VALUES (
    CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?, ?
)
"""

COMPARE = """
SELECT f.input, f.path, f.bytes, f.time_ns,
    f.file != f.stem || ?
    AND EXISTS (SELECT 1 FROM found o WHERE o.folder = f.folder AND o.stem = f.stem AND o.path != f.path)
    OR EXISTS (SELECT 1 FROM found o WHERE o.folder = f.folder AND o.file = f.stem),
    e.now, e.root, e.output, e.settings, e.status, e.failed, e.sha256, e.bytes, e.time_ns, e.output_bytes
FROM found f LEFT JOIN earlier e USING (input)
WHERE f.chosen
ORDER BY f.input
"""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which files are worked on."""

    skip_existing: bool = False  # none whose result is there, whatever it was made from
    retry_failed: bool = False  # those too that failed before and have not changed since
    checksum: bool = False  # tell a changed file by its contents alone, not by its size and time


@dataclass
class Counts:
    """How many of the files found are due, and why the others are not."""

    due: int = 0
    kept: int = 0  # done by an earlier run, and nothing has changed
    failed: int = 0  # failed in an earlier run, and nothing has changed
    others: int = 0  # no pictures


class Plan:
    """The files of a source, those that are due, and what became of them earlier."""

    def __init__(self, source: str, target: str, job: Job, choice: Choice) -> None:
        """A plan without files, for arguments as of `limner.batch.run_batch`."""
        self.source, self.target, self.choice = find_source(source, target=target), target, choice
        self.extension, self.settings = job.extension, job.settings()
        self.database = sqlite3.connect("")
        self.database.text_factory = partial(_decoded, local=not storage.is_remote(self.source.root))
        self.database.executescript(SCHEMA)

    def remember(self, rows: Iterable[Row], *, now: bool = False) -> None:
        """Take over rows of the manifest, oldest first; ``now``: those that this run has added."""

        def columns() -> Iterator[tuple[Any, ...]]:
            root = self.source.root
            for row in rows:
                if "input" not in row:
                    root = row["source"]
                    continue
                yield (
                    _encoded(row["input"]),
                    _encoded(root),
                    _encoded(row["output"]),
                    row["settings"],
                    row["status"],
                    row.get("failed", 0),
                    row.get("sha256", ""),
                    row["input_bytes"],
                    row["input_time_ns"],
                    row["output_bytes"],
                    now,
                )

        self.database.executemany(INSERT_EARLIER, columns())

    def look(self, *, settled: bool = False) -> Counts:
        """List what is there now, and choose what is due.

        Args:
            settled: Leave out what was not there, or was different, at the last look.

        Raises:
            InputError: If a folder or the list cannot be read, nothing matches the pattern, or two outputs
                would meet.
        """
        counts = Counts()
        with self.database as database:
            database.executescript(TURN)
            database.executemany(INSERT_FOUND, self._find(counts))
            none = database.execute("SELECT 1 FROM found WHERE chosen").fetchone() is None
            if none and self.source.pattern and not settled:
                raise InputError(f"nothing matches {self.source.pattern}: no picture there has such a name")
            database.executescript(INDEX)
            if settled:
                database.execute(UNSETTLED)
        if storage.is_remote(self.target):
            self._list_results()
        self._choose(counts)
        return counts

    def due(self) -> Iterator[Task]:
        """The files to work on."""
        cursor = self.database.cursor()
        for output, name, *rest in cursor.execute("SELECT * FROM due ORDER BY input"):
            yield Task(name, output, *rest)

    def sweep(self) -> None:
        """Take away what a killed run left half-written, where this one will write."""
        if storage.is_remote(self.target):
            return
        folders = "SELECT DISTINCT rtrim(output, replace(output, '/', '')) FROM due"
        for (folder,) in self.database.execute(folders):
            path = storage.join(self.target, folder)
            if storage.is_folder(path):
                files.sweep(path)

    def _find(self, counts: Counts) -> Iterator[tuple[Any, ...]]:
        for name, stamp in self.source.names():
            if not self.source.accepts(name):
                counts.others += 1
                continue
            path = name if self.source.root else output_name(name)
            folder, _, file = path.casefold().rpartition("/")
            names = map(_encoded, (name, path, folder, file, _stem(file)))
            yield *names, self.source.chosen(name), *stamp

    def _list_results(self) -> None:
        """In an object store one look at a thousand files takes as long as one at a single file."""
        with self.database as database:
            database.execute("DELETE FROM there")
            found = storage.walk(self.target) if storage.is_folder(self.target) else ()
            rows = ((_encoded(name), stamp.bytes) for name, stamp in found)
            database.executemany("INSERT INTO there VALUES (CAST(? AS TEXT), ?)", rows)

    def _choose(self, counts: Counts) -> None:
        reading = self.database.cursor()
        with self.database as database:
            database.execute("DELETE FROM due")
            for name, path, size, time_ns, crowded, now, root, *earlier in reading.execute(
                COMPARE, (self.extension,)
            ):
                if root not in (None, self.source.root):
                    raise InputError(
                        f"{self.target} holds the result of {name} from {root or 'a list'}: give "
                        f"{self.source.root or 'this list'} a target of its own"
                    )
                output = self._output(name, path, crowded=crowded, earlier=earlier[0])
                chosen = self._decide(Task(name, output, size, time_ns), earlier)
                if isinstance(chosen, str):
                    setattr(counts, chosen, getattr(counts, chosen) + (not now))
                    continue
                counts.due += 1
                try:
                    database.execute(
                        "INSERT INTO due VALUES (CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?)",
                        (_encoded(output), _encoded(name), *chosen[2:]),
                    )
                except sqlite3.IntegrityError as error:
                    raise InputError(f"{name} and another file would both become {output}") from error

    def _output(self, name: str, path: str, *, crowded: bool, earlier: str | None) -> str:
        """The input's folder and stem with the new extension, or its whole name where outputs would meet.

        They would where files of a folder have the same stem, unless this one has the new extension already;
        where a stem is itself the name of a file; and where the output of an earlier run has that name. An
        input keeps the output that it once had.
        """
        if path.endswith(PARQUET):
            return path
        short, full = _stem(path) + self.extension, path + self.extension
        if earlier in (short, full):
            return str(earlier)
        return full if crowded or self._taken(short, name) else short

    def _taken(self, output: str, name: str) -> bool:
        query = "SELECT 1 FROM earlier WHERE output = CAST(? AS TEXT) AND input != CAST(? AS TEXT)"
        return self.database.execute(query, (_encoded(output), _encoded(name))).fetchone() is not None

    def _decide(self, task: Task, earlier: list[Any]) -> Task | str:
        """The task, if it is due, or what it counts as."""
        output, settings, status, failed, sha256, *stamp, output_bytes = earlier
        there = self._size(task.output) if self.choice.skip_existing or status == "done" else None
        if self.choice.skip_existing and there is not None:
            return "kept"
        if (output, settings) != (task.output, self.settings["settings"]):
            return task
        same = [task.bytes, task.time_ns] == stamp and task.time_ns >= 0 and not self.choice.checksum
        if (status == "failed" or failed) and self.choice.retry_failed:
            return task
        if status == "failed":
            return "failed" if same else task
        if there is None or there != output_bytes:
            return task
        if same:
            return "failed" if failed else "kept"
        return task if failed else task._replace(known=sha256, known_bytes=output_bytes)

    def _size(self, output: str) -> int | None:
        """Bytes of an output, where it is there."""
        if not storage.is_remote(self.target):
            stamp = storage.stamp(storage.join(self.target, output))
            return None if stamp in (None, storage.UNKNOWN) else stamp.bytes
        query = "SELECT bytes FROM there WHERE output = CAST(? AS TEXT)"
        row = self.database.execute(query, (_encoded(output),)).fetchone()
        return row[0] if row else None


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _decoded(name: bytes, *, local: bool) -> str:
    return os.fsdecode(name) if local else name.decode("utf-8")  # the locale decides what local names are


def _stem(path: str) -> str:
    folder, slash, file = path.rpartition("/")
    return folder + slash + (file.rpartition(".")[0] or file)
