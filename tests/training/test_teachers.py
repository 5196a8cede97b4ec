from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from limner.datasets import read_dataset
from limner.datasets.preparation import prepare
from limner.errors import DatasetError, ModelError
from limner.images import Alpha, Image
from limner.training import teachers
from limner.training.peers import FORMS, Peer
from limner.training.teachers import (
    BAND,
    GENERALISTS,
    HEADS,
    Teachers,
    combine,
    plan_pseudo_labels,
    trust_labels,
    trust_part,
)

RVM, MEDIAPIPE = GENERALISTS
SINET, SLIMNET = HEADS


def flat(value: float, shape: tuple[int, int] = (4, 5)) -> Alpha:
    return np.full(shape, value, np.float32)


def red(image: Image) -> Alpha:
    """A network that takes red for people."""
    alpha: Alpha = image[..., 0].astype(np.float32) / np.float32(255)
    return alpha


def stand_in(monkeypatch: pytest.MonkeyPatch, **networks: Callable[[Image], Alpha]) -> None:
    """All networks see red, but for some."""
    by_name = dict.fromkeys(FORMS, red) | networks
    monkeypatch.setattr(teachers, "Peer", lambda path, threads: by_name[path.name])
    teachers._loaded.cache_clear()


def test_the_mean_and_its_weight() -> None:
    weights = {"a": 2.0, "b": 1.0}
    alpha, weight = combine({"a": flat(1), "b": flat(0.4)}, weights)
    assert alpha[0, 0] == pytest.approx((0.8 - 0.15) / 0.7)
    deviation = (2 / 3 * 0.2**2 + 1 / 3 * 0.4**2) ** 0.5
    assert weight[0, 0] == pytest.approx((1 - 2 * deviation) ** 2)
    alone, sure = combine({"a": flat(0.5)}, weights)
    assert (alone[0, 0], sure[0, 0]) == (pytest.approx(0.5), 1)
    half, doubt = combine({"a": flat(1), "b": flat(0)}, {"a": 1.0, "b": 1.0})
    assert (half[0, 0], doubt[0, 0]) == (pytest.approx(0.5), 0)
    clear, _ = combine({"a": flat(0.9)}, weights)
    assert clear[0, 0] == 1


def test_networks_for_heads_count_where_they_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, :15, 0] = 255

    def nothing(image: Image) -> Alpha:
        return flat(0, image.shape[:2])

    stand_in(monkeypatch, **{SINET: nothing, SLIMNET: nothing})
    alpha, weight = Teachers("x")(image)
    np.testing.assert_array_equal(alpha, red(image))
    assert (weight == 1).all()
    stand_in(monkeypatch, **{MEDIAPIPE: nothing})
    alpha, weight = Teachers("x")(image)
    assert alpha[0, 0] == pytest.approx((4 / 5 - 0.15) / 0.7)  # of weights 2, 1, 1 and 1 one is against
    assert weight[0, 0] < 0.05
    assert weight[0, 20] == 1


def test_all_but_one_see_the_mirror_image_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def both(image: Image) -> Alpha:
        asked.append(image)
        return (left(image) + left(image)[:, ::-1]) / np.float32(2)

    def left(image: Image) -> Alpha:
        alpha = flat(0, image.shape[:2])
        alpha[:, :10] = 1
        return alpha

    stand_in(monkeypatch, **dict.fromkeys(FORMS, left) | {RVM: both})
    alpha, _ = Teachers("x")(np.zeros((20, 30, 3), np.uint8))
    np.testing.assert_allclose(alpha[0], [0.5] * 10 + [0] * 10 + [0.5] * 10, atol=1e-6)
    assert len(asked) == 1


def test_a_coarse_mask_counts_away_from_its_outline() -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 30:] = 255
    labels[:10] = 128
    alpha, weight = flat(0.8, (40, 60)), flat(0.5, (40, 60))
    alpha[:, :20] = 0.1
    alpha[30:, 50:] = 0.2
    found, sure = trust_labels(alpha, weight, labels)
    row = 25
    assert (found[row, :26] == 0).all()
    assert (found[row, 34:] == 1).all()
    np.testing.assert_array_equal(found[row, 26:34], alpha[row, 26:34])  # along the outline
    np.testing.assert_array_equal(found[:10], alpha[:10])  # unknown
    assert (sure[row, :20] == 1).all()
    assert (sure[row, 20:26] == 0).all()  # they say subject, the mask says background
    assert (sure[row, 26:34] == 0.5).all()
    assert (sure[30 + BAND :, 54:] == 0).all()


def test_a_known_part_fills_holes_and_says_nothing_else() -> None:
    part = np.zeros((40, 40), bool)
    part[10:30, 10:30] = True
    alpha, weight = flat(0.2, (40, 40)), flat(0.3, (40, 40))
    found, sure = trust_part(alpha, weight, part)
    inside = slice(10 + BAND, 30 - BAND)
    assert (found[inside, inside] == 1).all()
    assert (found == 1).sum() == (sure == 1).sum() == (20 - 2 * BAND) ** 2
    nothing = trust_part(alpha, weight, np.zeros_like(part))
    assert (nothing[0] == alpha).all()
    assert (nothing[1] == weight).all()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """One with somebody in red on the right, one with no person."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, width in (("some", 20), ("none", 0)):
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:, 64 - width :, 0] = 255
        PIL.Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def test_a_set_with_weights_is_prepared(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    (tmp_path / "labels").mkdir()
    labels = np.zeros((48, 64), np.uint8)
    labels[:, 32:] = 255
    PIL.Image.fromarray(labels).save(tmp_path / "labels" / "some.png")
    plan = plan_pseudo_labels(
        [pictures],
        name="people",
        teachers=tmp_path,
        labels=[tmp_path / "labels"],
        short_side=48,
        licence="none",
    )
    prepare(plan, tmp_path / "target", jobs=1)
    none, some = read_dataset(tmp_path / "target", "train")
    assert (none.id, some.id) == ("none", "some")
    _, alpha, weight = some.load_at((48, 64))
    assert (alpha[:, 46:] == 255).all()
    assert (weight[:, 46:] == 255).all()
    assert (weight[:, 36:43] == 0).all()  # the mask says subject there, the teachers background
    assert not none.load_at((48, 64)).alpha.any()


def test_teachers_are_not_asked_about_scenes_without_a_subject(pictures: Path, tmp_path: Path) -> None:
    plan = plan_pseudo_labels(
        [pictures], name="scenes", teachers=tmp_path, no_subject=True, short_side=48, licence="none"
    )
    assert not prepare(plan, tmp_path / "target", jobs=1).spec.failures  # no network is there
    for sample in read_dataset(tmp_path / "target", "train"):
        assert not sample.load()[1].any()
        assert sample.weight is None


def test_stems_and_networks_must_be_known(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="have one stem"):
        plan_pseudo_labels([pictures, pictures], name="x", teachers=tmp_path, short_side=48, licence="")
    with pytest.raises(ModelError, match=r"other\.onnx is no network of another project"):
        Peer(tmp_path / "other.onnx")
    with pytest.raises(ModelError, match="no such file"):
        Peer(tmp_path / RVM)
