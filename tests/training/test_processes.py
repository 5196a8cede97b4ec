import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from limner.errors import InputError
from limner.training.config import TrainConfig
from limner.training.train import train
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


DYING = """
import os, signal, sys
from limner.cli import main
from limner.training import portrait

total, calls = portrait.total, 0


def dying(*args):
    global calls
    calls += 1
    if (calls, os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]) == (9, "1", "0"):
        os.kill(os.getpid(), signal.SIGKILL)
    return total(*args)


if __name__ == "__main__":
    portrait.total = dying
    sys.exit(main())
"""
COMMAND = [sys.executable, "-m", "limner"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "3"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a recipe and its data: five steps an epoch, one of them on the holdout."""
    widths = {f"{index:02}": 5 + index for index in range(40)}
    make_folder(tmp_path / "white", widths)
    (tmp_path / "white" / "train.txt").write_text("\n".join(widths))
    (tmp_path / "run.toml").write_text(SETTINGS)
    (tmp_path / "dying.py").write_text(DYING)
    return tmp_path


def run(root: Path, name: str, *arguments: str, command: list[str] = COMMAND) -> str:
    """What a run says; it has the folder of its name."""
    settings = [f"name={name}", f"data_root={root}", f"output={root}", *arguments]
    done = subprocess.run(
        [*command, "train", str(root / "run.toml"), *settings],
        capture_output=True,
        text=True,
        timeout=300,
        # Else processes that torchrun starts again may meet the addresses of the lost ones (docs/scale.md).
        env=os.environ | {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def curve(root: Path, name: str) -> list[float]:
    """Loss in training and on the holdout, epoch by epoch."""
    with (root / name / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [float(row[column]) for row in rows for column in ("loss", "holdout_loss")]


@pytest.mark.slow
def test_processes_learn_what_one_does_even_if_one_of_them_is_lost(root: Path) -> None:
    run(root, "one")
    alone = curve(root, "one")
    assert len(alone) == 6
    run(root, "two", "devices=2")
    assert curve(root, "two") == pytest.approx(alone, rel=1e-3)
    said = run(root, "lost", "--resume", command=[*TORCHRUN, str(root / "dying.py")])
    assert said.splitlines() == [str(root / "lost" / "best.ckpt")]  # one speaks for all
    assert curve(root, "lost") == curve(root, "two")


def test_a_batch_must_be_shared_out_among_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    torchrun = {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "6"}
    for name, value in torchrun.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="batch_size, 32, must be a multiple of the 6 processes"):
        train(TrainConfig(name="odd", net="unet", data=("white",)))
