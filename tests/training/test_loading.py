from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from limner.errors import DatasetError
from limner.images import resize
from limner.rendering.cut import segment
from limner.training.config import TrainConfig
from limner.training.loading import PackedPortraits, PortraitData
from limner.training.sampling import MixedSampler, ResumableLoader
from tests.datasets.test_folders import make_folder


def sampler(
    sizes: list[int],
    weights: list[float] | None = None,
    *,
    batch_size: int = 8,
    replicas: int = 1,
    rank: int = 0,
) -> MixedSampler:
    weights = weights or [1.0] * len(sizes)
    ends = np.cumsum([0, *sizes])
    places = [[range(start, end) for start, end in pairwise(ends)]]
    return MixedSampler(places, weights, seed=3, batch_size=batch_size, replicas=replicas, rank=rank)


def test_an_epoch_takes_each_picture_once() -> None:
    order = list(sampler([24, 16]))
    assert sorted(order) == list(range(40))
    assert order != sorted(order)


def test_epochs_differ_and_repeat() -> None:
    one = sampler([40])
    first = list(one)
    one.set_epoch(1)
    second = list(one)
    one.set_epoch(0)
    assert first == list(one)
    assert first != second


def test_weights_change_how_often_a_set_is_drawn() -> None:
    order = Counter(sampler([60, 20], [1.0, 3.0]))
    small = sum(count for place, count in order.items() if place >= 60)
    assert small == pytest.approx(40, abs=1)  # 20 * 3 of 60 + 60, in an epoch of 80
    assert set(range(60, 80)) <= set(order)
    assert max(order.values()) - min(order[place] for place in range(60, 80)) <= 1


def test_fewer_pictures_than_a_batch_are_drawn_again() -> None:
    order = list(sampler([5], batch_size=16))
    assert len(order) == 16
    assert set(order) == set(range(5))


def test_processes_share_the_same_global_batches() -> None:
    alone = np.array(list(sampler([40]))).reshape(-1, 8)
    shared = [np.array(list(sampler([40], replicas=2, rank=rank))).reshape(-1, 4) for rank in (0, 1)]
    np.testing.assert_array_equal(np.hstack(shared), alone)


def test_a_loader_goes_on_within_an_epoch() -> None:
    def loader() -> ResumableLoader:
        return ResumableLoader(range(40), 8, sampler=sampler([40]))  # type: ignore[arg-type]

    whole = [batch.tolist() for batch in loader()]
    stopped = loader()
    given = iter(stopped)
    start = [next(given).tolist() for _ in range(2)]
    resumed = loader()
    resumed.load_state_dict(stopped.state_dict())
    assert start + [batch.tolist() for batch in resumed] == whole
    assert [batch.tolist() for batch in resumed] == whole
    finished = loader()
    list(finished)
    resumed.load_state_dict(finished.state_dict())
    assert [batch.tolist() for batch in resumed] == whole


def config(root: Path, *names: str, **changes: Any) -> TrainConfig:
    settings = {"input_size": 32, "holdout": 0.25, **changes}
    return TrainConfig(name="a", net="unet", data=names, data_root=str(root), **settings)


def make_set(root: Path) -> None:
    widths = {f"{index:02}": 1 + index for index in range(16)}
    make_folder(root, widths)
    (root / "train.txt").write_text("\n".join(widths))


def pixels_of(packed: PackedPortraits) -> torch.Tensor:
    return packed.__getitems__(list(range(len(packed)))).planes[:, :3]


def alphas_of(packed: PackedPortraits) -> torch.Tensor:
    return packed.__getitems__(list(range(len(packed)))).planes[:, 3]


def test_a_holdout_is_taken_from_every_set(tmp_path: Path) -> None:
    for name, first in (("one", 0), ("two", 20)):
        widths = {f"{index:02}": 1 + first + index for index in range(16)}
        make_folder(tmp_path / name, widths)
        (tmp_path / name / "train.txt").write_text("\n".join(widths))
    data = PortraitData(config(tmp_path, "one", "two"))
    data.setup("fit")
    assert data.sizes == [12, 12]
    assert Counter(sample.source for sample in data.holdout.samples) == {"one": 4, "two": 4}
    rows = torch.cat((alphas_of(data.train), alphas_of(data.holdout))).flatten(1)
    assert len({tuple(row.tolist()) for row in rows}) == 32


def test_too_small_a_set_is_named(tmp_path: Path) -> None:
    make_folder(tmp_path / "one", {"a": 10})
    (tmp_path / "one" / "train.txt").write_text("a")
    with pytest.raises(DatasetError, match="one has only 1 training pictures"):
        PortraitData(config(tmp_path, "one")).setup("fit")


def test_the_holdout_is_the_same_whatever_the_seed(tmp_path: Path) -> None:
    """A run that starts from another must not train on what the other chose its epoch by."""
    make_set(tmp_path / "one")
    held = []
    for seed in (0, 1):
        data = PortraitData(config(tmp_path, "one", seed=seed))
        data.setup("fit")
        held.append([sample.id for sample in data.holdout.samples])
    assert held[0] == held[1]


