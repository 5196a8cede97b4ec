"""Parquet files full of pictures."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limner.batch import Choice, Counts, Job, Summary, plan_batch, run_batch, run_here
from limner.batch.job import cut_bytes
from limner.cli import main
from tests.batch.pictures import make_pictures, manifest


@pytest.fixture
def pictures(tmp_path: Path) -> list[bytes]:
    return [(tmp_path / "one" / name).read_bytes() for name in make_pictures(tmp_path / "one", 5)]


def write(path: Path, **columns: list[Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=2)


def run(source: str, target: Path, *, column: str = "", **choice: bool) -> Summary:
    job = Job(column=column)
    return run_batch(source, str(target), job, choice=Choice(**choice), runner=run_here)


def test_a_row_becomes_a_row(tmp_path: Path, pictures: list[bytes]) -> None:
    write(tmp_path / "in" / "a.parquet", name=list("vwxyz"), image=pictures, size=[1, 2, 3, 4, 5])
    summary = run(str(tmp_path / "in" / "*.parquet"), tmp_path / "out")
    assert (summary.files, summary.done, summary.failed) == (1, 5, 0)
    table = pq.read_table(tmp_path / "out" / "a.parquet")
    assert table.column_names == ["name", "size", "cutout", "confidence", "error"]
    assert table["name"].to_pylist() == list("vwxyz")
    assert table["cutout"].to_pylist() == [cut_bytes(Job(), picture).data for picture in pictures]
    assert table["error"].null_count == 5
    wanted = [cut_bytes(Job(), picture).confidence for picture in pictures]
    assert table["confidence"].to_pylist() == pytest.approx(wanted, abs=1e-6)


def test_threads_keep_the_order(tmp_path: Path, pictures: list[bytes]) -> None:
    write(tmp_path / "in" / "a.parquet", image=pictures * 3)
    for threads in (1, 4):
        run_batch(
            str(tmp_path / "in/a.parquet"),
            str(tmp_path / f"{threads}"),
            Job(threads=threads),
            runner=run_here,
        )
    one, four = ((tmp_path / name / "a.parquet").read_bytes() for name in ("1", "4"))
    assert one == four


def test_pictures_that_fail_leave_the_reason_in_their_row(tmp_path: Path, pictures: list[bytes]) -> None:
    write(tmp_path / "in" / "a.parquet", image=[pictures[0], b"no picture", None])
    source = str(tmp_path / "in" / "a.parquet")
    summary = run(source, tmp_path / "out")
    assert (summary.done, summary.failed) == (1, 2)
    made, bad, empty = pq.read_table(tmp_path / "out" / "a.parquet").to_pylist()
    assert made["error"] is None
    assert bad["confidence"] is None
    assert "not a picture that Limner reads" in bad["error"]
    assert (empty["cutout"], empty["error"]) == (None, "the picture is missing: its row is empty")
    row = manifest(tmp_path / "out")["a.parquet"]
    assert (row["status"], row["pictures"], row["failed"]) == ("done", 3, 2)
    assert row["causes"]["the picture is missing"] == 1
    assert run(source, tmp_path / "out").found == Counts(failed=1)
    assert run(source, tmp_path / "out", retry_failed=True).failed == 2


def test_pictures_as_hugging_face_stores_them(tmp_path: Path, pictures: list[bytes]) -> None:
    rows = [{"bytes": picture, "path": f"{index}.png"} for index, picture in enumerate(pictures)]
    write(tmp_path / "in" / "a.parquet", photo=rows, label=[0] * 5)
    assert run(str(tmp_path / "in" / "a.parquet"), tmp_path / "out").done == 5
    assert pq.read_schema(tmp_path / "out" / "a.parquet").names == ["label", "cutout", "confidence", "error"]


def test_the_column_must_be_clear(tmp_path: Path, pictures: list[bytes]) -> None:
    write(tmp_path / "in" / "a.parquet", photo=pictures, thumb=pictures)
    write(tmp_path / "in" / "b.parquet", name=["x"])
    source = str(tmp_path / "in" / "*.parquet")
    summary = run(source, tmp_path / "out")
    assert summary.failed == 2
    rows = manifest(tmp_path / "out")
    assert "several: photo, thumb); name it with --column" in rows["a.parquet"]["error"]
    assert "none of name is one" in rows["b.parquet"]["error"]
    assert not (tmp_path / "out" / "a.parquet").exists()
    summary = run(source, tmp_path / "out", column="photo")
    assert (summary.done, summary.failed) == (5, 1)
    assert pq.read_schema(tmp_path / "out" / "a.parquet").names == ["thumb", "cutout", "confidence", "error"]
    assert (
        "no column 'photo' of encoded pictures: it has none"
        in manifest(tmp_path / "out")["b.parquet"]["error"]
    )


def test_damaged_files_fail_alone(tmp_path: Path, pictures: list[bytes]) -> None:
    write(tmp_path / "in" / "a.parquet", image=pictures)
    whole = (tmp_path / "in" / "a.parquet").read_bytes()
    (tmp_path / "in" / "half.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in" / "empty.parquet").write_bytes(b"")
    (tmp_path / "in" / "holed.parquet").write_bytes(whole[:8] + bytes(200) + whole[208:])
    summary = run(str(tmp_path / "in" / "*.parquet"), tmp_path / "out")
    assert summary.done == 5
    assert [row["status"] for _, row in sorted(manifest(tmp_path / "out").items())].count("failed") == 3
    assert summary.causes["the Parquet file is damaged"] >= 2


def test_a_folder_of_pictures_leaves_parquet_files_alone(tmp_path: Path, pictures: list[bytes]) -> None:
    write(tmp_path / "one" / "a.parquet", image=pictures)
    counts, _ = plan_batch(str(tmp_path / "one"), str(tmp_path / "out"), Job())
    assert counts == Counts(due=5, others=1)


def test_from_the_command_line(
    tmp_path: Path, pictures: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in" / "a.parquet", photo=pictures, thumb=pictures)
    arguments = [
        str(tmp_path / "in" / "a.parquet"),
        str(tmp_path / "out"),
        "--column",
        "thumb",
        "--workers",
        "1",
    ]
    assert main(["batch", *arguments]) == 0
    assert capsys.readouterr().err.startswith("limner: 5 done, 0 failed")
