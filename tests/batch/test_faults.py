"""What may go wrong around a batch: kills, full disks, files that change while they are read."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from limner import files
from limner.batch import Job, Task, run_batch, run_here
from limner.batch.job import Outcome, cut_file
from limner.batch.manifest import FILE
from limner.batch.runners import run_processes
from limner.errors import OutputError
from tests.batch.pictures import lines, make_pictures, manifest, results

COMMAND = [sys.executable, "-m", "limner", "batch", "--workers", "1"]
IN_ONE_PROCESS = """
import sys
from limner.batch import Job, run_batch, run_here
run_batch(*sys.argv[1:], Job(), runner=run_here)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this system lets nobody mount a small file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@pytest.mark.slow
def test_twenty_kills_and_not_a_byte_is_different(tmp_path: Path, rng: np.random.Generator) -> None:
    """Killed while it starts, or some milliseconds after its first, second, ... fifth picture.

    Every other time the process that cuts out and writes is the one that is killed.
    """
    commands = COMMAND, [sys.executable, "-c", IN_ONE_PROCESS]
    source, target = tmp_path / "in", tmp_path / "out"
    names = make_pictures(source, 30)
    run_batch(str(source), str(tmp_path / "whole"), Job(), runner=run_here)
    whole = results(tmp_path / "whole")
    kills, halfway = 0, 0
    while kills < 20:
        wanted = len(lines(target)) + rng.integers(0, 6)
        command = commands[kills % 2]
        batch = subprocess.Popen([*command, str(source), str(target)], stderr=subprocess.DEVNULL)
        while batch.poll() is None and len(lines(target)) < wanted:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        batch.kill()
        if batch.wait() == 0:  # it was quicker
            assert results(target) == whole
            target = tmp_path / f"out{kills}"
        else:
            kills += 1
            halfway += 0 < len(manifest(target)) < len(names)
    subprocess.run([*COMMAND, str(source), str(target)], check=True, capture_output=True)
    assert results(target) == whole  # nothing half-written is left either
    assert set(manifest(target)) == set(names)
    assert halfway > 5, "nearly every kill came before or after the work"


def test_a_killed_run_loses_what_was_under_way_at_most(tmp_path: Path) -> None:
    names = make_pictures(tmp_path / "in", 200)
    batch = subprocess.Popen([*COMMAND, str(tmp_path / "in"), str(tmp_path / "out")], stderr=subprocess.PIPE)
    while len(lines(tmp_path / "out")) < 20:
        assert batch.poll() is None
        time.sleep(0.005)
    batch.kill()
    batch.communicate()
    time.sleep(0.3)  # until the worker has seen that it is alone
    recorded = [name for name in names if name in manifest(tmp_path / "out")]
    made = [name for name in results(tmp_path / "out") if name.endswith(".png")]
    assert 19 <= len(recorded) < 200
    assert len(made) - len(recorded) <= 2


def test_a_full_disk_ends_the_batch_in_order(tmp_path: Path, small_disk: Path) -> None:
    source, target = tmp_path / "in", small_disk / "out"
    make_pictures(source, 40)
    run_batch(str(source), str(tmp_path / "whole"), Job(), runner=run_here)
    whole = results(tmp_path / "whole")
    with pytest.raises(OutputError, match=r"No space left on device.*run the same command again|make room"):
        run_batch(str(source), str(target), Job(), runner=run_here)
    made = results(target)
    assert 0 < len(made) < 40
    assert made.items() <= whole.items()
    assert {row["status"] for row in manifest(target).values()} == {"done"}
    remount(small_disk, "size=1m")
    assert run_batch(str(source), str(target), Job(), runner=run_here).failed == 0
    assert results(target) == whole


def test_a_disk_that_turns_read_only_ends_the_batch_in_order(tmp_path: Path, small_disk: Path) -> None:
    source, target = tmp_path / "in", small_disk / "out"
    make_pictures(source, 4)
    run_batch(str(source), str(target), Job(), runner=run_here)
    remount(small_disk, "ro")
    make_pictures(source, 8)
    before = results(target)
    done = subprocess.run([*COMMAND, str(source), str(target)], check=False, capture_output=True, text=True)
    remount(small_disk, "rw")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Read-only file system" in line
    assert results(target) == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_target_without_permission(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 2)
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot write the folder"):
        run_batch(str(tmp_path / "in"), str(tmp_path / "out"), Job(), runner=run_here)


