"""Where the tasks of a batch are done: in this process or in several."""

import time
from collections.abc import Callable, Generator, Iterable
from typing import TypeAlias

from limner.batch.job import Outcome, Task
from limner.parallel import thread_count
from limner.processes import unordered_map

Work: TypeAlias = Callable[[list[Task]], list[Outcome]]
Runner: TypeAlias = Callable[[Work, Iterable[Task]], Generator[Outcome, None, None]]


def run_here(work: Work, tasks: Iterable[Task]) -> Generator[Outcome, None, None]:
    """One task after the other in this process."""
    for task in tasks:
        yield from work([task])


def run_processes(
    work: Work, tasks: Iterable[Task], *, workers: int | None = None, chunk: int = 1
) -> Generator[Outcome, None, None]:
    """In worker processes; a picture that kills its process has failed.

    Args:
        work: What to do.
        tasks: Taken as they are needed.
        workers: Processes; by default one a core.
        chunk: Tasks that a process takes at a time.
    """
    return unordered_map(work, tasks, jobs=workers or thread_count(), chunk=chunk, crashed=crashed)


def crashed(task: Task) -> Outcome:
    """What came of a task whose process was killed whenever it was tried."""
    return Outcome(
        task=task,
        status="failed",
        error="its process was killed: by the system for want of memory, or by a fault of a decoder",
        started=time.time(),
        taken_s=0,
    )
