import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from limner import parallel
from limner.parallel import ahead, read_quota, thread_map


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
