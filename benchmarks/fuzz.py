"""Damaged pictures by the thousand: does anything but a plain answer come of them?

    python -m benchmarks.fuzz [--cases N] [--seed N] [--real FOLDER] [--jobs N] [--only NUMBER]

Every case is a whole file, generated or from FOLDER, that has been damaged in one to four ways
(`tests/mutations.py`). It is read by every door of `limner.images`, and what could be read is written to
every format. A case fails when an exception other than Limner's own comes out, a result has another form
than it should, its process dies, takes more than ten seconds or wants more than `MEMORY_MB`.

Prints JSON; exit code 1 if a case failed. ``--only`` runs one case in this process, with its traceback.
"""

import argparse
import json
import logging
import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tests.mutations import check, damaged, specimens

from limner.evaluation.timing import machine

LIMIT_S = 10
"""Longest time that a case may take, of the processor, so that a busy machine does not count."""
STANDSTILL_S = 120
"""Longest time that it may take on the clock."""
MEMORY_MB = 1024
"""Memory that a process may ask for beyond what it has once everything is loaded."""
REAL_BYTES = 200_000
"""Largest real file that is taken: larger ones only make the run slow."""
REAL_FILES = 40
"""About as many as there are generated ones."""


@dataclass
class Worker:
    """A process that runs one case after the other, so that a crash or a hang costs one case."""

    process: multiprocessing.process.BaseProcess
    connection: Connection
    case: int = -1
    started: float = 0.0

    @classmethod
    def start(cls, files: dict[str, bytes], seed: int) -> "Worker":
        """A new process, not yet at work."""
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(files, seed, there), daemon=True)
        process.start()
        there.close()
        return cls(process, here)

    def give(self, case: int) -> None:
        """Send it a case."""
        self.case, self.started = case, time.monotonic()
        self.connection.send(case)

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _work(files: dict[str, bytes], seed: int, connection: Connection) -> None:
    logging.disable()
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff prints what it finds
    for data in files.values():
        check(data)  # loads every codec, so that the limit below is for the cases alone
    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY_MB * 1024**2,) * 2)
    connection.send(None)
    while True:
        name, data = damaged(files, seed, connection.recv())
        started = time.process_time()
        resource.setrlimit(resource.RLIMIT_CPU, (int(started) + LIMIT_S + 1, resource.RLIM_INFINITY))
        try:
            result: dict[str, Any] = {"read": check(data)}
        except BaseException as error:  # noqa: BLE001 - these are what is looked for
            place = traceback.extract_tb(error.__traceback__)[-1]
            result = {"error": f"{type(error).__name__}: {error}", "at": f"{place.filename}:{place.lineno}"}
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        taken = time.process_time() - started
        connection.send(
            result | {"file": name, "cpu_s": round(taken, 3), "peak_memory_mb": peak_kb * 1024 / 1e6}
        )


def run(files: dict[str, bytes], seed: int, cases: int, jobs: int) -> Iterator[dict[str, Any]]:
    """The outcome of every case, in the order in which they end."""
    numbers = iter(range(cases))
    workers = [Worker.start(files, seed) for _ in range(jobs)]
    for worker in workers:
        worker.connection.recv()
    running = [worker for worker in workers if _next(worker, numbers)]
    while running:
        ready = wait([worker.connection for worker in running], timeout=0.2)
        for place, worker in reversed(list(enumerate(running))):
            if worker.connection in ready:
                try:
                    outcome = worker.connection.recv()
                except EOFError:
                    worker.process.join()
                    outcome = {"error": _death(worker.process.exitcode)}
            elif time.monotonic() - worker.started > STANDSTILL_S:
                outcome = {"error": f"stood still for {STANDSTILL_S} s"}
            else:
                continue
            yield outcome | {"case": worker.case}
            if "peak_memory_mb" not in outcome:
                worker.end()
                worker = running[place] = Worker.start(files, seed)
                worker.connection.recv()
            if not _next(worker, numbers):
                worker.end()
                del running[place]


def _death(code: int | None) -> str:
    slow = code == -signal.SIGXCPU
    return f"took more than {LIMIT_S} s" if slow else f"the process died, exit code {code}"


def _next(worker: Worker, numbers: Iterator[int]) -> bool:
    for number in numbers:
        worker.give(number)
        return True
    return False


def _real(folder: Path) -> dict[str, bytes]:
    """Real pictures of a folder and those below it, spread over all of them."""
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp", ".tif", ".gif", ".bmp"}
        and path.stat().st_size <= REAL_BYTES
    ]
    step = -(-len(paths) // REAL_FILES) or 1
    return {path.name: path.read_bytes() for path in paths[::step]}


def main() -> int:
    """Run the cases and print one JSON object."""
    parser = argparse.ArgumentParser(description="Read damaged pictures; see the head of this file.")
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="damage pictures of this folder too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="run one case here, with its traceback")
    args = parser.parse_args()
    files = specimens()
    if args.real:
        files |= _real(args.real)
    if args.only is not None:
        name, data = damaged(files, args.seed, args.only)
        print(f"case {args.only}, made from {name}, {len(data)} bytes", file=sys.stderr)
        print("read" if check(data) else "refused")
        return 0
    started = time.monotonic()
    outcomes = []
    for outcome in run(files, args.seed, args.cases, args.jobs):
        outcomes.append(outcome)
        if "error" in outcome:
            print(json.dumps(outcome), file=sys.stderr, flush=True)
    failed = sorted((row for row in outcomes if "error" in row), key=lambda row: row["case"])
    peaks = [row["peak_memory_mb"] for row in outcomes if "peak_memory_mb" in row]
    result = {
        "machine": machine(),
        "cases": len(outcomes),
        "seed": args.seed,
        "files": len(files),
        "read": sum(row.get("read") is True for row in outcomes),
        "refused": sum(row.get("read") is False for row in outcomes),
        "failed": failed,
        "slowest": max(outcomes, key=lambda row: row.get("cpu_s", LIMIT_S)),
        "peak_memory_mb": round(max(peaks)),
        "seconds": round(time.monotonic() - started),
    }
    print(json.dumps(result, indent=2))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