def test_a_target_that_is_a_file(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 2)
    (tmp_path / "out").write_bytes(b"precious")
    with pytest.raises(OutputError, match="cannot write the folder"):
        run_batch(str(tmp_path / "in"), str(tmp_path / "out"), Job(), runner=run_here)
    assert (tmp_path / "out").read_bytes() == b"precious"


def test_a_picture_that_changes_before_its_turn_is_recorded_as_it_was_used(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    first, *_, last = make_pictures(source, 4)
    newer = (source / first).read_bytes()

    def change_the_last() -> bool:
        if (source / last).read_bytes() != newer:
            (source / last).write_bytes(newer)
        return False

    run_batch(str(source), str(target), Job(), runner=run_here, stop=change_the_last)
    assert manifest(target)[last]["sha256"] == files.sha256(newer)
    assert results(target)[last] == results(target)[first]
    again = run_batch(str(source), str(target), Job(), runner=run_here)
    assert (again.found.kept, again.done) == (3, 1)  # its time is new: compared by its contents
    assert run_batch(str(source), str(target), Job(), runner=run_here).found.kept == 4


def test_a_picture_that_changes_after_its_turn_is_done_again(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    first, *_, last = make_pictures(source, 4)

    def change_the_first() -> bool:
        if (target / first).exists():
            (source / first).write_bytes((source / last).read_bytes())
        return False

    run_batch(str(source), str(target), Job(), runner=run_here, stop=change_the_first)
    assert run_batch(str(source), str(target), Job(), runner=run_here).done == 1
    assert results(target)[first] == results(target)[last]


def test_a_picture_that_keeps_changing_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in"
    (name,) = make_pictures(source, 1)
    monkeypatch.setattr("limner.batch.storage.PAUSE_S", 0.0)
    fstat = os.fstat

    def growing(number: int) -> os.stat_result:
        with (source / name).open("ab") as file:
            file.write(b".")
        return fstat(number)

    monkeypatch.setattr(os, "fstat", growing)
    outcome = cut_file(Job(), str(source), str(tmp_path / "out"), Task(name, "x.png", 1, 1))
    assert outcome.status == "failed"
    assert "keeps changing while it is read" in outcome.error


def test_a_picture_that_vanishes_fails_alone(tmp_path: Path) -> None:
    names = make_pictures(tmp_path / "in", 3)

    def remove_one() -> bool:
        (tmp_path / "in" / names[1]).unlink(missing_ok=True)
        return False

    summary = run_batch(str(tmp_path / "in"), str(tmp_path / "out"), Job(), runner=run_here, stop=remove_one)
    assert (summary.done, summary.failed) == (2, 1)
    assert manifest(tmp_path / "out")[names[1]]["error"] == "the file is not there any more"


def killed_by_one(tasks: list[Task]) -> list[Outcome]:
    if any(task.input == "7" for task in tasks):
        os.kill(os.getpid(), 9)
    return [Outcome(task=task, status="done", started=0, taken_s=0) for task in tasks]


def test_a_picture_that_kills_its_process_fails_alone() -> None:
    tasks = [Task(str(number), "", 0, 0) for number in range(20)]
    outcomes = {
        outcome.task.input: outcome for outcome in run_processes(killed_by_one, iter(tasks), workers=2)
    }
    assert len(outcomes) == 20
    assert {name for name, outcome in outcomes.items() if outcome.status == "failed"} == {"7"}
    assert "its process was killed" in outcomes["7"].error


def test_a_torn_last_line_is_taken_away_and_its_picture_done_again(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    make_pictures(source, 4)
    run_batch(str(source), str(target), Job(), runner=run_here)
    path = target / FILE
    whole = path.read_bytes()
    for cut in (1, 2, 100):
        path.write_bytes(whole[:-cut])
        assert run_batch(str(source), str(target), Job(), runner=run_here).found.kept == 3
        assert len(manifest(target)) == 4
    path.write_bytes(whole + bytes(4096))  # what a power cut leaves on some file systems
    assert run_batch(str(source), str(target), Job(), runner=run_here).found.kept == 4


def test_a_damaged_line_is_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    make_pictures(source, 4)
    run_batch(str(source), str(target), Job(), runner=run_here)
    path = target / FILE
    heading, first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([heading, first[:40] + b"\n", *rest]))
    summary = run_batch(str(source), str(target), Job(), runner=run_here)
    assert (summary.found.kept, summary.done) == (3, 1)
    assert "line 2 of the manifest is damaged" in caplog.text
