"""The road to a borrowed machine and back: packed, trained for some minutes, resumed, exported, scored."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from limner.cli import main
from limner.datasets import read_dataset
from limner.evaluation.evaluate import evaluate
from limner.images import resize
from limner.models.segmenter import Segmenter
from limner.training.config import TrainConfig, read_recipe
from limner.training.kinds import load_checkpoint
from limner.training.predict import CheckpointSegmenter
from limner.training.train import train
from tests.training.test_train import QUIET

pytestmark = QUIET

RECIPE = """
name = "packed"
net = "unet"
data = ["packs/painted-*.zip"]
input_size = 64
stride = 32
batch_size = 4
minutes = 0.08
learning_rate = 1e-2
ema_decay = 0.9
holdout = 0.1
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Painted portraits of two shapes, as a prepared data set and in two packs."""
    root = tmp_path_factory.mktemp("packed")
    painted = ["data", "prepare", "synthetic", str(root / "painted"), "--count", "40", "--size", "64"]
    assert main([*painted, "--val", "0.2", "--test", "0", "--jobs", "1"]) == 0
    size = "0.05"
    packs = ["data", "pack", str(root / "painted"), str(root / "packs"), "--side", "64", "--megabytes", size]
    assert main([*packs, "--jobs", "1"]) == 0
    return root


@pytest.fixture(scope="module", autouse=True)
def clock() -> Iterator[None]:
    """A clock of training that counts looks at it: as many steps on any machine."""
    with pytest.MonkeyPatch.context() as patch:
        looks = SimpleNamespace(perf_counter=count(0.0, 0.05).__next__)
        patch.setattr("limner.training.callbacks.time", looks)
        yield


@pytest.fixture(scope="module")
def run(root: Path) -> TrainConfig:
    """A run of 4.8 s of that clock."""
    (root / "packed.toml").write_text(RECIPE)
    folders = [f"data_root={root}", f"output={root}/runs"]
    assert main(["train", str(root / "packed.toml"), *folders]) == 0
    config = read_recipe(root / "packed.toml", folders)
    assert isinstance(config, TrainConfig)
    return config


def last(config: TrainConfig) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(Path(config.output) / "packed" / "last.ckpt", weights_only=True)
    return state


def test_packs_hold_what_was_prepared(root: Path) -> None:
    packs = sorted((root / "packs").glob("painted-*.zip"))
    assert len(packs) > 1
    assert max(pack.stat().st_size for pack in packs) <= 50_000
    packed = [sample for pack in packs for sample in read_dataset(pack, "train")]
    prepared = read_dataset(root / "painted", "train")
    assert [sample.id for sample in packed] == [sample.id for sample in prepared]
    for ours, theirs in zip(packed[:8], prepared[:8], strict=True):
        (image, alpha), (whole, mask) = ours.load(), theirs.load()
        assert min(alpha.shape) % 32 == 0
        assert np.abs(alpha - resize(mask, alpha.shape)).max() < 0.02  # 32 levels
        assert np.abs(image.astype(float) - resize(whole, alpha.shape)).mean() < 8


def test_it_trains_until_the_minutes_are_over(run: TrainConfig) -> None:
    state = last(run)
    assert state["global_step"] >= 20
    assert state["callbacks"]["Deadline"]["elapsed_s"] == pytest.approx(60 * run.minutes, abs=2)
    rate = state["optimizer_states"][0]["param_groups"][0]["lr"]
    assert 0 <= rate < 0.01 * run.learning_rate  # it falls to zero when the time is up
    module = load_checkpoint(Path(run.output) / "packed" / "weights.ckpt")
    assert module.commit
    for name, value in state["state_dict"].items():  # the averages of the last step, in 16 bits
        torch.testing.assert_close(module.state_dict()[name], value, atol=1e-4, rtol=1e-3)


def test_it_can_be_resumed(run: TrainConfig) -> None:
    before = last(run)
    longer = replace(run, minutes=run.minutes + 0.04)
    train(longer, resume=Path(run.output) / "packed" / "last.ckpt")
    after = last(longer)
    assert after["global_step"] > before["global_step"]
    assert after["callbacks"]["Deadline"]["elapsed_s"] == pytest.approx(60 * longer.minutes, abs=2)


def test_its_model_takes_any_shape(run: TrainConfig, root: Path, tmp_path: Path) -> None:
    checkpoint = Path(run.output) / "packed" / "weights.ckpt"
    target = tmp_path / "packed.onnx"
    assert main(["export", str(checkpoint), str(target)]) == 1  # packs have no val list
    assert main(["export", str(checkpoint), str(target), "--val", str(root / "painted")]) == 0
    segmenter, torch_model = Segmenter(target, device="cpu"), CheckpointSegmenter(checkpoint)
    assert (segmenter.spec.size, segmenter.spec.stride) == ((64, 64), 32)
    scores = evaluate(segmenter, read_dataset(root / "painted", "val")).scores()
    assert scores["iou_mean"] == pytest.approx(segmenter.spec.scores["painted/val"]["iou_mean"])
    rng = np.random.default_rng(0)
    images = [
        rng.integers(0, 256, (*size, 3), np.uint8) for size in ((90, 60), (60, 90), (64, 64), (200, 40))
    ]
    for image, alpha in zip(images, segmenter.batch(images), strict=True):
        assert alpha.shape == image.shape[:2]
        np.testing.assert_allclose(alpha, torch_model(image), atol=1e-4)
