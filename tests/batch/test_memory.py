"""What the process that plans, hands out and records holds in memory, however many pictures there are."""

import subprocess
import sys
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from limner.batch import Job, Outcome, Task, run_batch, run_processes
from limner.batch.runners import Work
from tests.conftest import ROOT

STATUS = Path("/proc/self/status")
DRIVE = "import sys; from tests.batch.test_memory import drive; drive(*sys.argv[1:])"


def instant(tasks: list[Task]) -> list[Outcome]:
    return [
        Outcome(task=task, status="done", sha256="0" * 64, output_bytes=1, started=0, taken_s=0)
        for task in tasks
    ]


def unworked(work: Work, tasks: Iterable[Task]) -> Generator[Outcome, None, None]:
    """In processes that cut out nothing: the driver does all that it ever does, and is soon through."""
    return run_processes(instant, tasks, workers=1, chunk=8)


def drive(source: str, target: str) -> None:
    """Say how many pictures are done, and the largest size that this process had, in KiB."""
    done = run_batch(source, target, Job(), runner=unworked).done
    (peak,) = (line.split()[1] for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    sys.stdout.write(f"{done} {peak}")


def driver_kib(folder: Path, count: int) -> int:
    source = folder / f"in{count}"
    for index in range(count):
        if index % 500 == 0:
            (source / f"{index}").mkdir(parents=True)
        (source / f"{index // 500 * 500}" / f"{index:06}.jpg").write_bytes(b"x")
    command = [sys.executable, "-c", DRIVE, str(source), str(folder / f"out{count}")]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    done, kib = map(int, ran.stdout.split())
    assert done == count
    return kib


@pytest.mark.skipif(
    not STATUS.exists(), reason="only Linux tells how large a process has been since its start"
)
@pytest.mark.slow
def test_beyond_twenty_thousand_pictures_the_driver_does_not_grow(tmp_path: Path) -> None:
    assert driver_kib(tmp_path, 40_000) - driver_kib(tmp_path, 20_000) < 4 << 10
