"""How many cores may be used, and work on all of them in threads; `limner.processes` has worker processes."""

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_limit: ContextVar[int] = ContextVar("_limit", default=0)


@contextmanager
def keep_to(count: int) -> Iterator[None]:
    """Use so many cores for what is done inside the block, where a call does not say otherwise.

    For work of which many pieces run side by side, or whose result must not depend on the machine: a network
    on two cores adds its numbers in another order than on one.
    """
    before = _limit.set(count)
    try:
        yield
    finally:
        _limit.reset(before)


def thread_limit() -> int:
    """What `keep_to` says; 0 outside of it."""
    return _limit.get()


def thread_count() -> int:
    """Cores that may be used: what `keep_to` says, or all that the system gives this process.

    That is the affinity of the process and, in a container or a service, the `quota` of its control group.
    """
    given = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return thread_limit() or min(given, quota() or given)


@lru_cache(maxsize=1)
def quota() -> int:
    """CPUs that the control group of this process may use, rounded up; 0 without a limit."""
    return read_quota(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))


def read_quota(root: Path, own: Path) -> int:
    """The smallest quota of a control group and those above it.

    Reads ``cpu.max`` of version 2 and ``cpu.cfs_quota_us`` of version 1. In a container the own group may be
    mounted at the root, so files that are not there limit nothing.

    Args:
        root: Where the control groups are mounted.
        own: The file that names the groups of the process, ``NUMBER:CONTROLLERS:PATH`` in each line.
    """
    limits = []
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        top, names = root / controllers, ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        if not controllers:
            names = ["cpu.max"]
        elif "cpu" not in controllers.split(","):
            continue
        group = top / path.lstrip("/")
        for folder in (group, *group.parents[: len(group.parents) - len(top.parents)]):
            words = " ".join(_text(folder / name) for name in names).split()
            if len(words) == 2 and all(word.isdecimal() for word in words):
                limits.append(math.ceil(int(words[0]) / int(words[1])))
    return max(1, min(limits)) if limits else 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def thread_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int | None = None
) -> Generator[Result, None, None]:
    """``function`` of every item, in their order, by one thread a core; few items are taken ahead.

    For work that leaves Python's lock alone: decoding, resizing, networks, sums over arrays. Closing the
    iterator, or an error, ends the work once what is under way is done.
    """
    threads = threads or thread_count()
    running: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                running.append(pool.submit(function, item))
                if len(running) > 2 * threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def ahead(items: Iterator[Item], count: int = 4) -> Generator[Item, None, None]:
    """What an iterator gives, computed in a thread of its own, so many items before they are taken.

    Closing it ends the thread; what the iterator raises is raised where the next item would come.
    """
    end: Any = object()
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, items, end) for _ in range(count))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(pool.submit(next, items, end))
                yield item
        finally:
            pool.shutdown(cancel_futures=True)
