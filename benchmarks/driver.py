"""What the process that plans, hands out and records a batch costs, and how many workers it keeps busy.

    python benchmarks/driver.py

The workers cut out nothing: they answer at once, for the CPU time and the memory of the driver alone, or
sleep as long as a picture takes, for more workers than there are cores. Prints JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from limner.batch import Job, Outcome, Task, plan_batch, run_batch, run_processes
from limner.batch.runners import Work
from limner.evaluation.timing import machine

RUNNERS = "plan", "processes", "ray"
"""Planning alone, and the two ways to hand out what is planned."""

COUNTS = 2_000, 20_000, 100_000
"""Pictures of the runs whose workers answer at once."""

ACTORS = 2, 4, 8, 16
"""Ray actors that sleep."""

SLEEP_S = 0.07
"""For each picture, about what one takes on a core."""


def asleep(seconds: float, tasks: list[Task]) -> list[Outcome]:
    """The outcomes of tasks that nothing was done for."""
    time.sleep(seconds * len(tasks))
    return [
        Outcome(task=task, status="done", sha256="0" * 64, output_bytes=1, started=0, taken_s=0)
        for task in tasks
    ]


def handed_out(
    runner: str,
    seconds: float,
    workers: int,
    work: Work,  # noqa: ARG001 - what is replaced by sleep
    tasks: Iterable[Task],
) -> Generator[Outcome, None, None]:
    """The tasks of a batch given to workers that sleep."""
    idle = partial(asleep, seconds)
    if runner == "processes":
        return run_processes(idle, tasks, workers=workers)
    import ray

    from limner.batch.cluster import run_ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]
    return run_ray(idle, tasks, workers=workers)


def drive(runner: str, source: str, target: str) -> dict[str, Any]:
    """CPU time and largest memory of this process for a batch of idle workers, or for its plan alone."""
    if runner == "plan":
        done = plan_batch(source, target, Job())[0].due
    else:
        done = run_batch(source, target, Job(), runner=partial(handed_out, runner, 0.0, 2)).done
    (peak,) = (
        line.split()[1]
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return {
        "runner": runner,
        "pictures": done,
        "cpu_s": round(time.process_time(), 2),
        "peak_mib": int(peak) >> 10,
    }


def keep_busy(actors: int) -> dict[str, Any]:
    """Pictures a second of sleeping actors, from the moment when all of them are at work."""
    tasks = (Task(f"{number}", f"{number}", 1, 1) for number in range(actors * 480))
    outcomes = handed_out("ray", SLEEP_S, actors, lambda _: [], tasks)
    times = [time.perf_counter() for _ in outcomes]
    middle = times[len(times) // 3 : 2 * len(times) // 3]
    rate = (len(middle) - 1) / (middle[-1] - middle[0])
    return {"actors": actors, "pictures_per_s": round(rate, 1), "of_ideal": round(rate * SLEEP_S / actors, 3)}


def apart(*arguments: object) -> dict[str, Any]:
    """What a fresh process finds."""
    command = [sys.executable, __file__, *map(str, arguments)]
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | quiet)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    print(found, file=sys.stderr)
    return found


def costs(folder: Path) -> list[dict[str, Any]]:
    """What every runner costs the driver, for ever more pictures."""
    names = (folder / f"{number // 500}" / f"{number:06}.jpg" for number in range(COUNTS[-1]))
    runs = []
    made = 0
    for count in COUNTS:
        for path in islice(names, count - made):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x")
        made = count
        runs += [apart("drive", runner, folder, folder.with_name(f"{runner}{count}")) for runner in RUNNERS]
    return runs


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", help=argparse.SUPPRESS)
    part = parser.parse_args().part
    if part:
        result = drive(*part[1:]) if part[0] == "drive" else keep_busy(int(part[1]))
    else:
        with TemporaryDirectory() as name:
            (Path(name) / "in").mkdir()
            found = costs(Path(name) / "in")
        for runner in RUNNERS:
            first, *_, last = (run for run in found if run["runner"] == runner)
            per_picture = (last["cpu_s"] - first["cpu_s"]) / (last["pictures"] - first["pictures"])
            last["cpu_us_a_picture"] = round(1e6 * per_picture, 1)
        asleep_runs = [apart("busy", actors) for actors in ACTORS]
        result = {"machine": machine(), "driver": found, "sleep_s": SLEEP_S, "asleep": asleep_runs}
    print(json.dumps(result, indent=None if part else 2))


if __name__ == "__main__":
    main()
