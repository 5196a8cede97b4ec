import dataclasses
from pathlib import Path

import numpy as np
import pytest

from limner.datasets import Sample, read_folder
from limner.datasets.statistics import dataset_statistics, difference_hash, near_pairs
from limner.images import Image, encode_image, load_image, resize
from tests.conftest import shared_data

KNOWN = {("00175", "02418"), ("00183", "02514"), ("00205", "03157")}
KNOWN |= {("00240", "04578"), ("02352", "03085"), ("02792", "04170")}


def noisy(rng: np.random.Generator) -> Image:
    return resize(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8), (96, 96))


def sample(name: str, image: Image, alpha: np.ndarray) -> Sample:
    mask = np.rint(alpha * 255).astype(np.uint8)
    return Sample(
        id=name,
        image=encode_image(image, ".png"),
        mask=encode_image(mask, ".png"),
        source="test",
        labelled=False,
        parts={"hat": 0.1} if name == "a" else {},
    )


def test_near_pairs_are_those_of_a_naive_loop(rng: np.random.Generator) -> None:
    hashes = rng.random((700, 256)) < 0.5
    for row in range(0, 700, 50):
        hashes[row + 1] = hashes[row]
        hashes[row + 1, : row // 25] ^= True
    naive = [
        (i, j, int((hashes[i] != hashes[j]).sum()))
        for i in range(700)
        for j in range(i + 1, 700)
        if (hashes[i] != hashes[j]).sum() <= 24
    ]
    assert [distance for _, _, distance in naive] == list(range(0, 25, 2))
    assert near_pairs(hashes) == naive


def test_hash_survives_what_copies_go_through(rng: np.random.Generator) -> None:
    image = noisy(rng)
    original = difference_hash(image)
    smaller = difference_hash(resize(image, (50, 60)))
    compressed = difference_hash(load_image(encode_image(image, ".jpg")))
    darker = difference_hash((image * 0.7).astype(np.uint8))
    for copy in (smaller, compressed, darker):
        assert (copy != original).sum() <= 24
    assert (difference_hash(noisy(rng)) != original).sum() > 60


def test_sums_by_hand_and_duplicates_across_splits(rng: np.random.Generator) -> None:
    first, second = noisy(rng), noisy(rng)
    quarter = np.zeros((96, 96))
    quarter[:48, :48] = 1
    soft = np.full((96, 96), 0.6)
    splits = {
        "train": [sample("a", first, quarter), sample("b", second, soft)],
        "val": [sample("c", resize(first, (48, 48)), quarter[::2, ::2])],
    }
    found = dataset_statistics(splits, jobs=1)
    train = found.splits["train"]
    assert train.samples == 2
    assert train.subject_fraction == pytest.approx({"mean": 0.425, "min": 0.25, "median": 0.425, "max": 0.6})
    assert train.soft_fraction == 0.5
    assert train.sizes == {"96 x 96": 2}
    assert train.parts == {"hat": 0.5}
    (pair,) = found.near_duplicates
    assert (pair.splits, pair.ids) == (("train", "val"), ("a", "c"))


def test_a_damaged_sample_is_named(rng: np.random.Generator) -> None:
    whole = sample("a", noisy(rng), np.ones((96, 96)))
    broken = dataclasses.replace(whole, image=b"\x89PNG broken")
    with pytest.raises(Exception, match="test/a: "):
        dataset_statistics({"train": [broken]}, jobs=1)


def test_known_copies_among_real_faces() -> None:
    folder = shared_data("celebamask-hq-5k")
    wanted = {name for pair in KNOWN for name in pair}
    samples = [one for i, one in enumerate(read_folder(folder)) if one.id in wanted or i % 15 == 0]
    hashes = np.array([difference_hash(load_image(Path(str(one.image)))) for one in samples])
    pairs = {(samples[i].id, samples[j].id) for i, j, _ in near_pairs(hashes)}
    assert pairs == KNOWN
