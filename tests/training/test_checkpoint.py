import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from limner.cli import main
from limner.errors import InputError, ModelError
from limner.training.checkpoint import MAY_CHANGE, check_resume, read_checkpoint
from limner.training.config import TrainConfig
from limner.training.kinds import load_checkpoint
from limner.training.module import save_weights
from limner.training.train import train
from tests.datasets.test_folders import make_folder
from tests.training.test_train import QUIET

pytestmark = QUIET


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainConfig, Path]:
    """A run of two epochs, and its last checkpoint."""
    root = tmp_path_factory.mktemp("checkpoint")
    widths = {f"{index:02}": 5 + index for index in range(16)}
    make_folder(root / "white", widths)
    (root / "white" / "train.txt").write_text("\n".join(widths))
    config = TrainConfig(
        name="run", net="unet", data=("white",), data_root=str(root), output=str(root / "runs"),
        input_size=32, batch_size=4, epochs=2, holdout=0.25,
    )  # fmt: skip
    train(config)
    return config, root / "runs" / "run" / "last.ckpt"


def changed(config: TrainConfig, name: str, value: Any) -> TrainConfig:
    """The settings with another value, whatever it is."""
    other = copy.copy(config)
    object.__setattr__(other, name, value)
    return other


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(TrainConfig)])
def test_no_setting_differs_in_silence(run: tuple[TrainConfig, Path], name: str) -> None:
    config, last = run
    check_resume(config, last)
    if name in {"epochs", "minutes"}:
        return
    if name in MAY_CHANGE:
        check_resume(changed(config, name, 7), last)
    else:
        with pytest.raises(InputError, match=rf"^{name} is 7 here and .* in .*last.ckpt: .*epochs, minutes"):
            check_resume(changed(config, name, 7), last)


def test_a_run_may_become_longer_but_not_shorter_than_it_is(
    run: tuple[TrainConfig, Path], tmp_path: Path
) -> None:
    config, last = run
    check_resume(changed(config, "epochs", 5), last)
    with pytest.raises(InputError, match=r"epochs is 1 here, and 2 are done in .*last.ckpt"):
        check_resume(changed(config, "epochs", 1), last)
    with pytest.raises(InputError, match="minutes is 5 here and 0 in"):
        check_resume(changed(config, "minutes", 5.0), last)
    values = read_checkpoint(last)
    values["hyper_parameters"]["minutes"] = 10.0
    values["callbacks"]["Deadline"] = {"elapsed_s": 240.0}
    clock = tmp_path / "clock.ckpt"
    torch.save(values, clock)
    for minutes in (10.0, 20.0, 5.0):
        check_resume(changed(config, "minutes", minutes), clock)
    with pytest.raises(InputError, match=r"minutes is 3 here, and 4\.0 are done"):
        check_resume(changed(config, "minutes", 3.0), clock)


def test_what_is_no_whole_checkpoint_is_named_in_a_line(
    run: tuple[TrainConfig, Path], tmp_path: Path
) -> None:
    config, last = run
    whole = last.read_bytes()
    (tmp_path / "half.ckpt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.ckpt").write_bytes(b"")
    (tmp_path / "inside.ckpt").write_bytes(whole[:100] + bytes(2000) + whole[2100:])
    (tmp_path / "text.ckpt").write_text("epochs = 3\n")
    (tmp_path / "folder.ckpt").mkdir()
    torch.save({"state_dict": {"a": torch.zeros(1)}}, tmp_path / "other.ckpt")
    torch.save([1, 2], tmp_path / "list.ckpt")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.ckpt")
    for name, why in {
        "half": "cut off or damaged",
        "empty": "cut off or damaged",
        "inside": "cut off or damaged|not a checkpoint",
        "text": "not a checkpoint of limner train",
        "folder": "cannot read the checkpoint",
        "other": "not a checkpoint of limner train",
        "list": "not a checkpoint of limner train",
        "module": "not a checkpoint of limner train",
        "missing": "no such checkpoint",
    }.items():
        path = tmp_path / f"{name}.ckpt"
        for read in (load_checkpoint, lambda path: train(config, resume=path)):
            with pytest.raises(ModelError, match=why) as refused:
                read(path)
            assert str(path) in str(refused.value)
            assert "\n" not in str(refused.value)


def test_weights_alone_begin_a_new_run(run: tuple[TrainConfig, Path], tmp_path: Path) -> None:
    config, last = run
    module = load_checkpoint(last)
    save_weights(tmp_path / "weights.ckpt", module, module.state_dict())
    with pytest.raises(ModelError, match=r"holds weights alone: begin a new run from them with start="):
        check_resume(config, tmp_path / "weights.ckpt")


def test_a_checkpoint_of_another_version_is_named(run: tuple[TrainConfig, Path], tmp_path: Path) -> None:
    values = read_checkpoint(run[1])
    values["hyper_parameters"]["no_such_setting"] = 1
    torch.save(values, tmp_path / "old.ckpt")
    with pytest.raises(ModelError, match=r"old\.ckpt is a checkpoint of another version"):
        load_checkpoint(tmp_path / "old.ckpt")


def test_the_command_ends_in_one_line(
    run: tuple[TrainConfig, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, last = run
    recipe = tmp_path / "r.toml"
    recipe.write_text('name = "run"\nnet = "segnet_basic"\ndata = ["white"]\ninput_size = 32\n')
    settings = [f"data_root={config.data_root}", f"output={config.output}", "batch_size=4", "holdout=0.25"]
    assert main(["train", str(recipe), *settings, "--resume", str(last)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "net is segnet_basic here and unet in" in line
