"""Which files are meant, and where their results go."""

import codecs
import io
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from limner.batch import Choice, Job, plan_batch, run_batch, run_here
from limner.batch.inputs import find_source, output_name
from limner.batch.storage import matcher, split_pattern
from limner.errors import InputError
from limner.images import encode_image


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.jpg", "b.TIFF", "notes.txt", ".hidden.png", "d/c.webp", "d/e/f.png", ".git/x.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(source: str, target: str = "out") -> dict[str, str]:
    return {task.input: task.output for task in plan_batch(source, target, Job())[1]}


def test_a_folder_keeps_its_structure_and_leaves_out_what_is_no_picture(tree: Path) -> None:
    counts, due = plan_batch("in", "out", Job())
    assert {task.input: task.output for task in due} == {
        "a.jpg": "a.png",
        "b.TIFF": "b.png",
        "d/c.webp": "d/c.png",
        "d/e/f.png": "d/e/f.png",
    }
    assert counts.others == 1  # notes.txt; hidden files are not even looked at


def test_links_to_folders_are_not_followed_round_and_round(tree: Path) -> None:
    (tree / "in" / "d" / "up").symlink_to(tree / "in")
    (tree / "in" / "link.png").symlink_to(tree / "in" / "a.jpg")
    (tree / "in" / "broken.png").symlink_to(tree / "nowhere")
    assert "link.png" in planned("in")
    assert len(planned("in")) == 5


@pytest.mark.parametrize("source", ["in", "in/**/*", "."])
def test_results_below_the_source_are_no_sources(source: str, tree: Path) -> None:
    (tree / "in" / "out").mkdir()
    (tree / "in" / "out" / "a.png").write_bytes(b"x")
    assert not [name for name in planned(source, "in/out") if "out" in name]


@pytest.mark.parametrize("target", ["in", "in/", "./in", "out/../in"])
def test_source_and_target_must_differ(target: str, tree: Path) -> None:
    with pytest.raises(InputError, match="same folder"):
        planned("in", target)


def test_patterns_name_folders_below_their_first_wildcard(tree: Path) -> None:
    assert planned("in/*.jpg") == {"a.jpg": "a.png"}
    assert planned("in/**/*.png") == {"d/e/f.png": "d/e/f.png"}
    assert planned(f"{tree}/in/d/*/f.*") == {"e/f.png": "e/f.png"}
    assert set(planned("in/**/[ac].*")) == {"a.jpg", "d/c.webp"}
    for pattern in ("in/*.txt", "in/none*.jpg"):
        with pytest.raises(InputError, match=f"nothing matches {re.escape(pattern)}"):
            planned(pattern)
    with pytest.raises(InputError, match="no folder none"):
        planned("none/*.jpg")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.jpg", "a.jpg", True),
        ("*.jpg", "d/a.jpg", False),
        ("**/*.jpg", "a.jpg", True),
        ("**/*.jpg", "d/e/a.jpg", True),
        ("d/**", "d/e/a.jpg", True),
        ("?.jpg", "ab.jpg", False),
        ("[!a].jpg", "a.jpg", False),
        ("[!a].jpg", "b.jpg", True),
        ("[a-c]+(1).jpg", "b+(1).jpg", True),
        ("a.jpg", "aXjpg", False),
    ],
)
def test_patterns(pattern: str, name: str, matches: bool) -> None:
    assert matcher(pattern)(name) == matches


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("*.jpg", (".", "*.jpg")),
        ("/*.jpg", ("/", "*.jpg")),
        ("a/b/**/c/*.jpg", ("a/b", "**/c/*.jpg")),
        ("s3://bucket/a/*.jpg", ("s3://bucket/a", "*.jpg")),
        ("s3://bucket/a/*.jpg?region=x", ("s3://bucket/a?region=x", "*.jpg")),
    ],
)
def test_split_patterns(pattern: str, parts: tuple[str, str]) -> None:
    assert split_pattern(pattern) == parts


def test_a_list_keeps_the_paths_as_they_are_written(tree: Path) -> None:
    (tree / "list.txt").write_text(f"in/a.jpg\n\n./in/d/c.webp\r\nin/a.jpg\n{tree}/in/b.TIFF\nin/notes.txt\n")
    absolute = f"{tree}/in/b"
    assert planned("list.txt") == {
        "in/a.jpg": "in/a.png",
        "in/d/c.webp": "in/d/c.png",
        f"{absolute}.TIFF": f"{absolute[1:]}.png",
        "in/notes.txt": "in/notes.png",
    }


