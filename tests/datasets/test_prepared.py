import codecs
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from limner.datasets import dataset_splits, read_dataset
from limner.datasets.celebamask import plan_celebamask
from limner.datasets.preparation import prepare
from limner.errors import DatasetError, MissingExtraError
from limner.evaluation.evaluate import evaluate
from limner.images import save_image
from tests.datasets.layouts import HAIR, PARTS, SKIN, picture, write_celebamask


@pytest.fixture
def target(tmp_path: Path) -> Path:
    source = write_celebamask(tmp_path / "source", range(10))
    prepare(plan_celebamask(source, parts=["hair", "skin"]), tmp_path / "target", jobs=1)
    return tmp_path / "target"


def test_what_was_prepared_is_read(target: Path) -> None:
    samples = read_dataset(target)
    assert sorted(sample.id for sample in samples) == [f"{number:05d}" for number in range(10)]
    for sample in samples:
        image, alpha = sample.load()
        assert np.array_equal(alpha, (HAIR | SKIN).astype(np.float32))
        assert np.abs(image.astype(int) - picture(int(sample.id))).mean() < 3
        assert sample.source == "celebamask-hq"
        assert sample.parts == {part: PARTS[part].mean() for part in ("hair", "skin")}


def test_splits_are_read_apart(target: Path) -> None:
    assert dataset_splits(target) == ["train", "val", "test"]
    counts = {split: len(read_dataset(target, split)) for split in dataset_splits(target)}
    assert counts == {"train": 8, "val": 1, "test": 1}
    with pytest.raises(DatasetError, match=r"has no split 'dev': it has train \(8\), val \(1\), test \(1\)"):
        read_dataset(target, "dev")


def test_columns_of_a_shard(target: Path) -> None:
    row = pq.read_table(target / "val-00000.parquet").to_pylist()[0]
    assert row["image"].startswith(b"\xff\xd8")
    assert row["mask"].startswith(b"\x89PNG")
    assert (row["split"], row["source"], row["height"], row["width"]) == ("val", "celebamask-hq", 32, 32)


def test_a_damaged_shard_is_named(target: Path) -> None:
    shard = target / "train-00000.parquet"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert len(read_dataset(target, "val")) == 1
    with pytest.raises(DatasetError, match=r"train-00000\.parquet is not the shard that dataset\.json"):
        read_dataset(target)
    shard.unlink()
    with pytest.raises(DatasetError, match=r"cannot read the shard .*train-00000\.parquet: No such file"):
        read_dataset(target)


def test_a_description_saved_by_an_editor_of_windows_is_read(target: Path) -> None:
    path = target / "dataset.json"
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert len(read_dataset(target, "val")) == 1


def test_a_damaged_description_is_named(target: Path) -> None:
    (target / "dataset.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"cannot read .*dataset\.json: its keys"):
        read_dataset(target)


def test_without_pyarrow_the_cure_is_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "limner.datasets.prepared", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lightning>="):
        read_dataset(target)


def test_evaluation_reads_shards_like_folders(target: Path, tmp_path: Path) -> None:
    for folder in ("plain/images", "plain/masks"):
        (tmp_path / folder).mkdir(parents=True)
    for sample in read_dataset(target):
        image, alpha = sample.load()
        save_image(tmp_path / f"plain/images/{sample.id}.png", image)
        save_image(tmp_path / f"plain/masks/{sample.id}.png", np.rint(alpha * 255).astype(np.uint8))
    half = np.zeros((32, 32), np.float32)
    half[:16] = 1
    scores = [evaluate(lambda _: half, read_dataset(root)).scores() for root in (target, tmp_path / "plain")]
    assert scores[0] == scores[1]
    assert 0 < scores[0]["iou_mean"] < 1
