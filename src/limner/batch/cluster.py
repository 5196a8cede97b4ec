"""The tasks of a batch on a cluster: Ray Data runs the same function in a pool of actors."""

import logging
import os
import pickle
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from itertools import islice
from typing import Any
from uuid import uuid4

import ray
import ray.data

from limner.batch.inputs import PARQUET
from limner.batch.job import Outcome, Task
from limner.batch.runners import Work, crashed
from limner.notices import set_filters

ROUND = 100_000
"""Tasks given to Ray at a time: bounds the memory of this process, whatever their number."""

BLOCK = 32
"""Tasks that an actor is sent at a time, at most: what is done again when its machine is lost."""

RETRIES = 3
"""How often a block is tried again when its actor or its machine is lost."""

STORE_BYTES = 200 << 20
"""Object store of a Ray that is started here; tasks and outcomes are small."""


def run_ray(
    work: Work,
    tasks: Iterable[Task],
    *,
    address: str = "local",
    workers: int | None = None,
    gpus: float = 0.0,
    stop: Callable[[], bool] = bool,
) -> Generator[Outcome, None, None]:
    """On a Ray cluster, in a pool of actors that each load the model once.

    Ray Data hands out the tasks as the actors get through them, and gives those of a lost actor or machine to
    others. What is lost again and again is tried one by one: a picture that kills its actor has failed.

    Args:
        work: What to do; sent to every actor once.
        tasks: Taken `ROUND` at a time.
        address: Of a cluster; "auto" for the one that this machine belongs to, "local" to start one here.
        workers: Actors at most; by default as many as there is room for.
        gpus: Fraction of a GPU that an actor takes.
        stop: Asked after every block; once it is true, the rest is given up.
    """
    if started := not ray.is_initialized():
        _start(address, workers)
    waiting = iter(tasks)
    try:
        while some := list(islice(waiting, ROUND)):
            slots = workers or int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call]
            size = 1 if some[0].input.endswith(PARQUET) else max(1, min(BLOCK, len(some) // (4 * slots)))
            blocks = [some[start : start + size] for start in range(0, len(some), size)]
            for one_by_one in (False, True):
                missing = dict(enumerate(blocks))
                pool = _pool(workers, alone=one_by_one)
                with closing(_map(work, missing.copy(), pool, gpus)) as answers:
                    for number, outcomes in answers:
                        del missing[number]
                        yield from outcomes
                        if stop() or any(outcome.status == "lost" for outcome in outcomes):
                            return
                blocks = [[task] for block in missing.values() for task in block]
                if one_by_one:
                    yield from (crashed(task) for (task,) in blocks)
    finally:
        if started:
            ray.shutdown()


def _start(address: str, workers: int | None) -> None:
    options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves this machine
        options |= {
            "num_cpus": workers,
            "object_store_memory": STORE_BYTES,
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",  # listens on localhost only
        }
    ray.init(**options)
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _pool(workers: int | None, *, alone: bool) -> ray.data.ActorPoolStrategy:
    """Actors, with a second block waiting at each, unless a block is to be tried alone."""
    return ray.data.ActorPoolStrategy(
        min_size=1, max_size=workers, max_tasks_in_flight_per_actor=1 if alone else 2
    )


def _map(
    work: Work, blocks: dict[int, list[Task]], pool: ray.data.ActorPoolStrategy, gpus: float
) -> Generator[tuple[int, list[Outcome]], None, None]:
    """The outcomes of blocks as they are there; those that were lost too often are left out.

    Its actors are gone when it ends. Ray Data only forgets them, and one that is idle can keep its CPU for
    ever where a machine was lost, as results are remembered by the actor that made them.
    """
    if not blocks:
        return
    names: list[str] = []

    def named() -> dict[str, str]:
        names.append(f"limner-{uuid4().hex}")
        return {"name": names[-1]}

    rows = [{"block": pickle.dumps(block)} for block in blocks.items()]
    with warnings.catch_warnings():
        # Ray Data has no other way to say how often a lost block is tried; without it, for ever.
        warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
        data = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            _Actor,
            fn_constructor_args=(work,),
            batch_size=None,
            compute=pool,
            num_cpus=1,
            num_gpus=gpus or None,
            max_task_retries=RETRIES,
            ray_remote_args_fn=named,
        )
    data.context.enable_progress_bars = False
    data.context.print_on_execution_start = False
    data.context.max_errored_blocks = -1
    stream = iter(data.iter_rows())
    try:
        for row in stream:
            answer = pickle.loads(row["answer"])  # noqa: S301 - from our own actors
            if isinstance(answer, Exception):
                raise answer
            yield answer
    finally:
        del stream, data  # starts no more of them
        for name in names:
            with suppress(ValueError):  # it has ended
                ray.kill(ray.get_actor(name))


class _Actor:
    """Lives on a machine of the cluster, with the model in its memory."""

    def __init__(self, work: Work) -> None:
        self.work = work
        set_filters()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """From pickled blocks of tasks to their pickled outcomes, or the error that ends the batch."""
        answers = []
        for data in batch["block"]:
            number, tasks = pickle.loads(data)  # noqa: S301 - from our own driver
            try:
                answers.append(pickle.dumps((number, self.work(tasks))))
            except Exception as error:  # noqa: BLE001 - raised again in the driver; here it would be retried
                answers.append(pickle.dumps(error))
        return {"answer": answers}
