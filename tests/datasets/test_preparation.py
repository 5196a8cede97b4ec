import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from limner.datasets import read_dataset
from limner.datasets.celebamask import plan_celebamask
from limner.datasets.description import DatasetSpec
from limner.datasets.preparation import Preparation, prepare
from limner.errors import DatasetError
from tests.datasets.layouts import HAIR, write_celebamask, write_mask


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_celebamask(tmp_path / "source", range(20))


def run(source: Path, target: Path, *, parts: tuple[str, ...] = ("hair",), **options: object) -> Preparation:
    plan = plan_celebamask(source, parts=parts, short_side=16)
    return prepare(plan, target, **{"shard_samples": 4, "jobs": 1, **options})  # type: ignore[arg-type]


def shards(target: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(target.glob("*.parquet"))}


def break_part(source: Path, number: int = 3) -> Path:
    path = source / f"CelebAMask-HQ-mask-anno/0/{number:05d}_hair.png"
    path.write_bytes(path.read_bytes()[:50])
    return path


def test_result_depends_on_the_input_alone(source: Path, tmp_path: Path) -> None:
    one = run(source, tmp_path / "one")
    many = run(source, tmp_path / "many", jobs=2)
    assert one.made == many.made == 20
    assert one.spec == many.spec
    assert one.spec.splits == {"train": 16, "val": 2, "test": 2}
    assert sorted(shards(tmp_path / "one")) == [
        *["test-00000.parquet"],
        *[f"train-0000{number}.parquet" for number in range(4)],
        *["val-00000.parquet"],
    ]
    assert shards(tmp_path / "one") == shards(tmp_path / "many")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hold their names in Unicode")
def test_a_target_whose_name_is_not_utf8(source: Path, tmp_path: Path) -> None:
    target = tmp_path / os.fsdecode(b"jos\xe9")
    assert run(source, target).made == 20
    assert run(source, target).made == 0


def test_nothing_is_made_twice(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "target")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "target").glob("*.parquet")}
    again = run(source, tmp_path / "target")
    assert again.made == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    source = write_celebamask(tmp_path / "source", range(160), side=320)
    target, whole = tmp_path / "target", tmp_path / "whole"
    arguments = ["data", "prepare", "celebamask", str(source), str(target), "--shard", "8", "--jobs", "2"]
    command = [sys.executable, "-m", "limner", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not list(target.glob("*.parquet")):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in target.glob("*.parquet")}
    assert 0 < len(finished) < 20
    assert not (target / "dataset.json").exists()
    with pytest.raises(DatasetError, match="not a finished data set"):
        read_dataset(target)

    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert {name: (target / name).stat().st_mtime_ns for name in finished} == finished
    prepare(plan_celebamask(source), whole, shard_samples=8)
    assert shards(target) == shards(whole)
    assert DatasetSpec.load(target).sha256 == DatasetSpec.load(whole).sha256
    assert sorted(path.suffix for path in target.iterdir() if path.suffix != ".parquet") == [".json"]


def test_what_a_killed_write_left_is_removed(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    left = target / ".train-00000.parquet.0123456789ab.tmp"
    left.write_bytes(b"half")
    run(source, target)
    assert not left.exists()


def test_failures_are_named_and_the_rest_is_done(source: Path, tmp_path: Path) -> None:
    broken = break_part(source)
    spec = run(source, tmp_path / "target").spec
    assert list(spec.failures) == ["00003"]
    assert str(broken) in spec.failures["00003"]
    assert sum(spec.splits.values()) == 19
    assert len(read_dataset(tmp_path / "target")) == 19
    assert json.loads((tmp_path / "target/dataset.json").read_text())["failures"] == spec.failures


def test_a_mended_file_gets_in(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "whole")
    broken = break_part(source)
    run(source, tmp_path / "target")
    write_mask(broken, HAIR)
    again = run(source, tmp_path / "target")
    assert again.made == 4
    assert not again.spec.failures
    assert shards(tmp_path / "target") == shards(tmp_path / "whole")


def test_strict_stops_at_the_first(source: Path, tmp_path: Path) -> None:
    broken = break_part(source)
    with pytest.raises(DatasetError, match=broken.name):
        run(source, tmp_path / "target", strict=True)
    assert not (tmp_path / "target/dataset.json").exists()


def test_a_stop_between_shards_leaves_no_description(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    first, second = break_part(source, 3), break_part(source, 17)
    run(source, target)
    with pytest.raises(DatasetError, match=first.name):
        run(source, target, strict=True)
    assert len(read_dataset(target)) == 18
    write_mask(first, HAIR)
    with pytest.raises(DatasetError, match=second.name):
        run(source, target, strict=True)
    assert not (target / "dataset.json").exists()


def test_strict_refuses_files_that_belong_to_nothing(source: Path, tmp_path: Path) -> None:
    write_mask(source / "CelebAMask-HQ-mask-anno/0/00001_beard.png", HAIR)
    assert len(run(source, tmp_path / "target").spec.unused) == 1
    with pytest.raises(DatasetError, match=r"1 files belong to no portrait, first .*00001_beard\.png"):
        run(source, tmp_path / "strict", strict=True)


def test_other_settings_are_refused(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "target")
    before = shards(tmp_path / "target")
    with pytest.raises(DatasetError, match=r"parts is \['hair'\] there and \['skin'\] here.*choose another"):
        run(source, tmp_path / "target", parts=("skin",))
    with pytest.raises(DatasetError, match="shard_samples is 4 there and 5 here"):
        run(source, tmp_path / "target", shard_samples=5)
    assert shards(tmp_path / "target") == before
    assert (tmp_path / "target/dataset.json").exists()


def test_another_source_is_refused(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "target")
    for path in source.rglob("*[0-9]7*"):
        path.unlink()
    (source / "CelebA-HQ-img/7.jpg").unlink()
    with pytest.raises(DatasetError, match="made from other portraits than the source holds now"):
        run(source, tmp_path / "target")


def test_a_damaged_shard_is_made_again(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "target")
    before = shards(tmp_path / "target")
    (tmp_path / "target/val-00000.parquet").write_bytes(b"PAR1")
    assert run(source, tmp_path / "target").made == 2
    assert shards(tmp_path / "target") == before


def test_a_foreign_file_is_not_touched(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "mine.parquet").write_bytes(b"mine")
    with pytest.raises(DatasetError, match=r"mine\.parquet is not a shard of this data set"):
        run(source, target)
    assert [path.name for path in target.iterdir()] == ["mine.parquet"]


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    source = write_celebamask(tmp_path / "source", [3])
    broken = break_part(source)
    with pytest.raises(DatasetError, match=rf"no portrait could be prepared: .*{broken.name}"):
        run(source, tmp_path / "target")
