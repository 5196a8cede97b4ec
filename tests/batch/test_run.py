"""What a batch does, and does again: names, resuming, changes, failures."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import limner
from limner import Segmenter, files
from limner.batch import Choice, Counts, Job, Summary, plan_batch, run_batch, run_here, run_processes
from limner.batch.manifest import FILE
from limner.errors import InputError
from limner.images import encode_photo, load_photo
from limner.rendering.options import Options
from limner.rendering.render import refined_alpha, render
from tests.batch.pictures import make_pictures, manifest, results
from tests.conftest import decode


@pytest.fixture
def source(tmp_path: Path) -> Path:
    make_pictures(tmp_path / "in", 6)
    return tmp_path / "in"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out"


def run(source: Path | str, target: Path, job: Job = Job(), **choice: bool) -> Summary:  # noqa: B008
    return run_batch(str(source), str(target), job, choice=Choice(**choice), runner=run_here)


def test_every_picture_is_cut_as_by_hand(source: Path, target: Path) -> None:
    summary = run(source, target)
    assert (summary.done, summary.failed) == (6, 0)
    segmenter = Segmenter(threads=1)
    assert sorted(results(target)) == [f"{'ab'[i % 2]}/00{i}.png" for i in (0, 2, 4, 1, 3, 5)]
    for name in results(target):
        photo = load_photo(source / name)
        alpha = refined_alpha(photo, segmenter(photo.image), Options())
        finished = render(photo, alpha)
        assert results(target)[name] == encode_photo(finished, ".png")


def test_processes_give_the_same_bytes(source: Path, target: Path, tmp_path: Path) -> None:
    run(source, target)
    run_batch(str(source), str(tmp_path / "two"), Job(), runner=run_processes)
    assert results(tmp_path / "two") == results(target)


def test_the_manifest_says_what_was_made_from_what(source: Path, target: Path) -> None:
    (source / "bad.jpg").write_bytes(b"no picture")
    run(source, target)
    rows = manifest(target)
    good, bad = rows["a/000.png"], rows["bad.jpg"]
    assert good["output"] == "a/000.png"
    assert good["status"] == "done"
    assert good["sha256"] == files.sha256((source / "a/000.png").read_bytes())
    assert good["output_bytes"] == (target / "a/000.png").stat().st_size
    assert good["input_time_ns"] == (source / "a/000.png").stat().st_mtime_ns
    assert good["confidence"] == pytest.approx(limner.cut(source / "a/000.png").confidence, abs=1e-4)
    assert "confidence" not in bad
    assert good["taken_s"] > 0
    assert bad["status"] == "failed"
    assert "not a picture that Limner reads" in bad["error"]


def test_a_second_run_finds_nothing_to_do(source: Path, target: Path) -> None:
    (source / "bad.jpg").write_bytes(b"no picture")
    run(source, target)
    before = (target / FILE).read_bytes()
    again = run(source, target)
    assert again.found == Counts(kept=6, failed=1)
    assert (again.done, again.failed) == (0, 0)
    assert (target / FILE).read_bytes() == before


def change_contents(source: Path, target: Path) -> None:
    (source / "a/000.png").write_bytes((source / "a/002.png").read_bytes())


def lose_result(source: Path, target: Path) -> None:
    (target / "a/000.png").unlink()


def cut_result_short(source: Path, target: Path) -> None:
    (target / "a/000.png").write_bytes(b"")


@pytest.mark.parametrize("change", [change_contents, lose_result, cut_result_short])
def test_what_changed_is_done_again_and_nothing_else(change: object, source: Path, target: Path) -> None:
    run(source, target)
    times = {name: (target / name).stat().st_mtime_ns for name in results(target)}
    change(source, target)  # type: ignore[operator]
    assert run(source, target).done == 1
    whole = target.parent / "whole"
    run(source, whole)
    assert results(target) == results(whole)
    changed = {name for name in times if (target / name).stat().st_mtime_ns != times[name]}
    assert changed == {"a/000.png"}


@pytest.mark.parametrize(
    "job", [Job(options=Options(mask=True)), Job(extension=".webp"), Job(options=Options(background="red"))]
)
def test_other_options_do_everything_again(job: Job, source: Path, target: Path) -> None:
    run(source, target)
    assert run(source, target, job).done == 6
    assert run(source, target, job).found == Counts(kept=6)


def test_a_file_that_was_only_touched_is_read_but_not_made_again(source: Path, target: Path) -> None:
    run(source, target)
    made = (target / "a/000.png").stat().st_mtime_ns
    os.utime(source / "a/000.png")
    assert run(source, target).done == 1
    assert (target / "a/000.png").stat().st_mtime_ns == made
    assert run(source, target).found == Counts(kept=6)


def test_a_change_that_keeps_size_and_time_needs_the_checksum(source: Path, target: Path) -> None:
    job = Job(options=Options(background="original"))
    path = source / "x.ppm"
    path.write_bytes(b"P6 16 16 255 " + bytes(768))
    run(source, target, job)
    state = path.stat()
    path.write_bytes(b"P6 16 16 255 " + bytes([255]) * 768)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert run(source, target, job).found.kept == 7
    assert decode(target / "x.png").max() == 0
    assert run(source, target, job, checksum=True).done == 7
    assert decode(target / "x.png").min() == 255


def test_failed_pictures_are_left_until_they_change_or_one_asks(source: Path, target: Path) -> None:
    (source / "bad.jpg").write_bytes(b"no picture")
    first = run(source, target)
    assert (first.done, first.failed) == (6, 1)
    assert run(source, target).found.failed == 1
    assert run(source, target, retry_failed=True).failed == 1
    (source / "bad.jpg").write_bytes((source / "a/000.png").read_bytes())
    assert run(source, target).done == 1
    assert manifest(target)["bad.jpg"]["status"] == "done"


def test_causes_are_counted_over_the_pictures(source: Path, target: Path) -> None:
    for index in range(3):
        (source / f"bad{index}.jpg").write_bytes(b"no picture")
    (source / "empty.jpg").write_bytes(b"")
    for width in (3, 12):
        (source / f"thin{width}.ppm").write_bytes(f"P6 {width} 20 255 ".encode() + bytes(width * 60))
    summary = run(source, target)
    assert dict(summary.causes) == {
        "the picture is not a picture that Limner reads": 3,
        "the picture is empty": 1,
        "# x # pixels are too few to find a person in": 2,
    }
    assert summary.examples["the picture is empty"] == "empty.jpg"


def test_existing_results_can_be_left_whatever_they_are(source: Path, target: Path) -> None:
    (target / "a").mkdir(parents=True)
    (target / "a" / "000.png").write_bytes(b"by somebody else")
    assert run(source, target, skip_existing=True).done == 5
    assert results(target)["a/000.png"] == b"by somebody else"


def test_no_two_outputs_meet(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "in"
    (data,) = results_of_one(tmp_path)
    names = ["x.png", "x.ppm", "d/x.png", "X.bmp", "y.ppm", "y.ppm.png", "z.tar.png"]
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    run(source, target)
    outputs = {name: row["output"] for name, row in manifest(target).items()}
    assert outputs == {
        "x.png": "x.png",  # already called as its result
        "x.ppm": "x.ppm.png",
        "X.bmp": "X.bmp.png",  # the same stem on Windows and macOS
        "d/x.png": "d/x.png",
        "y.ppm": "y.png",
        "y.ppm.png": "y.ppm.png.png",
        "z.tar.png": "z.tar.png",
    }
    assert len(results(target)) == len(names)


def results_of_one(folder: Path) -> list[bytes]:
    make_pictures(folder / "one", 1)
    return [path.read_bytes() for path in (folder / "one").rglob("*.png")]


def test_a_later_picture_of_the_same_stem_takes_nothing_away(source: Path, target: Path) -> None:
    run(source, target)
    before = results(target)
    (source / "a/000.ppm").write_bytes(b"P6 16 16 255 " + bytes(768))
    assert run(source, target).done == 1
    after = results(target)
    assert after.pop("a/000.ppm.png")
    assert after == before
    assert run(f"{source}/**/*.ppm", target).found == Counts(kept=1)


def test_two_sources_do_not_overwrite_each_other(source: Path, target: Path, tmp_path: Path) -> None:
    run(source, target)
    before = results(target)
    make_pictures(tmp_path / "other", 2, start=4)
    with pytest.raises(InputError, match=r"holds the result of a/004\.png from .*give .*other a target"):
        run(tmp_path / "other", target)
    assert results(target) == before
    make_pictures(tmp_path / "further", 2, start=10)
    assert run(tmp_path / "further", target).done == 2


def test_a_plan_writes_nothing(source: Path, target: Path) -> None:
    counts, due = plan_batch(str(source), str(target), Job())
    assert counts == Counts(due=6)
    assert {task.output for task in due} == {f"{'ab'[i % 2]}/00{i}.png" for i in range(6)}
    assert not target.exists()


def test_stopping_begins_nothing_more_and_the_next_run_goes_on(source: Path, target: Path) -> None:
    asked = iter([False, False, True, True])
    summary = run_batch(str(source), str(target), Job(), runner=run_here, stop=lambda: next(asked))
    assert summary.done == 2
    assert run(source, target).found == Counts(kept=2, due=4)
    assert len(results(target)) == 6


def test_two_runs_on_one_target_are_refused(source: Path, target: Path) -> None:
    def other_run() -> bool:
        with pytest.raises(InputError, match="another run is at work"):
            run(source, target)
        return True

    run_batch(str(source), str(target), Job(), runner=run_here, stop=other_run)


def test_watching_takes_what_arrives_once_it_is_whole(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limner.batch.run.WATCH_S", 0.0)
    data = (source / "a/000.png").read_bytes()
    parts = iter(range(1, 11))

    def arrive() -> bool:
        """Asked between the looks, and before every picture: lets a file grow until it is whole."""
        if part := next(parts, None):
            (source / "new.png").write_bytes(data[: len(data) * part // 10])
        return len(results(target)) == 7

    summary = run_batch(str(source), str(target), Job(), runner=run_here, stop=arrive, watch=True)
    assert (summary.done, summary.failed) == (7, 0)
    assert results(target)["new.png"] == results(target)["a/000.png"]


def test_watching_does_not_count_its_own_results_as_earlier_ones(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limner.batch.run.WATCH_S", 0.0)
    looks = iter(range(100))
    (source / "bad.png").write_bytes(b"no picture")

    def arrive() -> bool:
        """Asked between the looks, and before every picture."""
        if next(looks) == 9:
            (source / "late.png").write_bytes((source / "a/000.png").read_bytes())
        return len(results(target)) == 7

    summary = run_batch(str(source), str(target), Job(), runner=run_here, stop=arrive, watch=True)
    assert (summary.done, summary.failed) == (7, 1)
    assert (summary.found.kept, summary.found.failed) == (0, 0)
    again = run_batch(str(source), str(target), Job(), runner=run_here)
    assert (again.done, again.found.kept, again.found.failed) == (0, 7, 1)


def test_settings_tell_apart_all_that_changes_the_result() -> None:
    pictures = [np.zeros((size, 20, 3), np.uint8) for size in (16, 32)]
    jobs = [
        Job(),
        Job(options=Options(mask=True)),
        Job(extension=".webp"),
        Job(compress=True),
        Job(metadata="strip"),
        *(Job(options=Options(background=picture)) for picture in pictures),
    ]
    assert len({job.settings()["settings"] for job in jobs}) == len(jobs)
    assert Job().settings() == replace(Job(), device="cpu").settings()
