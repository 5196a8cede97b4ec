import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import PIL.Image
import pytest

from limner.batch.manifest import FILE
from limner.cli import main
from tests.batch.pictures import make_pictures, manifest, results
from tests.conftest import decode


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    make_pictures(tmp_path / "in", 4)
    return [str(tmp_path / "in"), str(tmp_path / "out"), "--workers", "1"]


def test_a_batch_and_the_same_again(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", *folders]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("limner: 4 done, 0 failed in ")
    assert main(["batch", *folders]) == 0
    assert capsys.readouterr().err == "limner: 0 done, 0 failed; 4 were there already\n"


def test_failures_are_summed_up_by_cause(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("x.jpg", "y.jpg"):
        (tmp_path / "in" / name).write_bytes(b"no picture")
    assert main(["batch", *folders, "--json"]) == 3
    out, err = capsys.readouterr()
    assert "limner: 2 failed: the picture is not a picture that Limner reads (first x.jpg)\n" in err
    summary = json.loads(out)
    assert (summary["done"], summary["failed"]) == (4, 2)
    assert summary["causes"] == {"the picture is not a picture that Limner reads": 2}
    assert main(["batch", *folders]) == 3  # they are still not done
    assert "2 failed before (--retry-failed tries again)" in capsys.readouterr().err


def damaged_tiff(path: Path) -> None:
    """A picture whose resolution lies where the file has no byte: Pillow warns of it."""
    PIL.Image.new("RGB", (32, 32)).save(path, dpi=(72, 72))
    data = bytearray(path.read_bytes())
    resolution = data.index(struct.pack("<HHI", 0x011A, 5, 1))
    data[resolution + 8 : resolution + 12] = struct.pack("<I", 9_000_000)
    path.write_bytes(data)


@pytest.mark.parametrize("threads", ["1", "4"])
def test_warnings_name_their_file_and_are_recorded(tmp_path: Path, threads: str) -> None:
    (tmp_path / "in").mkdir()
    for name in ("x.tif", "y.tif"):
        damaged_tiff(tmp_path / "in" / name)
    PIL.Image.new("RGB", (32, 32)).save(tmp_path / "in" / "z.png")
    data = (tmp_path / "in" / "z.png").read_bytes()
    (tmp_path / "in" / "z.png").write_bytes(data[:-12])  # without IEND: Limner warns of it
    settings = ["--workers", "2", "--threads", threads, "--mask"]
    command = ["batch", str(tmp_path / "in"), str(tmp_path / "out"), *settings]
    done = subprocess.run(
        [sys.executable, "-m", "limner", *command], capture_output=True, text=True, check=True
    )
    said = sorted(done.stderr.splitlines()[:-1])
    assert said[:2] == [f"limner: {name}.tif: Truncated File Read" for name in "xy"]
    assert said[2].startswith("limner: z.png: its end is missing")
    assert len(said) == 3, done.stderr
    rows = manifest(tmp_path / "out")
    assert rows["x.tif"]["warnings"] == rows["y.tif"]["warnings"] == ["Truncated File Read"]
    assert "its end is missing" in rows["z.png"]["warnings"][0]


def test_nothing_but_failures_is_1(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.jpg").write_bytes(b"no picture")
    assert main(["batch", str(tmp_path / "in"), str(tmp_path / "out"), "--workers", "1"]) == 1


def test_options_of_the_result(folders: list[str], tmp_path: Path) -> None:
    assert main(["batch", *folders, "--mask", "--format", "webp"]) == 0
    assert set(results(tmp_path / "out")) == {"a/000.webp", "b/001.webp", "a/002.webp", "b/003.webp"}
    assert main(["batch", *folders, "--background", "red", "--format", "jpg"]) == 0
    assert decode(tmp_path / "out" / "a" / "000.jpg").shape == (24, 16, 3)


def test_a_dry_run_prints_the_plan(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", *folders, "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"{name}\t{name}" for name in ("a/000.png", "a/002.png", "b/001.png", "b/003.png")
    ]
    assert err == "limner: 4 to do; 0 were there already\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--workers", "0"],
            2,
            "--workers: must be a whole number, at least 1, got 0; see limner batch --help",
        ),
        (["--watch", "--dry-run"], 2, "exclude each other"),
        (["--format", "jpg"], 1, "JPEG has no transparency"),
        (["--format", "xyz"], 1, "unknown picture format '.xyz'"),
        (["--model", "mona-lisa"], 1, "no model 'mona-lisa'"),
        (["--device", "tpu"], 1, "unknown device 'tpu'"),
    ],
)
def test_bad_arguments_end_in_one_line(
    arguments: list[str], code: int, message: str, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", *folders, *arguments]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_ctrl_c_finishes_what_is_under_way(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 300)
    target = tmp_path / "out"
    command = [sys.executable, "-m", "limner", "batch", str(tmp_path / "in"), str(target)]
    batch = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (target / FILE).exists() or (target / FILE).read_text().count("\n") < 5:
        assert batch.poll() is None
        time.sleep(0.01)
    batch.send_signal(signal.SIGINT)
    _, err = batch.communicate(timeout=60)
    assert batch.returncode == 130
    assert "run the same command again to resume" in err
    done = {row["output"] for row in manifest(target).values()}
    assert set(results(target)) == done
    assert 4 <= len(done) < 300


def test_watching_ends_by_ctrl_c(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", 2)
    target = tmp_path / "out"
    command = [sys.executable, "-m", "limner", "batch", str(tmp_path / "in"), str(target), "--watch"]
    batch = subprocess.Popen([*command, "--workers", "1"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(results(target)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    make_pictures(tmp_path / "in", 1, start=7)
    while len(results(target)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    batch.send_signal(signal.SIGINT)
    _, err = batch.communicate(timeout=60)
    assert batch.returncode == 0
    assert "limner: 3 done, 0 failed" in err
    assert "; 0 were there already" in err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hold their names in Unicode")
def test_a_name_that_is_not_utf8_is_printed_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / os.fsdecode(b"jos\xe9.jpg")).write_bytes(b"x")
    command = [sys.executable, "-m", "limner", "batch", str(tmp_path / "in"), str(tmp_path / "out")]
    done = subprocess.run([*command, "--dry-run"], capture_output=True, check=True)
    assert done.stdout == b"jos\xe9.jpg\tjos\xe9.png\n"
