from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from limner.cli import main
from limner.datasets import dataset_splits, read_dataset, read_folder
from limner.datasets.packing import write_packs
from limner.errors import DatasetError, InputError
from tests.datasets.test_folders import make_folder


def make_weights(root: Path, **grey: int) -> None:
    """A weight for some pictures of `make_folder`: one grey level on the upper half, white below."""
    (root / "weights").mkdir()
    for name, level in grey.items():
        weight = np.full((40, 50), 255, np.uint8)
        weight[:20] = level
        PIL.Image.fromarray(weight).save(root / "weights" / f"{name}.png")


def test_weights_come_along(tmp_path: Path) -> None:
    make_folder(tmp_path / "set", {"a": 10, "b": 30})
    make_weights(tmp_path / "set", b=0)
    write_packs(
        read_folder(tmp_path / "set"), tmp_path, name="packed", side=32, stride=16, max_bytes=10**6, jobs=1
    )
    assert dataset_splits(tmp_path / "packed-00.zip") == ["train"]
    plain, half = read_dataset(tmp_path / "packed-00.zip", "train")
    assert (plain.source, plain.weight) == ("packed-00", None)
    image, alpha, weight = half.load_at((32, 32))
    assert image.shape == (32, 32, 3)
    assert (weight[:15] == 0).all()
    assert (weight[17:] == 255).all()
    assert (plain.load_at((32, 32)).weight == 255).all()
    assert (alpha[:, :17] > 250).all()


def test_what_is_mostly_unknown_is_left_out(tmp_path: Path) -> None:
    make_folder(tmp_path / "set", {"a": 10, "b": 30})
    make_weights(tmp_path / "set", a=0)
    weight = np.zeros((40, 50), np.uint8)
    weight[30:] = 255
    PIL.Image.fromarray(weight).save(tmp_path / "set" / "weights" / "b.png")
    (tmp_path / "set" / "images" / "a.png").write_bytes(b"no picture")
    samples = read_folder(tmp_path / "set")
    done = write_packs(samples, tmp_path, name="p", side=32, stride=0, max_bytes=10**6, jobs=1)
    assert (done.samples, done.doubtful, done.paths) == (0, 1, [])
    assert len(done.unreadable) == 1
    assert done.unreadable[0].startswith("set/a: ")


def test_packs_keep_to_their_size_and_order(tmp_path: Path) -> None:
    names = {f"{number:02}": 5 + number for number in range(20)}
    make_folder(tmp_path / "set", names)
    samples = read_folder(tmp_path / "set")
    write = {"name": "p", "side": 32, "stride": 16, "jobs": 1}
    done = write_packs(samples, tmp_path / "one", max_bytes=6000, **write)  # type: ignore[arg-type]
    again = write_packs(samples, tmp_path / "two", max_bytes=6000, **write)  # type: ignore[arg-type]
    assert len(done.paths) > 2
    assert all(path.stat().st_size <= 6000 for path in done.paths)
    assert [one.read_bytes() for one in done.paths] == [two.read_bytes() for two in again.paths]
    assert [sample.id for path in done.paths for sample in read_dataset(path, "train")] == list(names)
    with pytest.raises(InputError, match=r"00 takes .* bytes, more than a pack may"):
        write_packs(samples, tmp_path / "three", max_bytes=1500, **write)  # type: ignore[arg-type]


def test_a_damaged_pack_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"PK no")
    with pytest.raises(DatasetError, match=r"p\.zip is not a whole ZIP file"):
        read_dataset(tmp_path / "p.zip")
    with pytest.raises(DatasetError, match=r"cannot read .*none\.zip: No such file"):
        read_dataset(tmp_path / "none.zip", "train")


def test_a_weight_must_fit(tmp_path: Path) -> None:
    make_folder(tmp_path, {"a": 10})
    (tmp_path / "weights").mkdir()
    PIL.Image.new("L", (3, 3)).save(tmp_path / "weights" / "a.png")
    with pytest.raises(DatasetError, match=r"sizes differ: image .*, weight"):
        read_folder(tmp_path)[0].load_at((32, 32))


def test_the_command_says_what_it_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_folder(tmp_path / "set", {"a": 10, "b": 30})
    (tmp_path / "set" / "train.txt").write_text("a\nb")
    make_weights(tmp_path / "set", b=0)
    argv = ["data", "pack", str(tmp_path / "set"), str(tmp_path / "packs"), "--side", "64", "--jobs", "1"]
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert out.split() == [str(tmp_path / "packs" / "set-00.zip")]
    assert "2 samples in 0.0 MB; 0 left out" in err
    assert main([*argv, "--megabytes", "0"]) == 2
    (tmp_path / "set" / "images" / "a.png").write_bytes(b"no picture")
    assert main(argv) == 3
    assert "left out: set/a: " in capsys.readouterr().err
