"""The networks that refine alphas: trained for a few steps, stopped, exported and read again."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from limner.cli import main
from limner.datasets.synthetic import synthetic_portrait
from limner.errors import InputError, ModelError
from limner.images import resize_maps, save_image, warp
from limner.mattes import refine
from limner.models.spec import read_model
from limner.nets.edge import EdgeNet, ExportedEdgeNet
from limner.parallel import keep_to
from limner.training.config import EdgeConfig, RunConfig, read_recipe
from limner.training.drawn import StepSampler
from limner.training.edge import EdgeBatch, edge_loss, stretched
from limner.training.edge_data import EdgeData, worsen
from limner.training.kinds import load_checkpoint, load_portrait, new_module
from limner.training.sampling import ResumableLoader
from limner.training.temporal import clip_loss, resized, shifted, widen
from tests.conftest import random_alpha
from tests.training.test_train import QUIET

pytestmark = QUIET

FEW = {
    "edge": ["networks=['unet']", "grid=32", "painted=1", "composites=2"],
    "temporal": ["networks=['small']", "clips=4", "frames=2"],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six painted portraits as a training list, and two scenes."""
    root = tmp_path_factory.mktemp("refiners")
    for folder in ("images", "masks"):
        (root / "painted" / folder).mkdir(parents=True)
    (root / "scenes").mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        image, alpha = synthetic_portrait(rng, (96, 80))
        save_image(root / "painted" / "images" / f"{number}.png", image)
        save_image(root / "painted" / "masks" / f"{number}.png", alpha)
        PIL.Image.fromarray(rng.integers(0, 256, (50, 60, 3), np.uint8)).save(
            root / "scenes" / f"{number}.png"
        )
    (root / "painted" / "train.txt").write_text("\n".join(map(str, range(6))))
    return root


@pytest.fixture(scope="module", params=["edge", "temporal"])
def run(root: Path, request: pytest.FixtureRequest) -> tuple[RunConfig, Path]:
    """A run of its recipe, cut short, and its best checkpoint."""
    recipe = f"recipes/{request.param}.toml"
    changes = ["data=['painted']", "backgrounds=scenes", f"data_root={root}", f"output={root}/runs"]
    changes += ["holdout=0.3", "batch_size=2", "epochs=2", "epoch_steps=2", *FEW[request.param]]
    with keep_to(1):
        assert main(["train", recipe, *changes]) == 0
    return read_recipe(recipe, changes), root / "runs" / str(request.param) / "best.ckpt"


def test_a_run_leaves_what_others_leave(run: tuple[RunConfig, Path]) -> None:
    folder = run[1].parent
    assert {path.name for path in folder.iterdir()} - {"clips"} == {
        *("best.ckpt", "last.ckpt", "metrics.csv", "curves.png"),
    }
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert all(float(row[name]) > 0 for row in rows for name in ("loss", "holdout_loss", "holdout_dice"))
    best = min(rows, key=lambda row: float(row["holdout_loss"]))
    scores = torch.load(run[1], weights_only=True)["scores"]
    assert scores["holdout_loss"] == pytest.approx(float(best["holdout_loss"]))


def test_its_weights_have_learnt_and_can_be_started_from(run: tuple[RunConfig, Path]) -> None:
    config, best = run
    begun, fresh = new_module(replace(config, start=str(best))), new_module(config)
    trained = load_checkpoint(best).net.state_dict()
    assert all(torch.equal(value, trained[name]) for name, value in begun.net.state_dict().items())
    assert any(not torch.equal(value, trained[name]) for name, value in fresh.net.state_dict().items())
    with pytest.raises(ModelError, match=f"of the kind {config.net}, which finds no people"):
        load_portrait(best)
    with pytest.raises(InputError, match="holds weights of portrait, not of"):
        new_module(replace(config, start="weights/base.ckpt"))


@pytest.mark.slow
def test_its_model_says_what_torch_says(run: tuple[RunConfig, Path], tmp_path: Path) -> None:
    config, best = run
    target = tmp_path / "mine.onnx"
    assert main(["export", str(best), str(target), "--weights", "float16"]) == 0
    _, spec = read_model(target)
    assert (spec.kind, spec.stride, spec.config["net"]) == (config.net, 8, config.net)
    assert spec.scores["holdout"]["holdout_loss"] > 0
    module: Any = load_checkpoint(best)
    model = module.exported().eval()
    rng = np.random.default_rng(0)
    fields = {
        name: rng.random((channels, 48, 32) if channels else (48, 32), np.float32)
        for name, channels in model.INPUTS.items()
    }
    found = refine.run_on_grid(target, **fields)
    with torch.inference_mode():
        expected = model(*(torch.from_numpy(values) for values in fields.values()))
    expected = expected if isinstance(expected, tuple) else (expected,)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.05)
    assert main(["export", str(best), str(target), "--weights", "int8"]) == 1


