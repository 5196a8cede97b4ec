import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from limner.datasets.folders import plan_folders
from limner.datasets.plan import Plan, Record
from limner.errors import DatasetError
from limner.images import save_image
from tests.datasets.layouts import SKIN, picture


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    save_image(images / "a.png", picture(1))
    return images, masks


def only(plan: Plan) -> Record:
    (make,) = [make for split in plan.splits.values() for make in split.values()]
    return make()


def grey(record: Record) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(record.mask)))


def test_grey_mask_is_opacity(pair: tuple[Path, Path], rng: np.random.Generator) -> None:
    levels = rng.integers(0, 256, (32, 32), dtype=np.uint8)
    save_image(pair[1] / "a.png", levels)
    assert np.array_equal(grey(only(plan_folders(*pair, name="mine"))), levels)


def test_transparency_is_opacity(pair: tuple[Path, Path], rng: np.random.Generator) -> None:
    levels = rng.integers(0, 256, (32, 32), dtype=np.uint8)
    save_image(pair[1] / "a.webp", np.dstack((picture(2), levels)))
    assert np.array_equal(grey(only(plan_folders(*pair, name="mine"))), levels)


def test_palette_mask_needs_to_know_the_subject(pair: tuple[Path, Path]) -> None:
    labels = np.where(SKIN, np.uint8(2), np.uint8(1))
    labels[:, :4] = 0
    palette = PIL.Image.fromarray(labels)
    palette.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    palette.save(pair[1] / "a.png")
    assert palette.mode == "P"
    record = only(plan_folders(*pair, name="mine", subject_labels=[2]))
    assert np.array_equal(grey(record), np.where(SKIN, 255, 0))
    both = only(plan_folders(*pair, name="mine", subject_labels=[1, 2]))
    assert np.array_equal(grey(both), np.where(labels > 0, 255, 0))
    with pytest.raises(DatasetError, match=r"a\.png is not a mask.*say which labels are the subject"):
        only(plan_folders(*pair, name="mine"))


def test_unmatched_files_are_listed(pair: tuple[Path, Path]) -> None:
    images, masks = pair
    for path in (images / "alone.jpg", images / "b.jpg"):
        save_image(path, picture(2))
    for path in (masks / "b.png", masks / "stray.png"):
        save_image(path, picture(2)[..., 0])
    plan = plan_folders(images, masks, name="mine")
    assert list(plan.unused) == [str(images / "a.png"), str(images / "alone.jpg"), str(masks / "stray.png")]
    assert only(plan).id == "b"


def test_short_side_is_met_and_small_pictures_are_kept(pair: tuple[Path, Path]) -> None:
    images, masks = pair
    save_image(images / "a.png", np.zeros((60, 90, 3), np.uint8))
    save_image(masks / "a.png", np.zeros((120, 180), np.uint8))
    small = only(plan_folders(images, masks, name="mine", short_side=30))
    assert grey(small).shape == (30, 45)
    assert small.size == (60, 90)
    assert grey(only(plan_folders(images, masks, name="mine", short_side=100))).shape == (60, 90)


def test_a_turned_mask_is_refused(pair: tuple[Path, Path]) -> None:
    images, masks = pair
    save_image(images / "a.png", np.zeros((60, 90, 3), np.uint8))
    save_image(masks / "a.png", np.zeros((90, 60), np.uint8))
    with pytest.raises(DatasetError, match=r"proportions of 'a' differ: image \(60, 90\), mask \(90, 60\)"):
        only(plan_folders(images, masks, name="mine"))


def test_image_turned_by_exif_fits_its_upright_mask(pair: tuple[Path, Path]) -> None:
    images, masks = pair
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    (images / "a.png").unlink()
    PIL.Image.new("RGB", (90, 60)).save(images / "a.jpg", exif=exif)
    save_image(masks / "a.png", np.zeros((90, 60), np.uint8))
    assert only(plan_folders(images, masks, name="mine")).size == (90, 60)


def test_one_stem_twice_is_refused(pair: tuple[Path, Path]) -> None:
    save_image(pair[0] / "a.jpg", picture(1))
    save_image(pair[1] / "a.png", picture(1)[..., 0])
    with pytest.raises(DatasetError, match=r"has a\.jpg and a\.png, one stem"):
        plan_folders(*pair, name="mine")
