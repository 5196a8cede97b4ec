"""Where the tasks of a batch are done: in this process or in several."""

import os
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import TypeAlias

from limner.batch.job import Outcome, Task
from limner.parallel import thread_map, unordered_map

Work: TypeAlias = Callable[[Task], Outcome]
Runner: TypeAlias = Callable[[Work, Iterable[Task]], Generator[Outcome, None, None]]


def run_here(work: Work, tasks: Iterable[Task]) -> Generator[Outcome, None, None]:
    """One task after the other in this process."""
    yield from map(work, tasks)


def run_processes(
    work: Work, tasks: Iterable[Task], *, workers: int | None = None, threads: int = 1
) -> Generator[Outcome, None, None]:
    """In worker processes; a picture that kills its process has failed.

    Args:
        work: What to do.
        tasks: Taken as they are needed.
        workers: Processes; by default one a core.
        threads: Tasks under way at a time in each: more than one hides the latency of files far away.
    """
    return unordered_map(
        partial(_run_some, work, threads),
        tasks,
        jobs=workers or os.cpu_count() or 1,
        chunk=1 if threads == 1 else 4 * threads,
        crashed=_crashed,
    )


def _run_some(work: Work, threads: int, tasks: list[Task]) -> list[Outcome]:
    return list(thread_map(work, tasks, threads=threads) if threads > 1 else map(work, tasks))


def _crashed(task: Task) -> Outcome:
    return Outcome(
        task=task,
        status="failed",
        error="its process was killed: by the system for want of memory, or by a fault of a decoder",
        started=0,
        taken_s=0,
    )
