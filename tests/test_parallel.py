import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from limner import parallel
from limner.parallel import ahead, parallel_map, read_quota, thread_map, unordered_map

HEART = """
import sys, time
from limner.parallel import parallel_map

def beat(path):
    for _ in range(3000):
        with open(path, "a") as file:
            file.write(".")
        time.sleep(0.01)

if __name__ == "__main__":
    list(parallel_map(beat, [sys.argv[1]] * 16, jobs=2))
"""


@pytest.mark.parametrize(
    ("groups", "files", "cpus"),
    [
        ("0::/", {}, 0),
        ("0::/", {"cpu.max": "max 100000"}, 0),
        ("0::/", {"cpu.max": "200000 100000"}, 2),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 2),
        ("0::/a/b", {"cpu.max": "50000 100000"}, 1),  # a container: its own group is the root
        ("0::/../far", {"cpu.max": "300000 100000"}, 3),
        (
            "4:memory:/x\n1:cpu,cpuacct:/x\n0::/",
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "400000", "cpu,cpuacct/x/cpu.cfs_period_us": "100000"},
            4,
        ),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 0),
    ],
)
def test_the_quota_of_a_container(groups: str, files: dict[str, str], cpus: int, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text(groups + "\n")
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert read_quota(tmp_path / "fs", own) == cpus


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(parallel, "quota", lambda: 0)
    assert parallel.thread_count() == 8
    monkeypatch.setattr(parallel, "quota", lambda: 3)
    assert parallel.thread_count() == 3
    with parallel.keep_to(1):
        assert parallel.thread_count() == 1


def invert(number: int) -> float:
    return 1 / number


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order(jobs: int) -> None:
    numbers = range(1, 60)
    assert list(parallel_map(invert, numbers, jobs=jobs)) == [1 / number for number in numbers]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_reaches_the_caller(jobs: int) -> None:
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(invert, [1] * 20 + [0] + [1] * 20, jobs=jobs))


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_keep_the_order_and_take_few_items_ahead(threads: int) -> None:
    taken = []

    def numbers() -> Iterator[int]:
        for number in range(1, 60):
            taken.append(number)
            yield number

    results = thread_map(invert, numbers(), threads=threads)
    assert next(results) == 1
    assert len(taken) <= 2 * threads + 1
    assert list(results) == [1 / number for number in range(2, 60)]


def test_an_error_in_a_thread_reaches_the_caller_and_ends_the_work() -> None:
    taken = []

    def spy(number: int) -> float:
        taken.append(number)
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        list(thread_map(spy, [0] + [1] * 200, threads=2))
    assert len(taken) < 20


def test_ahead_is_bounded_and_ends() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    with closing(ahead(numbers())) as items:
        assert next(items) == 0
        time.sleep(0.1)
        assert len(made) < 30
    assert list(ahead(iter([1, 2, 3]))) == [1, 2, 3]


def test_ahead_passes_errors_on() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise OSError("broken")

    with closing(ahead(failing())) as items:
        assert next(items) == 1
        with pytest.raises(OSError, match="broken"):
            next(items)


def invert_all(numbers: list[int]) -> list[float]:
    return [invert(number) for number in numbers]


def invert_or_die(numbers: list[int]) -> list[float]:
    if 0 in numbers:
        os._exit(1)
    return invert_all(numbers)


def no_result(number: int) -> float:
    raise AssertionError(f"{number} killed no process")


@pytest.mark.parametrize("chunk", [1, 7])
def test_all_results_come_and_few_items_are_taken_ahead(chunk: int) -> None:
    taken = []

    def numbers() -> Iterator[int]:
        for number in range(1, 60):
            taken.append(number)
            yield number

    results = unordered_map(invert_all, numbers(), jobs=2, chunk=chunk, crashed=no_result)
    some = [next(results)]
    assert len(taken) <= 4 * chunk + chunk
    assert sorted([*some, *results]) == sorted(1 / number for number in range(1, 60))


def test_an_item_that_kills_its_process_is_told_from_those_beside_it() -> None:
    numbers = [1, 2, 0, 3, 4, 5, 0, 6]
    results = unordered_map(invert_or_die, numbers, jobs=2, chunk=2, crashed=lambda number: -1.0 - number)
    assert sorted(results) == sorted([-1.0, -1.0, *(1 / number for number in range(1, 7))])


def test_an_error_in_a_worker_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(unordered_map(invert_all, [1] * 20 + [0] + [1] * 20, jobs=2, crashed=no_result))


def test_no_items_give_no_results() -> None:
    assert list(parallel_map(invert, [])) == []
    assert list(unordered_map(invert_all, [], jobs=2, crashed=no_result)) == []


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script, heart = tmp_path / "heart.py", tmp_path / "heart"
    script.write_text(HEART)
    process = subprocess.Popen([sys.executable, str(script), str(heart)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not heart.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    time.sleep(0.5)
    beats = heart.stat().st_size
    time.sleep(0.3)
    assert heart.stat().st_size == beats
