import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from limner.processes import parallel_map, unordered_map

HEART = """
import sys, time
from limner.processes import parallel_map

def beat(path):
    for _ in range(3000):
        with open(path, "a") as file:
            file.write(".")
        time.sleep(0.01)

if __name__ == "__main__":
    list(parallel_map(beat, [sys.argv[1]] * 16, jobs=2))
"""


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
