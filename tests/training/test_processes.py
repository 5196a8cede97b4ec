import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.datasets.test_folders import make_folder


def losses(root: Path, name: str, *changes: str) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses on the training pictures and the holdout, and the last weights, of a run by the command."""
    settings = [f"name={name}", f"data_root={root}", f"output={root}", *changes]
    command = [sys.executable, "-m", "limner", "train", str(root / "run.toml"), *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with (root / name / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    weights = torch.load(root / name / "last.ckpt", weights_only=True)["state_dict"]
    return [
        float(row[column]) for row in rows for column in ("loss", "holdout_loss", "holdout_dice")
    ], weights


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    widths = {f"{index:02}": 5 + index for index in range(40)}
    make_folder(tmp_path / "white", widths)
    (tmp_path / "white" / "train.txt").write_text("\n".join(widths))
    (tmp_path / "run.toml").write_text(
        'name = "run"\nnet = "unet"\ndata = ["white"]\ninput_size = 32\nbatch_size = 8\n'
        "epochs = 3\nholdout = 0.2\n"
    )
    alone, weights = losses(tmp_path, "one")
    shared, shared_weights = losses(tmp_path, "two", "devices=2")
    assert len(alone) == 9
    assert shared == pytest.approx(alone, rel=2e-3)
    for name, value in weights.items():
        torch.testing.assert_close(shared_weights[name], value, atol=2e-3, rtol=2e-2)