def test_drawn_batches_depend_on_their_number_alone(root: Path) -> None:
    config = EdgeConfig(
        name="e", net="edge", data=("painted",), backgrounds="scenes", data_root=str(root),
        networks=("unet",), grid=32, painted=1, composites=1, batch_size=2, epoch_steps=4, holdout=0.3,
    )  # fmt: skip
    data = EdgeData(config)
    data.setup("fit")
    loader = data.train_dataloader()
    whole: list[EdgeBatch] = list(loader)
    again = data.train_dataloader()
    assert isinstance(again, ResumableLoader)
    again.load_state_dict({"batches": 2})
    for batch, other in zip(whole[2:], again, strict=True):
        assert batch.names == other.names
        assert torch.equal(batch.image, other.image)
        assert torch.equal(batch.alpha, other.alpha)
    assert not torch.equal(whole[0].alpha, whole[1].alpha)
    assert whole[0].small.shape == (2, 3, 32, 32)
    assert {sample.name for sample in data.held} == {
        name for batch in data.val_dataloader() for name in batch.names
    }


def test_steps_differ_by_epoch_and_process() -> None:
    seen = []
    for epoch in (0, 1):
        for rank in (0, 1):
            sampler = StepSampler(3, replicas=2, rank=rank)
            sampler.set_epoch(epoch)
            seen += list(sampler)
    assert sorted(seen) == list(range(12))


def test_a_worse_alpha_is_near_the_true_one() -> None:
    rng = np.random.default_rng(0)
    target = np.zeros((120, 90), np.uint8)
    target[30:, 20:70] = 255
    for _ in range(10):
        alpha = worsen(rng, target)
        assert alpha.dtype == np.float32
        assert 0 <= alpha.min() <= alpha.max() <= 1
        small = np.array(PIL.Image.fromarray(target).resize(alpha.shape[::-1])) > 127
        assert ((alpha > 0.5) == small).mean() > 0.85


def edge_batch(target: torch.Tensor, alpha: torch.Tensor, known: float = 1.0) -> EdgeBatch:
    return EdgeBatch(
        image=torch.zeros(1, 3, *target.shape[1:]),
        target=target,
        known=torch.full_like(target, known),
        before=target,
        small=torch.zeros(1, 3, 8, 8),
        alpha=alpha,
        names=["a"],
    )


def test_the_loss_of_an_edge_counts_where_the_alpha_is_undecided_and_the_truth_is_known() -> None:
    target = torch.zeros(1, 32, 32)
    half = torch.full((1, 1, 8, 8), 0.5)
    decided, undecided = edge_batch(target, torch.zeros(1, 1, 8, 8)), edge_batch(target, half)
    found = torch.full((1, 32, 32), 0.5)
    expected = 2 * 0.25 + 0.5 * 0.5 + 0.1 * float(np.log(2))
    assert float(edge_loss(found, undecided)) == pytest.approx(expected)
    assert float(edge_loss(found, decided)) == pytest.approx(0.1 * expected)
    assert float(edge_loss(found, edge_batch(target, half, known=0))) == 0
    assert float(edge_loss(target, undecided)) == pytest.approx(0, abs=1e-3)
    stripes = torch.zeros(1, 32, 32)
    stripes[..., ::2] = 1
    even = float(edge_loss(found, undecided))
    assert float(edge_loss(stripes, undecided)) > even + 0.5  # every step across is wrong by 1


def test_the_squared_error_keeps_doubt() -> None:
    target = torch.zeros(1, 32, 32)
    target[:, :16] = 1  # half of like pixels are subject
    undecided = edge_batch(target, torch.full((1, 1, 8, 8), 0.5))
    losses = [float(edge_loss(torch.full((1, 32, 32), value), undecided)) for value in (0.05, 0.5, 0.95)]
    assert losses[1] < min(losses[0], losses[2])


def test_the_loss_of_a_clip() -> None:
    targets = torch.zeros(1, 3, 4, 4)
    steady, flickering = torch.full((1, 3, 4, 4), 0.1), torch.zeros(1, 3, 4, 4)
    flickering[:, 1] = 0.1
    assert float(clip_loss(steady, targets, 10)) == pytest.approx(0.1 / 0.0208, rel=0.03)
    assert float(clip_loss(flickering, targets, 10)) == pytest.approx(
        0.1 / 3 / 0.0208 + 10 * 0.1 / 0.0337, rel=0.01
    )


def test_torch_says_the_same_as_numpy(rng: np.random.Generator) -> None:
    alpha = random_alpha(rng, 24, 40)
    shifts = rng.uniform(-0.1, 0.1, (2, 8, 8)).astype(np.float32)
    tensor = torch.from_numpy(alpha)[None, None]
    np.testing.assert_allclose(resized(tensor, (11, 50))[0, 0], resize_maps(alpha, (11, 50)), atol=1e-5)
    np.testing.assert_allclose(
        shifted(tensor, torch.from_numpy(shifts)[None])[0, 0], warp(alpha, shifts), atol=1e-4
    )
    np.testing.assert_allclose(stretched(tensor)[0, 0], refine.stretch(alpha), atol=1e-6)


def test_a_wider_network_begins_as_the_bundled_one(rng: np.random.Generator) -> None:
    net = EdgeNet((24, 32, 64))
    widen(net)
    pixels, alpha = (255 * rng.random((3, 32, 48), np.float32)), random_alpha(rng, 32, 48)
    with torch.inference_mode():
        found = ExportedEdgeNet(net.eval())(torch.from_numpy(pixels), torch.from_numpy(alpha))
    (expected,) = refine.run_on_grid(refine.MODEL, pixels=pixels, alpha=alpha)
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())
