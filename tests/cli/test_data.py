import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from limner.cli import main
from limner.images import load_image, save_image
from tests.conftest import shared_data
from tests.datasets.layouts import picture, write_celebamask


def prepare(*arguments: object) -> int:
    return main(["data", "prepare", *map(str, arguments), "--jobs", "1"])


def test_celebamask_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = write_celebamask(tmp_path / "source", range(10)), tmp_path / "target"
    assert prepare("celebamask", source, target, "--size", "16", "--without", "cloth") == 0
    said = capsys.readouterr().err
    assert "split by chance, seed 0" in said
    assert "8 train, 1 val, 1 test; 10 in " in said
    assert "images/s" in said
    spec = json.loads((target / "dataset.json").read_text())
    assert len(spec["settings"]["parts"]) == 17
    assert "cloth" not in spec["settings"]["parts"]
    assert "non-commercial" in spec["licence"]
    assert main(["data", "stats", str(target), "--json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["splits"]["train"]["samples"] == 8
    assert main(["data", "stats", str(target)]) == 0
    assert "near-duplicates: " in capsys.readouterr().out
    assert prepare("celebamask", source, target, "--size", "16", "--without", "cloth") == 0
    assert "all was there already" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hold their names in Unicode")
@pytest.mark.filterwarnings("default")
def test_odd_names_and_system_files_are_prepared_or_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = os.fsdecode(b"jos\xe9")
    for folder in ("photos", "masks"):
        (tmp_path / folder).mkdir()
        for number, name in enumerate(("a", "b", "c", odd)):
            shown = picture(number) if folder == "photos" else picture(number)[..., 0]
            save_image(tmp_path / folder / f"{name}.png", shown)
        (tmp_path / folder / "Thumbs.db").write_bytes(b"\xd0\xcf")
    assert prepare("folders", tmp_path / "photos", tmp_path / "masks", tmp_path / "mine") == 0
    assert "photos: 1 file is no picture and was left alone (first Thumbs.db)" in capsys.readouterr().err
    spec = json.loads((tmp_path / "mine" / "dataset.json").read_text())
    assert sum(spec["splits"].values()) == 4
    assert main(["data", "show", str(tmp_path / "mine"), "-o", str(tmp_path / "sheet.png")]) == 0
    assert "jos\\xe9" in capsys.readouterr().out


def test_a_link_to_itself_is_left_out_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("photos", "masks"):
        (tmp_path / folder).mkdir()
        for name in ("a", "loop"):
            shown = picture(1) if folder == "photos" else picture(1)[..., 0]
            save_image(tmp_path / folder / f"{name}.png", shown)
    (tmp_path / "photos" / "loop.png").unlink()
    (tmp_path / "photos" / "loop.png").symlink_to("loop.png")
    assert prepare("folders", tmp_path / "photos", tmp_path / "masks", tmp_path / "mine") == 3
    assert "left out loop: cannot read" in capsys.readouterr().err


def test_a_planted_corrupt_png_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_celebamask(tmp_path / "source", range(10))
    broken = source / "CelebAMask-HQ-mask-anno/0/00004_hair.png"
    broken.write_bytes(broken.read_bytes()[:-20])
    assert prepare("celebamask", source, tmp_path / "target") == 3
    assert f"left out 00004: {broken} is damaged" in capsys.readouterr().err
    assert prepare("celebamask", source, tmp_path / "strict", "--strict") == 1
    assert f"error: {broken} is damaged" in capsys.readouterr().err


def test_unmatched_files_of_folders_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            save_image(
                tmp_path / folder / f"{name}.png", np.eye(8, dtype=np.uint8)[..., None].repeat(3, 2) * 255
            )
    (tmp_path / "masks/a.png").rename(tmp_path / "masks/c.png")
    assert prepare("folders", tmp_path / "images", tmp_path / "masks", tmp_path / "mine") == 0
    said = capsys.readouterr().err
    assert f"belongs to no pair: {tmp_path / 'images/a.png'}" in said
    assert f"belongs to no pair: {tmp_path / 'masks/c.png'}" in said


def test_synthetic_and_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, sheet = tmp_path / "painted", tmp_path / "sheet.png"
    assert prepare("synthetic", target, "--count", "6", "--size", "48", "--val", "0.5", "--test", "0") == 0
    assert "3 train, 3 val, 0 test" in capsys.readouterr().err
    assert main(["data", "show", str(target), "-o", str(sheet), "--count", "4"]) == 0
    assert len(capsys.readouterr().out.split()) == 4
    assert load_image(sheet).shape[1] > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--without", "beard"], "--without beard: it is not among skin"),
        (["--size", "0"], "--size: must be a whole number, at least 1"),
        (["--parts", "hair", "--without", "cloth"], "--without cloth: it is not among hair"),
    ],
)
def test_wrong_usage(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare("celebamask", tmp_path, tmp_path / "target", *options) == 2
    assert message in capsys.readouterr().err


def test_without_the_extra_the_cure_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert prepare("synthetic", tmp_path / "target") == 1
    assert capsys.readouterr().err.startswith("limner: error: this needs pyarrow: pip install 'lightning>=")


def test_the_real_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = shared_data("celebamask-hq-raw-sample")
    assert prepare("celebamask", source, tmp_path / "target", "--size", "64") == 0
    assert "32 train, 4 val, 4 test; 40 in " in capsys.readouterr().err
