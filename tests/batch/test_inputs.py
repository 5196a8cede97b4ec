"""Which files are meant, and where their results go."""

import io
import os
from pathlib import Path

import pytest

from limner.batch import Job, plan_batch
from limner.batch.inputs import find_source, output_name
from limner.batch.storage import matcher, split_pattern
from limner.errors import InputError


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
    assert planned("in/*.txt") == {}
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
    monkeypatch.setattr("sys.stdin", io.StringIO("in/a.jpg\ns3://bucket/b.jpg\n"))
    assert planned("-") == {"in/a.jpg": "in/a.png", "s3://bucket/b.jpg": "s3/bucket/b.png"}


def test_a_list_must_not_lead_out_of_the_target() -> None:
    with pytest.raises(InputError, match=r"a path with \.\. has no place"):
        output_name("../a.jpg")
    if os.name != "nt":
        assert output_name("/data/a:b/x.jpg") == "data/ab/x.jpg"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none", "no such folder or file: none"),
        ("in/a.jpg", "for a single picture use limner cut"),
        ("none.txt", "cannot read the list none.txt"),
    ],
)
def test_what_is_no_source(source: str, message: str, tree: Path) -> None:
    with pytest.raises(InputError, match=message):
        list(find_source(source, target="out").names())


def test_a_folder_that_cannot_be_read(tree: Path) -> None:
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("root may read anywhere")
    (tree / "in" / "d").chmod(0)
    with pytest.raises(InputError, match=r"cannot read the folder .*d"):
        planned("in")