def test_a_list_from_a_pipe(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = codecs.BOM_UTF8 + b"in/a.jpg\r\ns3://bucket/b.jpg\r\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert planned("-") == {"in/a.jpg": "in/a.png", "s3://bucket/b.jpg": "s3/bucket/b.png"}


LATIN = os.fsdecode(b"jos\xe9.jpg")  # as a system that does not use UTF-8 wrote it


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hold their names in Unicode")
@pytest.mark.parametrize("source", ["in", "in/*.jpg", "list.txt"])
def test_a_name_that_is_not_utf8_is_read_and_written(source: str, tree: Path) -> None:
    for name in ("a.jpg", LATIN):
        (tree / "in" / name).write_bytes(encode_image(np.zeros((24, 16, 3), np.uint8), ".png"))
    (tree / "list.txt").write_bytes(b"in/a.jpg\nin/jos\xe9.jpg\n")
    done = run_batch(source, "out", Job(), runner=run_here)
    (made,) = (tree / "out").rglob(LATIN.replace(".jpg", ".png"))
    assert not set(done.examples.values()) & {"a.jpg", "in/a.jpg", LATIN}
    again = run_batch(source, "out", Job(), runner=run_here)
    assert (again.done, again.found.kept) == (0, done.done)
    made.unlink()
    assert run_batch(source, "out", Job(), runner=run_here).done == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_saved_anywhere(encoding: str, end: str, tree: Path) -> None:
    (tree / "in" / "josé 1.jpg").write_bytes(b"x")
    (tree / "list.txt").write_bytes(f"in/a.jpg{end}in/josé 1.jpg{end}".encode(encoding))
    assert planned("list.txt") == {"in/a.jpg": "in/a.png", "in/josé 1.jpg": "in/josé 1.png"}


@pytest.mark.parametrize("text", [b"\xff\xfea", b"a\0.jpg\n"])
def test_what_is_no_list(text: bytes, tree: Path) -> None:
    (tree / "list.txt").write_bytes(text)
    with pytest.raises(InputError, match=r"the list list\.txt is .*: save it as"):
        planned("list.txt")


@pytest.mark.parametrize("name", ["loop.jpg", "n" * 300 + ".jpg"])
def test_what_the_system_cannot_look_at_fails_alone(name: str, tree: Path) -> None:
    if name == "loop.jpg":
        (tree / "in" / name).symlink_to(name)
    (tree / "list.txt").write_text(f"in/{name}\n")
    assert planned("list.txt") == {f"in/{name}": f"in/{name[:-4]}.png"}
    done = run_batch("list.txt", "out", Job(), runner=run_here)
    (reason,) = done.causes
    assert reason in ("Too many levels of symbolic links", "File name too long")
    if name == "loop.jpg":
        assert planned("in")[name] == "loop.png"


@pytest.mark.parametrize("again", [Choice(), Choice(skip_existing=True, retry_failed=True)])
def test_a_result_whose_name_is_too_long_fails_alone(again: Choice, tree: Path) -> None:
    """Pictures of one stem keep their extensions, which this file system has no room for."""
    folder = tree / "long"
    folder.mkdir()
    for extension in (".jpg", ".bmp"):
        (folder / ("n" * 251 + extension)).write_bytes(encode_image(np.zeros((24, 16, 3), np.uint8), ".png"))
    for choice in (Choice(), again):
        done = run_batch("long", "out", Job(), runner=run_here, choice=choice)
        assert (done.done, done.found.kept) == (0, 0)
        assert done.failed + done.found.failed == 2


def test_what_exists_as_it_is_written_is_no_pattern(tree: Path) -> None:
    folder = tree / "photos [2024]"
    folder.mkdir()
    for name in ("a.jpg", "b[1].jpg"):
        (folder / name).write_bytes(b"x")
    both = {"a.jpg": "a.png", "b[1].jpg": "b[1].png"}
    assert planned("photos [2024]") == planned("photos [2024]/*.jpg") == planned("photos [2024]/**") == both
    assert planned("photos [2024]/b[1].jpg") == {"b[1].jpg": "b[1].png"}
    assert planned("photos [2024]/[ab].jpg") == {"a.jpg": "a.png"}
    assert planned("in/a.jpg") == {"a.jpg": "a.png"}


def test_a_list_must_not_lead_out_of_the_target() -> None:
    with pytest.raises(InputError, match=r"a path with \.\. has no place"):
        output_name("../a.jpg")
    if os.name != "nt":
        assert output_name("/data/a:b/12:30.jpg") == "data/a:b/12:30.jpg"
    assert output_name("C:/data/x.jpg") == "C/data/x.jpg"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none", "no such folder or file: none"),
        ("in/notes", "no such folder or file: in/notes"),
        ("odd.xyz", "neither a picture, a folder"),
        ("none.txt", "cannot read the list none.txt: No such file"),
        ("n" * 300, "n is neither a picture, a folder"),
    ],
)
def test_what_is_no_source(source: str, message: str, tree: Path) -> None:
    (tree / "odd.xyz").write_bytes(b"x")
    with pytest.raises(InputError, match=message):
        list(find_source(source, target="out").names())


def test_a_folder_that_cannot_be_read(tree: Path) -> None:
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("root may read anywhere")
    (tree / "in" / "d").chmod(0)
    with pytest.raises(InputError, match=r"cannot read the folder .*d"):
        planned("in")
