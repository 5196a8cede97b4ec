import io
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from limner.datasets.celebamask import PARTS, plan_celebamask
from limner.datasets.plan import Plan, Record, SeededSplit
from limner.errors import DatasetError, InputError
from tests.conftest import shared_data
from tests.datasets import layouts
from tests.datasets.layouts import HAIR, SKIN, picture, write_celebamask


def records(plan: Plan) -> dict[str, Record]:
    return {name: record() for split in plan.splits.values() for name, record in split.items()}


def grey(data: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(data)))


def split_of(plan: Plan) -> dict[str, str]:
    return {name: split for split, members in plan.splits.items() for name in members}


def test_mask_is_the_union_of_all_parts(tmp_path: Path) -> None:
    record = records(plan_celebamask(write_celebamask(tmp_path, [7])))["00007"]
    union = HAIR | SKIN | layouts.PARTS["cloth"]
    assert np.array_equal(grey(record.mask), np.where(union, 255, 0))
    assert record.size == (32, 32)
    assert record.parts == {part: mask.mean() for part, mask in layouts.PARTS.items()}


def test_parts_choose_the_subject(tmp_path: Path) -> None:
    source = write_celebamask(tmp_path, [7])
    record = records(plan_celebamask(source, parts=["skin", "hair"]))["00007"]
    assert np.array_equal(grey(record.mask), np.where(HAIR | SKIN, 255, 0))
    assert set(record.parts) == {"hair", "skin"}
    nothing = records(plan_celebamask(source, parts=["hat"]))["00007"]
    assert not grey(nothing.mask).any()
    with pytest.raises(InputError, match="unknown part 'beard': the parts are skin, nose"):
        plan_celebamask(source, parts=["beard"])


def test_image_and_mask_shrink_together_and_softly(tmp_path: Path) -> None:
    left = layouts.box(0, 0, 64, 33, side=64)
    source = write_celebamask(tmp_path, [1], {"skin": left}, side=256)
    record = records(plan_celebamask(source, short_side=32))["00001"]
    mask = grey(record.mask)
    image = grey(record.image).astype(float)
    assert mask.shape == image.shape[:2] == (32, 32)
    assert record.size == (256, 256)
    assert mask.mean() / 255 == pytest.approx(33 / 64, abs=1e-3)
    assert set(np.unique(mask)) - {0, 255}
    blocks = picture(1, 256).reshape(32, 8, 32, 8, 3).mean(axis=(1, 3))
    assert np.abs(image - blocks)[2:-2, 2:-2].mean() < 2


def test_official_split_is_that_of_celeba(tmp_path: Path) -> None:
    source = write_celebamask(tmp_path, [0, 1, 2, 3])
    lines = ["idx          orig_idx     orig_file"]
    lines += [f"{n} {index} x.jpg" for n, index in enumerate([162770, 162771, 182637, 182638])]
    mapping = source / "CelebA-HQ-to-CelebA-mapping.txt"
    mapping.write_text("\n".join(lines))
    plan = plan_celebamask(source)
    assert split_of(plan) == {"00000": "train", "00001": "val", "00002": "val", "00003": "test"}
    assert "officially" in plan.split_by
    mapping.write_bytes("\r\n".join(lines).encode("utf-16"))
    assert split_of(plan_celebamask(source)) == split_of(plan)
    mapping.write_text("\n".join(lines[:-1]))
    with pytest.raises(DatasetError, match=r"mapping\.txt lacks 1 pictures, first 3"):
        plan_celebamask(source)
    mapping.write_text("\n".join([*lines, "4 oops"]))
    with pytest.raises(DatasetError, match=r"mapping\.txt, line 6: wanted idx.* got '4 oops'"):
        plan_celebamask(source)


def test_seeded_split_without_the_mapping(tmp_path: Path) -> None:
    source = write_celebamask(tmp_path, range(20))
    plan = plan_celebamask(source)
    assert "by chance, seed 0" in plan.split_by
    assert "no CelebA-HQ-to-CelebA-mapping.txt" in plan.split_by
    assert Counter(split_of(plan).values()) == {"train": 16, "val": 2, "test": 2}
    assert split_of(plan) == split_of(plan_celebamask(source))
    assert split_of(plan) != split_of(plan_celebamask(source, seeded=SeededSplit(seed=1)))


def test_every_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    source = write_celebamask(tmp_path, [1, 2, 3])
    masks = source / "CelebAMask-HQ-mask-anno/0"
    (source / "CelebA-HQ-img/1.jpg").unlink()
    for part in ("hair", "skin"):
        path = masks / f"00002_{part}.png"
        path.write_bytes(path.read_bytes()[:60])
    for path in masks.glob("00003_*"):
        path.unlink()
    first, second, third = plan_celebamask(source, seeded=SeededSplit(val=0, test=0)).splits["train"].values()
    with pytest.raises(DatasetError, match=r"no such file: .*/1\.jpg"):
        first()
    with pytest.raises(DatasetError, match=r"00002_skin\.png is damaged.*00002_hair\.png is damaged"):
        second()
    with pytest.raises(DatasetError, match=r"no masks for .*/3\.jpg"):
        third()


def test_files_that_fit_nothing_are_listed(tmp_path: Path) -> None:
    source = write_celebamask(tmp_path, [1])
    stray = source / "CelebAMask-HQ-mask-anno/0/00001_beard.png"
    layouts.write_mask(stray, HAIR)
    for hidden in (
        "CelebAMask-HQ-mask-anno/0/._00001_hair.png",
        "CelebA-HQ-img/._1.jpg",
        "CelebA-HQ-img/7.db",
    ):
        (source / hidden).write_bytes(b"what a system leaves")
    plan = plan_celebamask(source)
    assert plan.unused == [str(stray)]
    assert sum(map(len, plan.splits.values())) == 1


def test_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="CelebA-HQ-img is missing: give the folder that holds"):
        plan_celebamask(tmp_path)


def test_real_layout() -> None:
    plan = plan_celebamask(shared_data("celebamask-hq-raw-sample"), short_side=64)
    found = records(plan)
    assert len(found) == 40
    assert not plan.unused
    assert {part for record in found.values() for part in record.parts} <= set(PARTS)
    assert all(0.3 < grey(record.mask).mean() / 255 < 0.99 for record in found.values())
