"""Files in object stores: S3 as a real server on this machine speaks it, and whatever fsspec knows."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.fs
import pytest

from limner.batch import Counts, Job, Summary, run_batch, run_here, storage
from limner.batch.manifest import FOLDER, read_manifest
from limner.errors import InputError, OutputError
from tests.batch.pictures import make_pictures, results


def upload(folder: Path, address: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            storage.write(storage.join(address, path.relative_to(folder).as_posix()), path.read_bytes())


def download(address: str) -> dict[str, bytes]:
    names = [name for name, _ in storage.walk(address) if not name.startswith(FOLDER)]
    return {name: storage.read(storage.join(address, name)) for name in names}


def run(source: str, target: str) -> Summary:
    return run_batch(source, target, Job(threads=2), runner=run_here)


def test_a_batch_from_s3_to_s3(bucket: str, tmp_path: Path) -> None:
    names = make_pictures(tmp_path / "in", 6)
    (tmp_path / "in" / "bad.jpg").write_bytes(b"no picture")
    run_batch(str(tmp_path / "in"), str(tmp_path / "out"), Job(), runner=run_here)
    upload(tmp_path / "in", f"{bucket}/one")
    summary = run(f"{bucket}/one", f"{bucket}/one-out")
    assert (summary.done, summary.failed) == (6, 1)
    assert download(f"{bucket}/one-out") == results(tmp_path / "out")
    rows = [row for row in read_manifest(f"{bucket}/one-out") if "input" in row]
    assert {row["input"] for row in rows} == {*names, "bad.jpg"}
    assert run(f"{bucket}/one", f"{bucket}/one-out").found == Counts(kept=6, failed=1)


def test_what_changed_or_is_lost_in_s3_is_done_again(bucket: str, tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 4)
    source, target = f"{bucket}/two", f"{bucket}/two-out"
    upload(tmp_path / "in", source)
    run(source, target)
    storage.write(f"{source}/a/000.png", storage.read(f"{source}/a/002.png"))
    system, _ = pyarrow.fs.FileSystem.from_uri(target)
    system.delete_file("portraits/two-out/b/001.png")
    assert run(source, target).done == 2
    found = download(target)
    assert found["a/000.png"] == found["a/002.png"]
    assert len(found) == 4


def test_between_s3_and_a_folder(bucket: str, tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 3)
    upload(tmp_path / "in", f"{bucket}/three")
    assert run(f"{bucket}/three", str(tmp_path / "down")).done == 3
    assert run(str(tmp_path / "in"), f"{bucket}/up").done == 3
    assert download(f"{bucket}/up") == results(tmp_path / "down")
    assert run(f"{bucket}/three/a/*.png", str(tmp_path / "some")).done == 2
    (tmp_path / "list.txt").write_text(f"{bucket}/three/b/001.png\n")
    assert run(str(tmp_path / "list.txt"), str(tmp_path / "listed")).done == 1
    (result,) = results(tmp_path / "listed").items()
    assert result == ("s3/portraits/three/b/001.png", results(tmp_path / "down")["b/001.png"])
    assert run(str(tmp_path / "list.txt"), str(tmp_path / "listed")).done == 1  # compared by its contents
    assert results(tmp_path / "listed") == dict([result])


def test_the_command_on_s3(bucket: str, tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 5)
    upload(tmp_path / "in", f"{bucket}/four")
    command = [sys.executable, "-m", "limner", "batch", f"{bucket}/four", f"{bucket}/four-out", "--json"]
    done = subprocess.run([*command, "--workers", "1"], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["done"] == 5
    assert len(download(f"{bucket}/four-out")) == 5


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("{}/none", "{}/out", "no such folder or file"),
        ("{}/five", "{}/five", "same folder"),
        ("{}/five", "{}/five/?region=us-east-1", "same folder"),
        ("s3://none-such/x", "{}/out", "no such folder or file|cannot reach s3://none-such/x"),
    ],
)
def test_addresses_that_cannot_be_used(
    source: str, target: str, message: str, bucket: str, tmp_path: Path
) -> None:
    make_pictures(tmp_path / "in", 1)
    upload(tmp_path / "in", f"{bucket}/five")
    with pytest.raises(InputError, match=message):
        run(source.format(bucket), target.format(bucket))


def test_a_target_that_cannot_be_written_ends_the_batch_at_once(bucket: str, tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 3)
    with pytest.raises(OutputError, match="cannot reach s3://none-such/"):
        run(str(tmp_path / "in"), "s3://none-such/out")


@pytest.mark.parametrize("scheme", ["memory://batch", "file://{}"])
def test_other_file_systems(scheme: str, tmp_path: Path) -> None:
    address = scheme.format(tmp_path / "far")
    make_pictures(tmp_path / "in", 3)
    (tmp_path / "far").mkdir()
    upload(tmp_path / "in", f"{address}/in")
    assert run(f"{address}/in", f"{address}/out").done == 3
    assert run(str(tmp_path / "in"), str(tmp_path / "out")).done == 3
    assert download(f"{address}/out") == results(tmp_path / "out")
    again = run(f"{address}/in", f"{address}/out")
    assert again.found.kept == (3 if scheme.startswith("file") else 0)  # fsspec's memory keeps no times
    assert again.failed == 0


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError, match="cannot reach"):
        storage.write(f"file://{tmp_path}/a.png", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
