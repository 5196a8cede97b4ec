"""One function over many items on all cores, in processes or in threads."""

import math
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from limner.notices import set_filters

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 8
"""Items that a worker takes at a time: what is lost at most, by each, when the work is stopped."""

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
    limits = [math.inf]
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / controllers if controllers else root
        for folder in (top / path.lstrip("/"), *(top / path.lstrip("/")).parents):
            if controllers:
                words = [_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
            else:
                words = _text(folder / "cpu.max").split()
            if len(words) == 2 and all(word.isdecimal() for word in words):
                limits.append(int(words[0]) / int(words[1]))
            if folder == top:
                break
    return 0 if min(limits) == math.inf else max(1, math.ceil(min(limits)))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def parallel_map(
    function: Callable[[Item], Result], items: Sequence[Item], *, jobs: int | None = None
) -> Generator[Result, None, None]:
    """``function`` of every item, in the order of the items, each as soon as it is there.

    Closing the iterator stops the work. An interrupt from the keyboard reaches this process alone, and the
    workers end when this process does, even when it is killed.

    Args:
        function: Can be pickled, as the items and the results.
        items: What to compute it of.
        jobs: Worker processes; 1 computes in this process; without it, one a core.
    """
    workers = min(jobs or thread_count(), -(-len(items) // CHUNK))
    if workers <= 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_follow_parent) as pool:
        try:
            yield from pool.map(function, items, chunksize=CHUNK)
        finally:
            pool.shutdown(cancel_futures=True)


def unordered_map(
    function: Callable[[list[Item]], Sequence[Result]],
    items: Iterable[Item],
    *,
    jobs: int,
    chunk: int = 1,
    crashed: Callable[[Item], Result],
) -> Generator[Result, None, None]:
    """``function`` of all items, in processes, each result as soon as it is there, in any order.

    For more items than fit in memory, and items that may kill the process that works on them: then all that
    were under way are tried again one by one, and the one that kills its process again gives ``crashed``.

    Args:
        function: From some items to their results; can be pickled, as the items and the results.
        items: What to compute it of; taken as they are needed.
        jobs: Worker processes.
        chunk: Items that a worker takes at a time.
        crashed: The result of an item that killed its worker process twice.
    """
    waiting = iter(items)
    suspects: deque[Item] = deque()
    while True:
        running: dict[Future[Sequence[Result]], list[Item]] = {}
        finished: SimpleQueue[Future[Sequence[Result]]] = SimpleQueue()
        lost: list[Item] = []
        pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_serve, initargs=(function,))
        try:
            while True:
                if not lost:
                    alone = bool(suspects)
                    while len(running) < (1 if alone else 2 * jobs):
                        some = [suspects.popleft()] if alone else list(islice(waiting, chunk))
                        if not some:
                            break
                        future = _submit(pool, some)
                        running[future] = some
                        future.add_done_callback(finished.put)
                if not running:
                    break
                future = finished.get()
                some = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    lost += some
                else:
                    yield from future.result()
        finally:
            pool.shutdown(cancel_futures=True)
        if not lost:
            return
        if alone:
            yield crashed(lost[0])
        else:
            suspects.extend(lost)


def _submit(pool: ProcessPoolExecutor, some: list[Any]) -> Future[Sequence[Any]]:
    """A call in a pool; one that broke before it could be asked fails as one that breaks afterwards."""
    try:
        return pool.submit(_call, some)
    except BrokenProcessPool as error:
        future: Future[Sequence[Any]] = Future()
        future.set_exception(error)
        return future


_function: Callable[[list[Any]], Sequence[Any]]


def _serve(function: Callable[[list[Any]], Sequence[Any]]) -> None:
    """What a worker process is for: the function is sent to it once, however large it is."""
    global _function
    _function = function
    set_filters()
    _follow_parent()


def _call(some: list[Any]) -> Sequence[Any]:
    return _function(some)


def thread_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int | None = None
) -> Generator[Result, None, None]:
    """``function`` of every item, in the order of the items, with few of them under way at a time.

    For work that leaves Python's lock alone: decoding, resizing, networks, sums over arrays. Closing the
    iterator, or an error, ends the work once what is under way is done.

    Args:
        function: Called from several threads at once.
        items: What to compute it of; taken as they are needed.
        threads: By default one a core.
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


def _follow_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
