import csv
import shlex
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from limner.cli import main
from limner.errors import InputError, ModelError
from limner.training.config import TrainConfig
from limner.training.losses import total
from limner.training.train import train
from tests.datasets.test_folders import make_folder
from tests.training.test_train import QUIET

pytestmark = QUIET


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    widths = {f"{index:02}": 5 + index for index in range(40)}
    make_folder(tmp_path / "white", widths)
    (tmp_path / "white" / "train.txt").write_text("\n".join(widths))
    return TrainConfig(
        name="run",
        net="unet",
        data=("white",),
        data_root=str(tmp_path),
        output=str(tmp_path / "whole"),
        input_size=32,
        batch_size=8,
        epochs=3,
        holdout=0.2,
        blur=0.3,
        noise=0.3,
    )


def at_step(number: int, act: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call ``act`` when the loss is computed for the ``number``-th time; what it gives replaces the loss."""
    count = 0

    def spy(*args: Any) -> Tensor:
        nonlocal count
        count += 1
        result = act() if count == number else None
        return total(*args) if result is None else result

    monkeypatch.setattr("limner.training.portrait.total", spy)


def last(config: TrainConfig) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(Path(config.output) / "run" / "last.ckpt", weights_only=True)
    return checkpoint


def scores(config: TrainConfig) -> list[dict[str, str]]:
    with (Path(config.output) / "run" / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("step", [7, 9, 11], ids=["within an epoch", "at its end", "at the start of one"])
def test_a_stopped_run_goes_on_bit_for_bit(
    config: TrainConfig, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(config)
    stopped = replace(config, output=f"{config.data_root}/stopped")
    with monkeypatch.context() as context:
        at_step(step, lambda: signal.raise_signal(signal.SIGINT), context)
        with pytest.raises(KeyboardInterrupt):
            train(stopped)
    assert last(stopped)["global_step"] < last(config)["global_step"]
    train(stopped, resume=Path(stopped.output) / "run" / "last.ckpt")
    whole, resumed = last(config), last(stopped)
    for key in ("state_dict", "current_model_state"):
        for name, value in whole[key].items():
            assert torch.equal(value, resumed[key][name]), name
    for before, after in zip(scores(config), scores(stopped), strict=True):
        for name in ("holdout_loss", "holdout_dice"):
            assert before[name] == after[name]


def test_ctrl_c_says_how_to_go_on(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_step(2, lambda: signal.raise_signal(signal.SIGINT), monkeypatch)
    recipe = tmp_path / "run.toml"
    recipe.write_text('name = "run"\nnet = "unet"\ndata = ["white"]\ninput_size = 32\n')
    changes = [f"data_root={tmp_path}", f"output={tmp_path}/runs", "batch_size=8", 'data=["white"]']
    assert main(["train", str(recipe), *changes]) == 130
    err = capsys.readouterr().err
    words = ["limner", "train", str(recipe), *changes, "--resume", f"{tmp_path}/runs/run/last.ckpt"]
    assert shlex.split(err.partition("to resume: ")[2].splitlines()[0]) == words
    assert (tmp_path / "runs" / "run" / "last.ckpt").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_loss_that_is_no_number_names_the_pictures(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_step(3, lambda: torch.tensor(float("nan")), monkeypatch)
    with pytest.raises(ModelError, match=r"the loss became nan in epoch 0, at the pictures \d\d, \d\d"):
        train(config)


def test_an_epoch_that_is_not_the_best_can_be_gone_on_from(config: TrainConfig) -> None:
    best = train(replace(config, learning_rate=1e-9, ema_decay=0.0))
    assert torch.load(best, weights_only=True)["epoch"] == 0
    assert last(config)["epoch"] == 2


def test_what_a_run_leaves(config: TrainConfig) -> None:
    best = train(replace(config, epochs=1))
    assert {path.name for path in best.parent.iterdir()} == {
        "best.ckpt",
        "last.ckpt",
        "metrics.csv",
        "curves.png",
    }
    (row,) = scores(config)
    assert float(row["images_per_s"]) > 0
    assert 0 < float(row["data_fraction"]) < 1
    checkpoint = torch.load(best, weights_only=True)
    assert checkpoint["hyper_parameters"]["net"] == "unet"
    with pytest.raises(InputError, match="holds a run already: use --resume"):
        train(replace(config, epochs=1))
    assert checkpoint["scores"]["holdout_dice"] == pytest.approx(float(row["holdout_dice"]))
