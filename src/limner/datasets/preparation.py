"""From a plan to a prepared data set: on all cores, shard by shard, and on again after a stop."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from limner import files
from limner._version import __version__
from limner.datasets import prepared
from limner.datasets.description import DESCRIPTION, DatasetSpec
from limner.datasets.plan import Plan, Portrait, Record
from limner.datasets.plausible import check_fractions, label_remarks
from limner.datasets.prepared import ShardNote
from limner.errors import DatasetError, LimnerError
from limner.parallel import parallel_map


@dataclass(frozen=True)
class Preparation:
    """What a run did."""

    spec: DatasetSpec
    made: int  # portraits read in this run, the failed ones included
    seconds: float  # that this took
    remarks: Sequence[str] = ()  # what is to be known of the masks


@dataclass(frozen=True)
class _Task:
    """A shard that belongs into the target, and the portraits that belong into the shard."""

    path: Path
    split: str
    portraits: Sequence[Portrait]

    def digest(self) -> str:
        return files.sha256("\n".join(portrait.id for portrait in self.portraits).encode())


@dataclass(frozen=True)
class _Failure:
    id: str
    reason: str


def prepare(
    plan: Plan,
    target: str | Path,
    *,
    command: str = "",
    shard_samples: int = 500,
    strict: bool = False,
    jobs: int | None = None,
) -> Preparation:
    """Prepare a data set in the folder ``target``.

    A shard that is there, of the same settings and portraits, is kept, unless a portrait is missing from it:
    then it is made again, so that a fixed file gets in. The shards do not depend on ``jobs``, nor on how
    often the work was stopped.

    Args:
        plan: What to prepare.
        target: A folder, made where it is missing.
        command: Recorded in ``dataset.json``.
        shard_samples: Portraits a shard.
        strict: Stop at the first portrait that cannot be read, instead of leaving it out.
        jobs: Worker processes; without it, one a core.

    Raises:
        DatasetError: If ``target`` holds shards of other settings or portraits; if no portrait can be read
            or, when ``strict``, one cannot; if the masks cannot be meant as they are (`plausible`).
        OutputError: If ``target`` cannot be written.
    """
    target = Path(target)
    if strict and plan.unused:
        raise DatasetError(f"{len(plan.unused)} files belong to no portrait, first {plan.unused[0]}")
    settings = json.loads(json.dumps({**plan.settings, "shard_samples": shard_samples}))
    tasks = [
        _Task(target / f"{split}-{number:05d}.parquet", split, portraits[start : start + shard_samples])
        for split, portraits in plan.splits.items()
        for number, start in enumerate(range(0, len(portraits), shard_samples))
    ]
    _make_folder(target)
    due = _due(tasks, target, settings)
    started = time.perf_counter()
    if due:
        total = sum(len(task.portraits) for task in tasks)
        _make(due, plan.name, settings, total=total, strict=strict, jobs=jobs)
    seconds = time.perf_counter() - started
    spec = _describe(plan, tasks, settings, command)
    remarks = _remarks(plan, tasks)
    spec.save(target)
    return Preparation(spec, sum(len(task.portraits) for task in due), seconds, remarks)


def _make_folder(target: Path) -> None:
    files.make_folder(target)
    for left_behind in target.glob(".*.parquet.*.tmp"):  # by a run that was killed while it wrote
        left_behind.unlink()


def _due(tasks: Sequence[_Task], target: Path, settings: Mapping[str, Any]) -> list[_Task]:
    """The shards that are not there whole and complete; refuses a target that holds something else."""
    by_path = {task.path: task for task in tasks}
    complete = set()
    for path in sorted(target.glob("*.parquet")):
        note = prepared.read_note(path)
        if note is None and path in by_path:
            continue
        if note is None:
            raise DatasetError(f"{path} is not a shard of this data set: choose another target folder")
        differences = [
            f"{key} is {note.settings.get(key)} there and {settings.get(key)} here"
            for key in sorted({*note.settings, *settings})
            if note.settings.get(key) != settings.get(key)
        ]
        if differences:
            raise DatasetError(
                f"{target} was prepared with other settings ({'; '.join(differences)}): choose another "
                "target folder, or delete this one to prepare it anew"
            )
        if path not in by_path or note.portraits != by_path[path].digest():
            raise DatasetError(
                f"{path} was made from other portraits than the source holds now: choose another target "
                "folder, or delete this one to prepare it anew"
            )
        if not note.failures:
            complete.add(path)
    return [task for task in tasks if task.path not in complete]


def _make(
    due: Sequence[_Task],
    source: str,
    settings: Mapping[str, Any],
    *,
    total: int,
    strict: bool,
    jobs: int | None,
) -> None:
    portraits = [portrait for task in due for portrait in task.portraits]
    bar = tqdm(
        total=total, initial=total - len(portraits), desc=f"preparing {source}", unit="image", disable=None
    )
    with bar, closing(parallel_map(_attempt, portraits, jobs=jobs)) as results:
        for task in due:
            records, failures = [], {}
            for result in islice(results, len(task.portraits)):
                bar.update()
                if isinstance(result, Record):
                    records.append(result)
                elif strict:
                    raise DatasetError(result.reason)
                else:
                    failures[result.id] = result.reason
            note = ShardNote(
                settings=settings,
                portraits=task.digest(),
                failures=failures,
                subject_fractions=[record.subject_fraction for record in records],
            )
            (task.path.parent / DESCRIPTION).unlink(missing_ok=True)  # until all shards fit together again
            prepared.write_shard(task.path, records, split=task.split, source=source, note=note)


def _attempt(portrait: Portrait) -> Record | _Failure:
    try:
        return portrait.record()
    except LimnerError as error:
        return _Failure(portrait.id, str(error))


def _describe(plan: Plan, tasks: Sequence[_Task], settings: Mapping[str, Any], command: str) -> DatasetSpec:
    shards = []
    splits = dict.fromkeys(plan.splits, 0)
    original_sizes: Counter[str] = Counter()
    failures: dict[str, str] = {}
    for task in tasks:
        shard, sizes = prepared.measure_shard(task.path)
        shards.append(shard)
        splits[task.split] += shard.samples
        original_sizes.update(sizes)
        note = prepared.read_note(task.path)
        failures.update(note.failures if note else {})
    if not sum(splits.values()):
        first = next(iter(failures.values()), "there are none")
        raise DatasetError(f"no portrait could be prepared: {first}")
    return DatasetSpec(
        name=plan.name,
        licence=plan.licence,
        limner=__version__,
        command=command,
        settings=settings,
        split_by=plan.split_by,
        splits=splits,
        original_sizes=dict(sorted(original_sizes.items())),
        shards=shards,
        sha256=files.sha256("\n".join(shard.sha256 for shard in shards).encode()),
        failures=failures,
        unused=list(plan.unused),
    )


def _remarks(plan: Plan, tasks: Sequence[_Task]) -> list[str]:
    """What is to be known of the masks; refuses those that cannot be meant.

    Raises:
        DatasetError: If so.
    """
    remarks: list[str] = []
    named = plan.settings.get("subject_labels")
    if named is not None:
        parts = [one for task in tasks for one in prepared.measure_parts(task.path)]
        seen: dict[int, list[float]] = {}
        for one in parts:
            for name, fraction in one.items():
                seen.setdefault(int(name.removeprefix("label ")), []).append(fraction)
        means = {label: (len(found), sum(found) / len(found)) for label, found in sorted(seen.items())}
        if means:  # shards of earlier versions do not say
            remarks += label_remarks(named, means, len(parts))
    notes = [note for task in tasks if (note := prepared.read_note(task.path))]
    fractions = [fraction for note in notes for fraction in note.subject_fractions]
    if fractions and not plan.no_subject:  # the same
        check_fractions(fractions, plan.name)
        if none := sum(fraction == 0 for fraction in fractions):
            remarks.append(f"{none} of {len(fractions)} masks hold no subject")
    return remarks
