"""A batch from beginning to end: see what is due, do it, record it."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from itertools import takewhile
from typing import Any

from tqdm import tqdm

from limner._version import __version__
from limner.batch.job import Job, Outcome, Task, cause, cut_files
from limner.batch.manifest import open_manifest, read_manifest
from limner.batch.plan import Choice, Counts, Plan
from limner.batch.runners import Runner, Work, run_processes
from limner.errors import InputError, OutputError
from limner.notices import named

WATCH_S = 2.0
"""Between two looks at a watched source; a new file is taken when it was the same at both."""

_log = logging.getLogger(__name__)

EVERYTHING = Choice()
"""All that is not done yet."""


@dataclass
class Summary:
    """What a run did."""

    found: Counts
    files: int = 0  # that it is through with
    done: int = 0  # pictures
    failed: int = 0  # pictures, or Parquet files that could not be used at all
    taken_s: float = 0.0
    causes: Counter[str] = field(default_factory=Counter)  # of the failures
    examples: dict[str, str] = field(default_factory=dict)  # cause -> the first input by name that has it

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.files += 1
        causes = dict(outcome.causes) if outcome.status == "done" else {cause(outcome.error): 1}
        failed = sum(causes.values())
        self.done += outcome.pictures - failed
        self.failed += failed
        self.causes.update(causes)
        for kind in causes:
            self.examples[kind] = min(self.examples.get(kind, outcome.task.input), outcome.task.input)


def run_batch(
    source: str,
    target: str,
    job: Job,
    *,
    choice: Choice = EVERYTHING,
    runner: Runner = run_processes,
    stop: Callable[[], bool] = bool,
    watch: bool = False,
) -> Summary:
    """Do what is due among the pictures of a source, and record it in the manifest of the target.

    The pictures keep their folders below the target. Pictures that fail are recorded, and the rest is done. A
    run that was stopped or killed resumes when it is run again.

    Args:
        source: A folder, a pattern, a list (``.txt``) or Parquet files, here or in an object store.
        target: A folder, made where it is missing, or an address in an object store.
        job: What to do to every picture.
        choice: Which pictures are due.
        runner: Where they are worked on.
        stop: Asked now and then; once it is true, nothing more is begun.
        watch: Continue with files that are added or changed, until stopped.

    Raises:
        InputError: If the source cannot be read.
        OutputError: If the target cannot be written, or not any more.
        ModelError: If the model or the device cannot be used.
    """
    plan = Plan(source, target, job, choice)
    if watch and not plan.source.again:
        raise InputError("a list that comes through a pipe cannot be watched: give a folder")
    work = partial(cut_files, job, plan.source.root, target)
    summary = Summary(Counts())
    started = time.monotonic()
    with closing(open_manifest(target)) as manifest:
        plan.remember(read_manifest(target))
        while True:
            summary.found = plan.look(settled=watch)
            if summary.found.due:
                plan.sweep()
                manifest.append(_heading(plan))
                for outcome in _outcomes(plan, work, runner, stop, summary.found.due):
                    row = outcome.row(plan.settings["settings"])
                    manifest.append(row)
                    plan.remember([row], now=True)
                    summary.add(outcome)
                    for text in outcome.warnings:
                        _log.warning("%s", named(outcome.task.input, text))
            if not watch or _stopped_within(WATCH_S, stop):
                break
    summary.taken_s = time.monotonic() - started
    return summary


def plan_batch(
    source: str, target: str, job: Job, *, choice: Choice = EVERYTHING
) -> tuple[Counts, Iterator[Task]]:
    """What `run_batch` would do; nothing is written."""
    plan = Plan(source, target, job, choice)
    plan.remember(read_manifest(target))
    return plan.look(), plan.due()


def _heading(plan: Plan) -> dict[str, Any]:
    """The row of the manifest that begins a run."""
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {**plan.settings, "source": plan.source.root, "limner": __version__, "started": started}


def _outcomes(
    plan: Plan, work: Work, runner: Runner, stop: Callable[[], bool], total: int
) -> Iterator[Outcome]:
    """The outcomes of all that is due, with a progress bar.

    Raises:
        OutputError: If the target takes nothing more, after what was under way is done.
    """
    lost: list[Outcome] = []
    tasks = takewhile(lambda _: not lost and not stop(), plan.due())
    with tqdm(total=total, unit="file", disable=None) as bar, closing(runner(work, tasks)) as outcomes:
        for outcome in outcomes:
            if outcome.status == "lost":
                lost.append(outcome)
            else:
                bar.update()
                yield outcome
    if lost:
        raise OutputError(f"{lost[0].error}; run the same command again to resume")


def _stopped_within(seconds: float, stop: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stop():
        time.sleep(0.1)
    return stop()