def test_a_teacher_counts_beside_the_masks(tmp_path: Path) -> None:
    """Less than half, so that no mask is turned round, and in training alone."""
    make_set(tmp_path / "one")
    plain, distilled = (
        PortraitData(config(tmp_path, "one", teacher=teacher, distillation_weight=0.4))
        for teacher in ("", "unet")
    )
    for data in (plain, distilled):
        data.setup("fit")
    masks, words = alphas_of(plain.train), alphas_of(distilled.train)
    sure = (masks == 0) | (masks == 255)
    for sample, mask, alpha in zip(plain.train.samples, masks, words, strict=True):
        said = torch.from_numpy(resize(segment(sample.image, model="unet", refine="none"), (32, 32)))
        within = (mask == 0) | (mask == 255)
        assert torch.allclose((alpha / 255)[within], (0.6 * mask / 255 + 0.4 * said)[within], atol=0.01)
    assert torch.equal((words >= 128)[sure], (masks >= 128)[sure])
    assert torch.equal(pixels_of(distilled.train), pixels_of(plain.train))
    assert torch.equal(alphas_of(distilled.holdout), alphas_of(plain.holdout))


def test_batches_are_of_one_shape_and_all_shapes_are_seen() -> None:
    wide, tall, rare = range(60), range(60, 100), range(100, 103)
    one = MixedSampler([[wide], [tall], [rare]], [1.0], seed=0, batch_size=8)
    batches = np.array(list(one)).reshape(-1, 8)
    assert len(batches) == len(one) // 8 == 8 + 5 + 1
    for batch in batches:
        assert any(set(batch.tolist()) <= set(group) for group in (wide, tall, rare))
    assert set(batches.ravel().tolist()) > {*tall, *rare}
    assert [batch[0] < 60 for batch in batches] != sorted([batch[0] < 60 for batch in batches], reverse=True)


def test_weights_hold_within_each_shape() -> None:
    one = MixedSampler(
        [[range(80), range(80, 100)], [range(100, 140), range(140, 150)]], [1.0, 4.0], seed=0, batch_size=8
    )
    counts = Counter(one)
    for first, second in ((range(80), range(80, 100)), (range(100, 140), range(140, 150))):
        means = [np.mean([counts[place] for place in places]) for places in (first, second)]
        assert means[1] / means[0] == pytest.approx(4, rel=0.15)


def test_pictures_keep_their_shapes(tmp_path: Path) -> None:
    make_set(tmp_path / "one")  # 40 x 50
    for index in range(4):
        path = tmp_path / "one" / "images" / f"{index:02}.png"
        for file in (path, tmp_path / "one" / "masks" / path.name):
            PIL.Image.open(file).rotate(90, expand=True).save(file)
    data = PortraitData(config(tmp_path, "one", input_size=64, stride=16))
    data.setup("fit")
    assert set(data.train.by_shape) == {(64, 80), (80, 64)}
    for batch in data.val_dataloader():
        assert batch.planes.shape[1] == 5
    seen = [place for batch in data.val_dataloader() for place in batch.places]
    assert sorted(seen) == list(range(len(data.holdout)))
    assert len(list(data.train_dataloader())) > 0


def test_a_pattern_stands_for_several_sets(tmp_path: Path) -> None:
    for name in ("a-1", "a-2", "b-1"):
        make_set(tmp_path / name)
    data = PortraitData(config(tmp_path, "a-*", "b-1"))
    data.setup("fit")
    assert data.sizes == [24, 12]
    assert {sample.source for sample in data.train.samples} == {"a-1", "a-2", "b-1"}
    with pytest.raises(DatasetError, match=r"no data set matches c-\* in"):
        PortraitData(config(tmp_path, "c-*")).setup("fit")


def test_backgrounds_come_from_folders_and_data_sets(tmp_path: Path) -> None:
    make_set(tmp_path / "one")
    plain = PortraitData(config(tmp_path, "one", backgrounds="one/images", background_swap=0.5))
    plain.setup("fit")
    assert plain.backgrounds is not None
    assert plain.backgrounds.shape == (12, 3, 32, 32)  # every fourth is kept
    whole = PortraitData(config(tmp_path, "one", backgrounds="one", background_swap=0.5))
    whole.setup("fit")
    assert whole.backgrounds is not None
    assert whole.backgrounds.shape == (16, 3, 32, 32)


@pytest.mark.parametrize("width", [0, 50])
def test_a_set_without_a_subject_or_nothing_else_is_not_trained_on(width: int, tmp_path: Path) -> None:
    make_folder(tmp_path / "set", {f"{index}": width for index in range(8)})
    (tmp_path / "set" / "train.txt").write_text("\n".join(map(str, range(8))))
    data = PortraitData(
        TrainConfig(name="run", net="unet", data=("set",), data_root=str(tmp_path), input_size=32)
    )
    with pytest.raises(DatasetError, match=r"^set: .*white on the subject and black elsewhere"):
        data.setup("fit")
