import os
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from limner.datasets import matching_datasets, read_folder
from limner.datasets.sample import load_planes
from limner.errors import DatasetError
from tests.conftest import shared_data


def make_folder(root: Path, columns: dict[str, int], *, masks: str = "masks") -> None:
    """Pictures of 40 x 50, white on the first columns of each, where the subject is, and dark elsewhere."""
    (root / "images").mkdir(parents=True)
    (root / masks).mkdir()
    for name, width in columns.items():
        mask = np.zeros((40, 50), np.uint8)
        mask[:, :width] = 1 if masks == "labels" else 255
        PIL.Image.fromarray(np.where(mask[..., None], np.uint8(240), np.uint8(15)).repeat(3, axis=2)).save(
            root / "images" / f"{name}.png"
        )
        PIL.Image.fromarray(mask).save(root / masks / f"{name}.png")


@pytest.mark.parametrize("masks", ["masks", "labels"])
def test_reads_pairs(tmp_path: Path, masks: str) -> None:
    make_folder(tmp_path / "set", {"a": 10, "b": 30}, masks=masks)
    samples = read_folder(tmp_path / "set")
    assert [(sample.id, sample.source) for sample in samples] == [("a", "set"), ("b", "set")]
    image, alpha = samples[1].load()
    assert image.shape == (40, 50, 3)
    assert alpha.dtype == np.float32
    np.testing.assert_array_equal(alpha, (image[..., 0] > 100).astype(np.float32))


def test_split_chooses_and_orders(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a": 10, "b": 30, "c": 5})
    (tmp_path / "val.txt").write_text("c\na\n")
    assert [sample.id for sample in read_folder(tmp_path, "val")] == ["c", "a"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_lists_are_read_however_they_were_saved(encoding: str, tmp_path: Path) -> None:
    make_folder(tmp_path, {"a": 10, "josé 2": 30})
    (tmp_path / "val.txt").write_bytes("josé 2\r\na\r\n".encode(encoding))
    assert [sample.id for sample in read_folder(tmp_path, "val")] == ["josé 2", "a"]
    (tmp_path / "val.txt").write_bytes(b"\xff\xfea")
    with pytest.raises(DatasetError, match=r"val\.txt is UTF-16 text with a damaged end"):
        read_folder(tmp_path, "val")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hold their names in Unicode")
def test_ids_can_be_written_anywhere(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a": 10, os.fsdecode(b"jos\xe9"): 30})
    assert [sample.id for sample in read_folder(tmp_path)] == ["a", "jos\\xe9"]
    (tmp_path / "val.txt").write_bytes(b"jos\xe9\n")
    (sample,) = read_folder(tmp_path, "val")
    assert sample.load()[1].sum() == 30 * 40


def test_system_files_are_left_alone(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a": 10, "b": 30})
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._a.png"):
        for folder in ("images", "masks"):
            (tmp_path / folder / name).write_bytes(b"\xd0\xcf")
    with pytest.warns(UserWarning, match=r"2 files are no pictures and were left alone \(first Thumbs.db\)"):
        assert [sample.id for sample in read_folder(tmp_path)] == ["a", "b"]


def test_a_data_set_with_brackets_in_its_name(tmp_path: Path) -> None:
    for name in ("own [2024]", "own 2"):
        make_folder(tmp_path / name, {"a": 10})
    assert matching_datasets(tmp_path, "own [2024]") == [tmp_path / "own [2024]"]
    assert matching_datasets(tmp_path, "own [12]") == [tmp_path / "own 2"]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="needs images/ and masks/"):
        read_folder(tmp_path)
    make_folder(tmp_path, {"a": 10, "b": 30})
    with pytest.raises(DatasetError, match=r"cannot read the list .*train\.txt"):
        read_folder(tmp_path, "train")
    (tmp_path / "train.txt").write_text("")
    with pytest.raises(DatasetError, match="is empty"):
        read_folder(tmp_path, "train")
    (tmp_path / "masks" / "b.png").unlink()
    with pytest.raises(DatasetError, match="first 'b'"):
        read_folder(tmp_path)


def test_sizes_must_agree(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a": 10})
    PIL.Image.new("L", (3, 3)).save(tmp_path / "masks" / "a.png")
    with pytest.raises(DatasetError, match="sizes differ"):
        read_folder(tmp_path)[0].load()


@pytest.mark.parametrize(("name", "train", "val"), [("eg1800", 1207, 134), ("celebamask-hq-5k", 4000, 500)])
def test_real_lists(name: str, train: int, val: int) -> None:
    root = shared_data(name)
    lists = [{sample.id for sample in read_folder(root, split)} for split in ("train", "val")]
    assert [len(ids) for ids in lists] == [train, val]
    assert not lists[0] & lists[1]
    _, alpha = read_folder(root, "val")[0].load()
    assert set(np.unique(alpha)) == {0.0, 1.0}


def test_planes_lie_one_after_the_other(tmp_path: Path) -> None:
    """They are sent between processes as they lie in memory."""
    make_folder(tmp_path, {"a": 10})
    planes = load_planes(read_folder(tmp_path)[0], [(40, 50)])
    assert planes.flags.c_contiguous
    assert planes[:4, 20, 5].tolist() == [240, 240, 240, 255]
    assert planes[4].min() == 255
