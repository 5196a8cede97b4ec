import csv
import subprocess
import sys
from pathlib import Path

import pytest

from tests.datasets.test_folders import make_folder

SETTINGS = """
name = "run"
net = "unet"
data = ["white"]
input_size = 32
batch_size = 8
epochs = 3
holdout = 0.2
"""


def curve(root: Path, name: str, *changes: str) -> list[float]:
    """Loss in training and on the holdout, epoch by epoch, of a run by the command."""
    settings = [f"name={name}", f"data_root={root}", f"output={root}", *changes]
    command = [sys.executable, "-m", "limner", "train", str(root / "run.toml"), *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with (root / name / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [float(row[column]) for row in rows for column in ("loss", "holdout_loss")]


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    widths = {f"{index:02}": 5 + index for index in range(40)}
    make_folder(tmp_path / "white", widths)
    (tmp_path / "white" / "train.txt").write_text("\n".join(widths))
    (tmp_path / "run.toml").write_text(SETTINGS)
    alone = curve(tmp_path, "one")
    assert len(alone) == 6
    assert curve(tmp_path, "two", "devices=2") == pytest.approx(alone, rel=1e-3)
