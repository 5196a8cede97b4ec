import os
from pathlib import Path

import pytest

from limner import files
from limner.errors import OutputError


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    files.write_bytes(target, b"one")
    files.write_bytes(target, b"two")
    assert target.read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_keeps_the_mode_of_the_file_it_replaces(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"one")
    target.chmod(0o640)
    files.write_bytes(target, b"two")
    assert target.stat().st_mode & 0o777 == 0o640


def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def disk_full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", disk_full)
    with pytest.raises(OutputError, match="No space left"):
        files.write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to("real.bin")
    files.write_bytes(tmp_path / "link.bin", b"new")
    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "real.bin").read_bytes() == b"new"


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    files.write_bytes(os.devnull, b"gone")
    assert not Path(os.devnull).is_file()


def test_missing_folder_and_directory_are_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"none/a\.bin: its folder does not exist"):
        files.write_bytes(tmp_path / "none" / "a.bin", b"")
    with pytest.raises(OutputError, match="is a directory"):
        files.write_bytes(tmp_path, b"")


def test_sha256_of_abc() -> None:
    # FIPS 180-2, appendix B.1
    assert files.sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sweeping_takes_only_what_a_killed_writer_left(tmp_path: Path) -> None:
    kept = [".a.png.tmp", "a.png.0123456789ab.tmp", ".0123456789ab.tmp", ".a.png.0123456789AB.tmp", "a.png"]
    for name in (*kept, ".a.png.0123456789ab.tmp"):
        (tmp_path / name).write_bytes(b"x")
    files.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(kept)
