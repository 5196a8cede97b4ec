"""From a plan to a prepared data set: on all cores, shard by shard, and on again after a stop."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
from limner.datasets.plan import Plan, Portraits, Record
from limner.datasets.plausible import check_fractions, label_remarks
from limner.datasets.prepared import Measured, ShardNote
from limner.errors import DatasetError, LimnerError
from limner.processes import parallel_map


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
    portraits: Portraits

    def digest(self) -> str:
        return files.sha256("\n".join(self.portraits).encode())


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
    tasks = []
    for split, portraits in plan.splits.items():
        rest = iter(portraits.items())
        for number in range(-(-len(portraits) // shard_samples)):
            path = target / f"{split}-{number:05d}.parquet"
            tasks.append(_Task(path, split, dict(islice(rest, shard_samples))))
    files.make_folder(target)
    for left_behind in target.glob(".*.parquet.*.tmp"):  # by a run that was killed while it wrote
        left_behind.unlink()
    due = _due(tasks, target, settings)
    started = time.perf_counter()
    if due:
        total = sum(len(task.portraits) for task in tasks)
        _make(due, plan.name, settings, total=total, strict=strict, jobs=jobs)
    seconds = time.perf_counter() - started
    measured = [prepared.measure_shard(task.path) for task in tasks]
    spec = _describe(plan, measured, settings, command)
    remarks = _remarks(plan, measured)
    spec.save(target)
    return Preparation(spec, sum(len(task.portraits) for task in due), seconds, remarks)


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
    portraits = [make for task in due for make in task.portraits.values()]
    bar = tqdm(
        total=total, initial=total - len(portraits), desc=f"preparing {source}", unit="image", disable=None
    )
    with bar, closing(parallel_map(_attempt, portraits, jobs=jobs)) as results:
        for task in due:
            records, failures = [], {}
            for name, result in zip(task.portraits, results, strict=False):  # the others are later tasks'
                bar.update()
                if isinstance(result, Record):
                    records.append(result)
                elif strict:
                    raise DatasetError(result)
                else:
                    failures[name] = result
            note = ShardNote(
                settings=settings,
                portraits=task.digest(),
                failures=failures,
                subject_fractions=[record.subject_fraction for record in records],
            )
            (task.path.parent / DESCRIPTION).unlink(missing_ok=True)  # until all shards fit together again
            prepared.write_shard(task.path, records, split=task.split, source=source, note=note)


def _attempt(make: Callable[[], Record]) -> Record | str:
    """A portrait, or why there is none."""
    try:
        return make()
    except LimnerError as error:
        return str(error)


def _describe(
    plan: Plan, measured: Sequence[Measured], settings: Mapping[str, Any], command: str
) -> DatasetSpec:
    shards = [one.shard for one in measured]
    failures = {name: reason for one in measured for name, reason in one.note.failures.items()}
    if not sum(shard.samples for shard in shards):
        first = next(iter(failures.values()), "there are none")
        raise DatasetError(f"no portrait could be prepared: {first}")
    return DatasetSpec(
        name=plan.name,
        licence=plan.licence,
        limner=__version__,
        command=command,
        settings=settings,
        split_by=plan.split_by,
        splits={
            split: sum(shard.samples for shard in shards if shard.split == split) for split in plan.splits
        },
        original_sizes=dict(sorted(Counter(size for one in measured for size in one.sizes).items())),
        shards=shards,
        sha256=files.sha256("\n".join(shard.sha256 for shard in shards).encode()),
        failures=failures,
        unused=list(plan.unused),
    )


def _remarks(plan: Plan, measured: Sequence[Measured]) -> list[str]:
    """What is to be known of the masks.

    Raises:
        DatasetError: If they cannot be meant as they are.
    """
    remarks: list[str] = []
    named = plan.settings.get("subject_labels")
    parts = [one for shard in measured for one in shard.parts]
    if named is not None and any(parts):
        seen: dict[int, list[float]] = {}
        for one in parts:
            for name, fraction in one.items():
                seen.setdefault(int(name.removeprefix("label ")), []).append(fraction)
        means = {label: (len(found), sum(found) / len(found)) for label, found in sorted(seen.items())}
        remarks += label_remarks(named, means, len(parts))
    fractions = [fraction for one in measured for fraction in one.note.subject_fractions]
    if fractions and not plan.no_subject:
        check_fractions(fractions, plan.name)
        if none := sum(fraction == 0 for fraction in fractions):
            remarks.append(f"{none} of {len(fractions)} masks hold no subject")
    return remarks
