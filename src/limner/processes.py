"""One function over many items in worker processes."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from limner.allocator import keep_some
from limner.notices import set_filters
from limner.parallel import thread_count

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 8
"""Items that a worker takes at a time: what is lost at most, by each, when the work is stopped."""


def parallel_map(
    function: Callable[[Item], Result], items: Sequence[Item], *, jobs: int | None = None
) -> Generator[Result, None, None]:
    """``function`` of every item, in their order, by worker processes; 1 computes in this process.

    By default there is one process a core. Function, items and results can be pickled. Closing the iterator
    stops the work. An interrupt from the keyboard reaches this process alone, and the workers end when this
    process does, even when it is killed.
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
                        running[_submit(pool, some)] = some
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
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
    keep_some()
    _follow_parent()


def _call(some: list[Any]) -> Sequence[Any]:
    return _function(some)


def _follow_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
