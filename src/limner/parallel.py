"""One function over many items on all cores, in processes or in threads."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context, parent_process
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 8
"""Items that a worker takes at a time: what is lost at most, by each, when the work is stopped."""


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
    workers = min(jobs or os.cpu_count() or 1, -(-len(items) // CHUNK))
    if workers <= 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_follow_parent) as pool:
        try:
            yield from pool.map(function, items, chunksize=CHUNK)
        finally:
            pool.shutdown(cancel_futures=True)


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
    threads = threads or os.cpu_count() or 1
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


def _follow_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
