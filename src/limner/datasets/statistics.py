"""What a data set holds: how much of a picture is subject, sizes, and pictures that are nearly the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from limner.datasets.sample import Sample
from limner.errors import DatasetError
from limner.images import Image, resize
from limner.processes import parallel_map

HASH_SIDE = 16
NEAR = 24
"""Hashes that differ in so many of their 256 bits at most are near-duplicates.

Measured on 4,500 aligned faces: 10 pairs, each of one photograph twice. The usual hash of 64 bits finds 1,130
pairs at a distance of 4, most of two people: aligned faces look too much alike for it.
"""

LUMA = np.array((0.299, 0.587, 0.114), np.float32)
Hashes = NDArray[np.bool_]


@dataclass(frozen=True)
class SplitStatistics:
    """Of one split."""

    samples: int
    subject_fraction: Mapping[str, float]  # "mean", "min", "median", "max", of a picture's area
    soft_fraction: float  # mean fraction of pixels that are neither opaque nor transparent
    sizes: Mapping[str, int]  # "HEIGHT x WIDTH" -> pictures
    parts: Mapping[str, float]  # part -> fraction of the pictures that show it


@dataclass(frozen=True)
class NearDuplicate:
    """Two pictures that are nearly the same, in one split or across two."""

    splits: tuple[str, str]
    ids: tuple[str, str]
    distance: int  # bits of the hash that differ


@dataclass(frozen=True)
class Statistics:
    """Of a data set."""

    splits: Mapping[str, SplitStatistics]
    near_duplicates: Sequence[NearDuplicate]


@dataclass(frozen=True)
class _Facts:
    size: str
    subject: float
    soft: float
    hash: Hashes


def dataset_statistics(splits: Mapping[str, Sequence[Sample]], *, jobs: int | None = None) -> Statistics:
    """Decode every sample once and sum up.

    Args:
        splits: Split -> its samples.
        jobs: Worker processes; without it, one a core.

    Raises:
        DatasetError: If there are no samples, or one cannot be decoded.
    """
    members = [(split, sample) for split, samples in splits.items() for sample in samples]
    if not members:
        raise DatasetError("no samples to look at")
    facts = list(parallel_map(_look, [sample for _, sample in members], jobs=jobs))
    near = []
    for one, other, distance in near_pairs(np.array([fact.hash for fact in facts])):
        (first, sample), (second, copy) = members[one], members[other]
        near.append(NearDuplicate((first, second), (sample.id, copy.id), distance))
    rows = iter(facts)
    return Statistics(
        splits={
            split: _sum_up(samples, list(islice(rows, len(samples)))) for split, samples in splits.items()
        },
        near_duplicates=near,
    )


def difference_hash(image: Image) -> Hashes:
    """Perceptual hash of a picture, (256,) bool: is each of 16 x 16 places darker than the one to its right?

    It survives scaling, compression and most changes of brightness and colour.

    Reference:
        Krawetz, "Kind of Like That", The Hacker Factor Blog, 2013 (dHash, there with 8 x 8 places).
    """
    grey = resize(image, (HASH_SIDE, HASH_SIDE + 1)).astype(np.float32) @ LUMA
    result: Hashes = (grey[:, :-1] < grey[:, 1:]).ravel()
    return result


def near_pairs(hashes: Hashes) -> list[tuple[int, int, int]]:
    """Pairs of rows of (N, bits) that differ in `NEAR` places at most: (row, later row, places).

    As bits of -1 and 1, two rows of n bits that differ in d places have the product n - 2d: a product of
    matrices finds all pairs.
    """
    signs = np.where(hashes, np.float32(1), np.float32(-1))
    bits = hashes.shape[1]
    pairs = []
    for start in range(0, len(signs), 512):
        products = signs[start : start + 512] @ signs.T
        for row, other in np.argwhere(products >= bits - 2 * NEAR):
            if start + row < other:
                distance = round((bits - float(products[row, other])) / 2)
                pairs.append((start + int(row), int(other), distance))
    return pairs


def _look(sample: Sample) -> _Facts:
    image, alpha = sample.load()
    height, width = alpha.shape
    return _Facts(
        size=f"{height} x {width}",
        subject=float(alpha.mean()),
        soft=float(((alpha > 0) & (alpha < 1)).mean()),
        hash=difference_hash(image),
    )


def _sum_up(samples: Sequence[Sample], facts: Sequence[_Facts]) -> SplitStatistics:
    fractions = np.array([fact.subject for fact in facts])
    sizes = Counter(fact.size for fact in facts)
    parts = Counter(part for sample in samples for part in sample.parts)
    return SplitStatistics(
        samples=len(samples),
        subject_fraction={
            name: float(getattr(np, name)(fractions)) for name in ("mean", "min", "median", "max")
        },
        soft_fraction=float(np.mean([fact.soft for fact in facts])),
        sizes=dict(sizes.most_common()),
        parts={part: count / len(samples) for part, count in parts.items()},
    )
