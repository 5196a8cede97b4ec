import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from limner.cli import main
from limner.datasets import read_folder
from limner.errors import DatasetError, InputError, ModelError
from limner.images import load_image
from limner.models.segmenter import Segmenter
from limner.training import export as exporting
from limner.training.config import TrainConfig
from limner.training.export import check_loss, check_parity, read_validation
from limner.training.kinds import load_checkpoint, load_portrait, new_module
from limner.training.loading import PortraitData
from limner.training.module import warm_cosine
from limner.training.onnx_file import to_onnx
from limner.training.portrait import PixelsToAlpha
from limner.training.train import train
from tests.datasets.test_folders import make_folder
from tests.training.test_loading import alphas_of

QUIET = [
    # Lightning's own advice, and torch's exporter, none of it ours to mend.
    pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
]
pytestmark = QUIET


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainConfig]:
    """A tiny run by the command whose subjects are simply white: its best checkpoint and settings."""
    root = tmp_path_factory.mktemp("train")
    widths = {f"{index:02}": 5 + index for index in range(36)}
    make_folder(root / "white", widths)
    names = list(widths)
    (root / "white" / "train.txt").write_text("\n".join(names[4:]))
    (root / "white" / "val.txt").write_text("\n".join(names[:4]))
    (root / "tiny.toml").write_text('name = "tiny"\nnet = "unet"\ndata = ["white"]\nholdout = 0.25\n')
    folders = [f"data_root={root}", f"output={root}/runs"]
    settings = ["epochs=12", "batch_size=8", "input_size=32", "colour=0.1", *folders]
    assert main(["train", str(root / "tiny.toml"), *settings]) == 0
    checkpoint = root / "runs" / "tiny" / "best.ckpt"
    return checkpoint, load_portrait(checkpoint).config


