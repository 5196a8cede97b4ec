import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from limner.cli import main
from limner.datasets import read_dataset, read_folder
from limner.datasets.plausible import check_fractions, check_opacity, label_remarks
from limner.errors import DatasetError
from limner.images import Alpha, save_image
from tests.datasets.layouts import SKIN, picture

Level = Callable[[int], int]
KINDS: dict[str, Level] = {
    "zero and one": lambda _: 1,
    "half of them": lambda number: 1 if number % 2 else 255,
    "black": lambda _: 0,
}


def write_pairs(images: Path, masks: Path, level: Level, count: int = 10) -> None:
    """Pictures whose subject is `SKIN`, at a grey level of its own in each mask."""
    for folder in (images, masks):
        folder.mkdir(parents=True)
    for number in range(count):
        save_image(images / f"{number}.png", picture(number))
        save_image(masks / f"{number}.png", np.where(SKIN, np.uint8(level(number)), np.uint8(0)))


def prepare(tmp_path: Path, *more: str) -> int:
    return main(["data", "prepare", "folders", *(str(tmp_path / name) for name in ("p", "m", "out")), *more])


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("zero and one", 1, "holds the values 0, 1 only .*--subject-labels 1"),
        ("half of them", 3, "left out 1: .*1.png holds the values 0, 1 only .*--subject-labels 1"),
        ("black", 1, "no mask holds a subject"),
    ],
)
def test_masks_that_cannot_be_meant_are_not_prepared(
    kind: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pairs(tmp_path / "p", tmp_path / "m", KINDS[kind])
    assert prepare(tmp_path) == code
    assert re.search(said, capsys.readouterr().err)
    assert (tmp_path / "out" / "dataset.json").exists() == (code == 3)
    assert prepare(tmp_path) == code  # shards that are there already change nothing


def test_the_cure_works(tmp_path: Path) -> None:
    write_pairs(tmp_path / "p", tmp_path / "m", KINDS["zero and one"])
    assert prepare(tmp_path, "--subject-labels", "1") == 0
    assert len(read_dataset(tmp_path / "out")) == 10


def test_a_few_pictures_without_a_subject_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pairs(tmp_path / "p", tmp_path / "m", lambda number: 0 if number < 3 else 255)
    assert prepare(tmp_path) == 0
    assert "3 of 10 masks hold no subject" in capsys.readouterr().err


def test_labels_that_were_not_named_or_are_nowhere_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pairs(tmp_path / "p", tmp_path / "m", lambda _: 15)
    for number in range(4):
        labels = np.where(SKIN, np.uint8(15), np.uint8(0))
        labels[:2] = 255
        save_image(tmp_path / "m" / f"{number}.png", labels)
    assert prepare(tmp_path, "--subject-labels", "15,9") == 0
    err = capsys.readouterr().err
    assert "no mask holds the label 9" in err
    assert '4 of 10 masks hold the label 255 ("void") in 6.2 % of their pixels' in err
    (tmp_path / "out" / "dataset.json").unlink()
    assert prepare(tmp_path, "--subject-labels", "15,9") == 0
    assert '("void")' in capsys.readouterr().err  # of shards that were there already too
    assert main(["data", "prepare", "folders", str(tmp_path / "p"), str(tmp_path / "m"), str(tmp_path / "7"),
                 "--subject-labels", "7"]) == 1  # fmt: skip
    assert "no mask holds the labels 7: there are 15, 255" in capsys.readouterr().err


def greys(*levels: int) -> Alpha:
    """A mask of 100 x 100 pixels in which these grey levels are equally frequent."""
    alpha: Alpha = np.resize(np.array(levels, np.float32) / 255, 10_000).astype(np.float32)
    return alpha.reshape(100, 100)


@pytest.mark.parametrize(
    "levels", [(0, 255), (0, 128, 255), (0, 20, 40, 255), (255,), (0,), tuple(range(80))]
)
def test_opacity_is_let_pass(levels: tuple[int, ...]) -> None:
    check_opacity(greys(*levels), "mask")


def test_labels_are_refused_but_not_what_is_left_of_a_faint_edge() -> None:
    with pytest.raises(DatasetError, match=r"^mask holds the values 0, 2, 15, 255 only .*labels 15"):
        check_opacity(greys(0, 2, 15, 15, 255), "mask")
    alpha = greys(0)
    alpha[0, :50] = 3 / 255
    check_opacity(alpha, "mask")


def test_shares_of_a_set() -> None:
    check_fractions([0.0, 0.0, 0.3], "set")
    for shares in ([0.0, 0.0], [0.001], [1.0, 0.99]):
        with pytest.raises(DatasetError, match=r"^set: .*white on the subject"):
            check_fractions(shares, "set")


def test_remarks_of_labels() -> None:
    assert label_remarks([1], {1: (5, 0.2)}, 5) == []
    with pytest.raises(DatasetError, match="no mask holds the labels 3, 4"):
        label_remarks([3, 4], {1: (5, 0.2)}, 5)


def test_a_plain_set_of_labels_in_masks_is_refused_where_it_is_read(tmp_path: Path) -> None:
    write_pairs(tmp_path / "images", tmp_path / "masks", KINDS["zero and one"], 2)
    with pytest.raises(DatasetError, match=r"masks/0\.png holds the values 0, 1 only"):
        read_folder(tmp_path)[0].load()
    (tmp_path / "masks").rename(tmp_path / "labels")
    assert read_folder(tmp_path)[0].load()[1].max() == 1


def test_pairs_in_sub_folders_are_taken_by_their_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for person in ("", "anna", "ben/2024"):
        write_pairs(tmp_path / "all" / person, tmp_path / "all" / person / "x", lambda _: 255, 2)
    for person in ("", "anna", "ben/2024"):
        for number in range(2):
            target = tmp_path / "p" / "masks" / person / f"{number}.png"  # masks in a folder of the pictures
            target.parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "all" / person / "x" / f"{number}.png").rename(target)
            target = tmp_path / "p" / person / f"{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "all" / person / f"{number}.png").rename(target)
    (tmp_path / "p" / "anna" / "loop").symlink_to(tmp_path / "p")
    (tmp_path / "p" / ".hidden").mkdir()
    PIL.Image.new("L", (3, 3)).save(tmp_path / "p" / ".hidden" / "0.png")
    arguments = [str(tmp_path / "p"), str(tmp_path / "p" / "masks"), str(tmp_path / "out")]
    assert main(["data", "prepare", "folders", *arguments]) == 0
    found = {sample.id for sample in read_dataset(tmp_path / "out")}
    assert found == {"0", "1", "anna/0", "anna/1", "ben/2024/0", "ben/2024/1"}
    assert "not used" not in capsys.readouterr().err


def test_a_plain_set_may_have_sub_folders(tmp_path: Path) -> None:
    write_pairs(tmp_path / "images" / "anna", tmp_path / "masks" / "anna", lambda _: 255, 2)
    (tmp_path / "train.txt").write_text("anna/1\n")
    assert [sample.id for sample in read_folder(tmp_path)] == ["anna/0", "anna/1"]
    assert [sample.id for sample in read_folder(tmp_path, "train")] == ["anna/1"]
