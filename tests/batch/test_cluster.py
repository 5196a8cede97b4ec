"""The same job on Ray: the same bytes, and everything once, whatever is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limner.batch import Job, Outcome, Task, run_batch, run_here, storage
from limner.batch.job import cut_files
from limner.batch.manifest import read_manifest
from limner.batch.runners import Work
from limner.errors import ModelError
from tests.batch.pictures import lines, make_pictures, manifest, results
from tests.batch.test_remote import download, upload

ray = pytest.importorskip("ray", reason="Ray has no wheel for this machine")
cluster = pytest.importorskip("limner.batch.cluster")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the warnings are Ray's own

LIMIT_S = 300
"""What a test may take, on a busy machine too."""

SMALL = {"include_dashboard": False, "object_store_memory": 100 << 20, "_node_ip_address": "127.0.0.1"}


@pytest.fixture(scope="module", autouse=True)
def settings() -> Iterator[None]:
    """Of every Ray here: it tells nobody of its use, and on a busy machine its actors get their turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")
        yield


@contextmanager
def limited() -> Iterator[None]:
    """Ends what waits for ever, wherever it does."""

    def expire(number: int, frame: object) -> None:
        raise TimeoutError(f"it took more than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    """Of every test."""
    with limited():
        yield


@pytest.fixture(scope="module")
def small_ray(bucket: str) -> Iterator[None]:
    """Ray with two cores on this machine, for all tests of this file that need no other."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with limited():
        ray.init(address="local", num_cpus=2, log_to_driver=False, **SMALL)
    yield
    with limited():
        ray.shutdown()


def killing(name: str, once: str, work: Work, tasks: list[Task]) -> list[Outcome]:
    """Kill the process of the actor that gets a picture; only the first time if a file is named for that."""
    if any(task.input == name for task in tasks) and not (once and Path(once).exists()):
        if once:
            Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return work(tasks)


def refusing(tasks: list[Task]) -> list[Outcome]:
    raise ModelError("no such model on this machine")


def timeless(target: Path) -> dict[str, dict[str, Any]]:
    """The manifest, but for when and how fast it was done."""
    return {
        name: {key: value for key, value in row.items() if key not in ("started", "taken_s")}
        for name, row in manifest(target).items()
    }


def tasks_of(names: list[str]) -> list[Task]:
    return [Task(name, name, -1, -1) for name in names]


def test_the_command_gives_the_same_bytes_as_one_process(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 12)
    (tmp_path / "in" / "bad.jpg").write_bytes(b"no picture")
    run_batch(str(tmp_path / "in"), str(tmp_path / "here"), Job(), runner=run_here)
    command = [sys.executable, "-m", "limner", "batch", str(tmp_path / "in"), str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--ray", "local", "--workers", "2"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    assert "1 failed: the picture is not a picture that Limner reads" in done.stderr
    assert results(tmp_path / "out") == results(tmp_path / "here")
    assert timeless(tmp_path / "out") == timeless(tmp_path / "here")
    assert len(timeless(tmp_path / "out")) == 13


@pytest.mark.usefixtures("small_ray")
def test_from_s3_to_s3_and_parquet_to_parquet(bucket: str, tmp_path: Path) -> None:
    names = make_pictures(tmp_path / "in", 6)
    pictures = [(tmp_path / "in" / name).read_bytes() for name in names]
    for number in range(2):
        pq.write_table(pa.table({"image": pictures[3 * number :][:3]}), tmp_path / "in" / f"{number}.parquet")
    upload(tmp_path / "in", f"{bucket}/ray")
    run_batch(str(tmp_path / "in"), str(tmp_path / "out"), Job(), runner=run_here)
    summary = run_batch(f"{bucket}/ray", f"{bucket}/ray-out", Job(threads=4), runner=cluster.run_ray)
    assert summary.done == 6
    assert download(f"{bucket}/ray-out") == results(tmp_path / "out")
    summary = run_batch(f"{bucket}/ray/*.parquet", f"{bucket}/packed", Job(), runner=cluster.run_ray)
    assert (summary.files, summary.done) == (2, 6)
    second = pq.read_table(pa.BufferReader(storage.read(f"{bucket}/packed/1.parquet")))
    assert second["cutout"].to_pylist() == [results(tmp_path / "out")[name] for name in names[3:]]
    rows = [row for row in read_manifest(f"{bucket}/packed") if "input" in row]
    assert sorted(row["input"] for row in rows) == ["0.parquet", "1.parquet"]


@pytest.mark.usefixtures("small_ray")
def test_an_error_that_is_no_pictures_ends_the_batch() -> None:
    with pytest.raises(ModelError, match="no such model on this machine"):
        list(cluster.run_ray(refusing, tasks_of(["a", "b"])))


@pytest.mark.usefixtures("small_ray")
def test_a_killed_worker_costs_nothing_but_time(tmp_path: Path) -> None:
    names = make_pictures(tmp_path / "in", 12)
    cut = partial(cut_files, Job(), str(tmp_path / "in"), str(tmp_path / "out"))
    work = partial(killing, names[5], str(tmp_path / "killed"), cut)
    outcomes = list(cluster.run_ray(work, tasks_of(names)))
    assert (tmp_path / "killed").exists()
    assert sorted(outcome.task.input for outcome in outcomes) == sorted(names)
    assert {outcome.status for outcome in outcomes} == {"done"}
    run_batch(str(tmp_path / "in"), str(tmp_path / "here"), Job(), runner=run_here)
    assert results(tmp_path / "out") == results(tmp_path / "here")


@pytest.mark.usefixtures("small_ray")
def test_a_picture_that_always_kills_its_worker_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "RETRIES", 1)
    names = make_pictures(tmp_path / "in", 8)
    cut = partial(cut_files, Job(), str(tmp_path / "in"), str(tmp_path / "out"))
    outcomes = list(cluster.run_ray(partial(killing, names[3], "", cut), tasks_of(names)))
    assert sorted(outcome.task.input for outcome in outcomes) == sorted(names)
    assert [outcome.task.input for outcome in outcomes if outcome.status == "failed"] == [names[3]]


def slow(notes: str, work: Work, tasks: list[Task]) -> list[Outcome]:
    """Note on which machine it is done, wait until the other one is at work too, and take some time."""
    Path(notes, ray.get_runtime_context().get_node_id()).touch()
    until = time.monotonic() + 60
    while len(list(Path(notes).iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.03 * len(tasks))
    return work(tasks)


def test_a_cluster_that_loses_a_machine_finishes_everything_once(tmp_path: Path) -> None:
    if ray.is_initialized():
        ray.shutdown()
    from ray.cluster_utils import Cluster

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    names = make_pictures(tmp_path / "in", 120)
    (tmp_path / "notes").mkdir()
    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 << 20}
    machines = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    second = machines.add_node(**node)
    recorded: list[int] = []

    def lose_one() -> bool:
        """Take the second machine away once both are at work."""
        if not recorded and len(list((tmp_path / "notes").iterdir())) == 2:
            recorded.append(len(manifest(tmp_path / "out")))
            machines.remove_node(second, allow_graceful=False)
        return False

    def runner(work: Work, tasks: Iterable[Task]) -> Generator[Outcome, None, None]:
        yield from cluster.run_ray(partial(slow, str(tmp_path / "notes"), work), tasks, stop=lose_one)

    try:
        ray.init(address=machines.address, log_to_driver=False)
        summary = run_batch(str(tmp_path / "in"), str(tmp_path / "out"), Job(), runner=runner)
    finally:
        ray.shutdown()
        machines.shutdown()  # type: ignore[no-untyped-call]
    assert recorded[0] < len(names), "the machine was lost after the work"
    assert (summary.done, summary.failed) == (len(names), 0)
    assert sum('"input"' in line for line in lines(tmp_path / "out")) == len(names)
    run_batch(str(tmp_path / "in"), str(tmp_path / "here"), Job(), runner=run_here)
    assert results(tmp_path / "out") == results(tmp_path / "here")