def test_it_learns(run: tuple[Path, TrainConfig]) -> None:
    with (run[0].parent / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    dices = [float(row["holdout_dice"]) for row in rows]
    losses = [float(row["loss"]) for row in rows]
    assert len(dices) == 12
    assert max(dices) > 0.95
    assert losses[-1] < losses[0] * 0.8


def test_holdout_is_neither_trained_on_nor_reported_on(run: tuple[Path, TrainConfig]) -> None:
    data = PortraitData(run[1])
    data.setup("fit")
    assert (len(data.train), len(data.holdout)) == (24, 8)
    rows = torch.cat((alphas_of(data.train), alphas_of(data.holdout))).flatten(1)
    assert len({tuple(row.tolist()) for row in rows}) == 32  # all different, and none of the four in val.txt
    root = Path(run[1].data_root) / "white"
    trained = {sample.id for sample in read_folder(root, "train")}
    assert not trained & {sample.id for sample in read_folder(root, "val")}


def test_exported_model_works_at_once(run: tuple[Path, TrainConfig], tmp_path: Path) -> None:
    target = tmp_path / "mine.onnx"
    assert main(["export", str(run[0]), str(target)]) == 0
    sidecar = json.loads(target.with_suffix(".json").read_text())
    assert sidecar["size"] == [32, 32]
    assert sidecar["scores"]["white/val"]["iou_mean"] > 0.8
    picture = read_folder(Path(run[1].data_root) / "white")[20]
    output = tmp_path / "cut.png"
    assert main(["cut", str(picture.image), "--model", str(target), "--mask", "-o", str(output)]) == 0
    found = load_image(output)[..., 0] >= 128
    assert (found == (picture.load()[1] >= 0.5)).mean() > 0.9


def test_a_checkpoint_scores_as_its_model_does(
    run: tuple[Path, TrainConfig], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exporting.export(run[0], tmp_path / "mine.onnx")
    capsys.readouterr()
    results = []
    for model in (run[0], tmp_path / "mine.onnx"):
        assert main(["evaluate", str(Path(run[1].data_root) / "white"), "--model", str(model), "--json"]) == 0
        results.append(json.loads(capsys.readouterr().out))
    assert (results[0]["model"], results[1]["model"]) == ("tiny", "mine")
    assert results[0]["scores"] == pytest.approx(results[1]["scores"], abs=1e-4)
    assert main(["evaluate", str(tmp_path), "--model", str(run[0]), "--device", "cuda"]) != 0


def test_the_file_is_compared_with_torch(
    run: tuple[Path, TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = PixelsToAlpha(new_module(replace(run[1], seed=1)).net).eval()
    monkeypatch.setattr(exporting, "to_onnx", lambda _, size, **options: to_onnx(wrong, size))
    with pytest.raises(ModelError, match="differs from torch"):
        exporting.export(run[0], tmp_path / "mine.onnx")
    assert not (tmp_path / "mine.onnx").exists()


def test_what_rounding_does_to_torch_itself_is_let_pass() -> None:
    exact = [np.full((8, 16), 0.5), np.full((16, 8), 0.5)]
    rounded = [one.astype(np.float32) for one in exact]
    assert check_parity(rounded, exact, rounded) == 0
    found = [one.copy() for one in rounded]
    found[1][0, 0] = 0.51  # one of 256 pixels
    with pytest.raises(ModelError, match="differs from torch by 1"):
        check_parity(found, exact, rounded)
    rounded[0][3, 3] = 0.6
    assert check_parity(found, exact, rounded) == pytest.approx(0.01 / 256)
    found[1][1] = 0.51
    with pytest.raises(ModelError, match=r"differs from torch by 3\.5e-04"):  # 9 pixels
        check_parity(found, exact, rounded)


@pytest.mark.parametrize(("weights", "smaller", "nearer"), [("float16", 0.65, 0.02), ("int8", 0.65, 0.2)])
def test_smaller_weights(
    run: tuple[Path, TrainConfig], tmp_path: Path, weights: str, smaller: float, nearer: float
) -> None:
    whole, small = tmp_path / "whole.onnx", tmp_path / "small.onnx"
    assert main(["export", str(run[0]), str(whole)]) == 0
    assert main(["export", str(run[0]), str(small), "--weights", weights]) == 0
    assert small.stat().st_size < smaller * whole.stat().st_size
    samples = read_folder(Path(run[1].data_root) / "white")
    image, target = samples[20].load()
    alphas = [Segmenter(path, device="cpu")(image) for path in (whole, small)]
    assert 0 < np.abs(alphas[0] - alphas[1]).max() < nearer
    assert ((alphas[1] >= 0.5) == (target >= 0.5)).mean() > 0.9


def test_weights_that_change_the_alphas_are_refused(run: tuple[Path, TrainConfig], tmp_path: Path) -> None:
    alphas = [np.zeros((4, 5), np.float32), np.ones((6, 3), np.float32)]
    assert check_loss(alphas, [alpha + 0.005 for alpha in alphas]) == pytest.approx(0.005)
    with pytest.raises(ModelError, match="export with float32"):
        check_loss(alphas, [alpha + 0.02 for alpha in alphas])
    assert main(["export", str(run[0]), str(tmp_path / "x.onnx"), "--weights", "int4"]) == 1


def test_learning_rate_rises_for_an_epoch_and_falls_to_zero() -> None:
    factors = [warm_cosine(step, warm=4, total=12) for step in range(13)]
    assert factors[:5] == [0.25, 0.5, 0.75, 1, 1]
    assert factors[8] == pytest.approx(0.5)
    assert factors[12] == pytest.approx(0)
    assert factors[4:] == sorted(factors[4:], reverse=True)
    assert warm_cosine(1, warm=1, total=1) == 1


def test_one_step_an_epoch_is_enough(run: tuple[Path, TrainConfig], tmp_path: Path) -> None:
    few = replace(run[1], epochs=3, batch_size=64, output=str(tmp_path))
    assert train(few).exists()


def test_a_run_may_start_from_another_at_a_smaller_size(
    run: tuple[Path, TrainConfig], tmp_path: Path
) -> None:
    begun = replace(run[1], start=str(run[0]), input_size=64)
    weights, expected = new_module(begun).net.state_dict(), load_checkpoint(run[0]).net.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
    assert not torch.equal(new_module(run[1]).net.state_dict()["head.weight"], expected["head.weight"])
    with pytest.raises(InputError, match="holds weights of unet, not of segnet_basic"):
        new_module(replace(begun, net="segnet_basic"))
    with pytest.raises(ModelError, match="no such checkpoint"):
        new_module(replace(begun, start=str(tmp_path / "none.ckpt")))


def test_only_sets_with_a_list_are_reported_on(run: tuple[Path, TrainConfig], tmp_path: Path) -> None:
    make_folder(tmp_path / "more", {"a": 10, "b": 20})
    (tmp_path / "more" / "train.txt").write_text("a\nb")
    white = Path(run[1].data_root) / "white"
    lists = read_validation([white, tmp_path / "more"])
    assert {name: len(samples) for name, samples in lists.items()} == {"white": 4}
    with pytest.raises(DatasetError, match=r"none of .*more has a val list .*--val"):
        read_validation([tmp_path / "more"])


def test_unknown_net_is_refused(run: tuple[Path, TrainConfig]) -> None:
    with pytest.raises(InputError, match="unknown net 'vgg': use one of portrait"):
        new_module(replace(run[1], net="vgg"))


def test_a_net_with_fixed_layers_needs_a_start(run: tuple[Path, TrainConfig]) -> None:
    with pytest.raises(InputError, match=r"needs trained ones: set start"):
        new_module(replace(run[1], net="portrait"))


def test_bad_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("hello")
    with pytest.raises(ModelError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "text.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(ModelError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "other.ckpt")
    with pytest.raises(InputError, match=r"NAME\.onnx"):
        exporting.export(tmp_path / "none.ckpt", tmp_path / "model.bin")


def test_pixels_to_alpha_is_a_probability() -> None:
    class Red(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, :1] * 10 - 5

    pixels = np.zeros((1, 2, 2, 3), np.uint8)
    pixels[0, 0, 0] = (255, 0, 0)
    alpha = PixelsToAlpha(Red())(torch.from_numpy(pixels))
    np.testing.assert_allclose(alpha.numpy(), [[[0.993307, 0.006693], [0.006693, 0.006693]]], atol=1e-5)


def test_the_encoder_may_learn_at_a_rate_of_its_own(run: tuple[Path, TrainConfig]) -> None:
    config = replace(run[1], net="portrait_small", fixed_stages=0, encoder_rate=0.1, epochs=1)
    module = new_module(config)
    assert all(parameter.requires_grad for parameter in module.net.parameters())
    module._trainer = cast(
        Any, SimpleNamespace(datamodule=SimpleNamespace(train_dataloader=lambda: range(4)))
    )
    groups = cast(Any, module.configure_optimizers())["optimizer"].param_groups
    assert [group["initial_lr"] for group in groups] == pytest.approx(
        [config.learning_rate, config.learning_rate / 10]
    )
    counts = [sum(one.numel() for one in group["params"]) for group in groups]
    encoder = sum(one.numel() for one in module.net.get_submodule("encoder").parameters())
    assert counts == [sum(one.numel() for one in module.net.parameters()) - encoder, encoder]
