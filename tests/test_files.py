import errno
import io
import os
import zipfile
from pathlib import Path

import pytest

from limner import files
from limner.errors import InputError, OutputError


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
    with pytest.raises(OutputError, match="give it a shorter name"):
        files.write_bytes(tmp_path / ("n" * 300), b"")


def test_a_folder_that_was_taken_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(OutputError, match=r"cannot write a\.bin: its folder does not exist"):
        files.write_bytes("a.bin", b"")


def test_sha256_of_abc() -> None:
    # FIPS 180-2, appendix B.1
    assert files.sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sweeping_takes_only_what_a_killed_writer_left(tmp_path: Path) -> None:
    kept = [".a.png.tmp", "a.png.0123456789ab.tmp", ".0123456789ab.tmp", ".a.png.0123456789AB.tmp", "a.png"]
    for name in (*kept, ".a.png.0123456789ab.tmp"):
        (tmp_path / name).write_bytes(b"x")
    files.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(kept)


@pytest.mark.parametrize("name", ["写真" * 39 + ".png", "é" * 120 + ".png", "a" * 251 + ".png"])
def test_every_name_that_the_system_takes_can_be_written(name: str, tmp_path: Path) -> None:
    files.write_bytes(tmp_path / name, b"whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    (tmp_path / files.temporary_name(name)).write_bytes(b"half")
    files.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "make room or choose another place"),
        (errno.EACCES, "choose another place or fix its permissions"),
        (errno.ENAMETOOLONG, "give it a shorter name"),
        (errno.EIO, "choose another place"),
    ],
)
def test_every_reason_has_its_own_cure(number: int, cure: str) -> None:
    error = files.cannot_write("a.png", OSError(number, os.strerror(number)))
    assert str(error) == f"cannot write a.png: {os.strerror(number)}; {cure}"
    assert error.errno == number


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_is_read_however_it_was_saved(encoding: str, end: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(f"José{end}zwei drei{end}".encode(encoding))
    assert files.read_text(tmp_path / "a.txt") == "José\nzwei drei\n"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.txt", "a.txt")
    assert files.read_text(zipfile.Path(tmp_path / "a.zip", "a.txt")) == "José\nzwei drei\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_read_however_it_was_saved(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes('{"name": "José"}\r\n'.encode(encoding))
    assert files.read_json(tmp_path / "a.json") == {"name": "José"}


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"cannot read the sidecar: it is no JSON"):
        files.read_json(tmp_path / "a.json", "the sidecar")


def test_bytes_that_are_not_utf8_are_kept_spelled_or_read_as_letters() -> None:
    (line,) = files.text_lines(io.BytesIO(b"jos\xe9\n"), "a list")
    assert line.encode("utf-8", "surrogateescape") == b"jos\xe9"
    assert (files.spelled(line), files.as_letters(line)) == ("jos\\xe9", "josé")
    assert files.spelled("José 写") == files.as_letters("José 写") == "José 写"


@pytest.mark.parametrize("data", [b"\xff\xfea", b"a\0b\n", b"\xff\xfe\0\0a\0\0\0"])
def test_what_is_no_text_is_refused_in_plain_words(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.txt is .*save it as") as caught:
        files.read_text(tmp_path / "a.txt")
    assert "codec" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("a.jpg", True),
        ("d/A.TIFF", True),
        ("._a.jpg", False),
        ("d/.a.png", False),
        (".DS_Store", False),
        ("Thumbs.db", False),
        ("desktop.ini", False),
        ("a", False),
    ],
)
def test_pictures_are_told_by_their_names(name: str, picture: bool) -> None:
    assert files.is_picture(name) == picture
