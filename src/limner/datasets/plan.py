"""What is to be prepared, before anything is read: the portraits of each split and how they are encoded."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.errors import DatasetError, InputError
from limner.images import Alpha, Image, Size, encode_image, resize, to_uint8

Item = TypeVar("Item")

SPLITS = ("train", "val", "test")
SHORT_SIDE = 256
"""Shorter side of a prepared picture unless another is asked for, pixels."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A prepared portrait, as it is stored."""

    id: str
    image: bytes  # JPEG
    mask: bytes  # PNG, grey: opacity
    weight: bytes | None = None  # PNG, grey: how much each pixel counts in training; without it, all alike
    size: Size  # of the image before it was made smaller
    parts: Mapping[str, float]  # part -> fraction of the picture that it covers; parts not present are absent
    subject_fraction: float  # of the picture that it covers


Portraits: TypeAlias = Mapping[str, Callable[[], Record]]
"""Id within the data set -> what reads and encodes the portrait; it is small, and can be pickled.

It raises a `LimnerError` where a file is missing or damaged, with all such files in the message.
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A data set to prepare."""

    name: str
    licence: str  # terms of the pictures
    settings: Mapping[str, Any]  # all that changes the result, as JSON values
    split_by: str  # how the splits were made, for people
    splits: Mapping[str, Portraits]  # in order
    unused: Sequence[str] = ()  # files that belong to no portrait
    no_subject: bool = False  # none of the pictures shows a person


@dataclass(frozen=True, kw_only=True)
class SeededSplit:
    """Splits by chance: the ids in the order of the SHA-256 of ``SEED:ID``, cut into fractions."""

    seed: int = 0
    val: float = 0.1  # fraction of the portraits
    test: float = 0.1  # fraction of the portraits

    def __post_init__(self) -> None:
        if min(self.val, self.test) < 0 or self.val + self.test >= 1:
            raise InputError(
                "val and test are fractions of the portraits that leave some to train on, got "
                f"{self.val} and {self.test}"
            )

    def __str__(self) -> str:
        return f"by chance, seed {self.seed}, {self.val:g} val and {self.test:g} test"

    def assign(self, ids: Iterable[str]) -> dict[str, str]:
        """Id -> split; the fractions are met to within one portrait."""
        order = sorted(ids, key=lambda name: hashlib.sha256(f"{self.seed}:{name}".encode()).digest())
        val = round(self.val * len(order))
        test = round(self.test * len(order))
        names = ["val"] * val + ["test"] * test + ["train"] * (len(order) - val - test)
        return dict(zip(order, names, strict=True))


def by_split(portraits: Portraits, split_of: Mapping[str, str]) -> dict[str, Portraits]:
    """Split -> its portraits, in their order, given the split of each id."""
    return {
        split: {name: one for name, one in portraits.items() if split_of[name] == split} for split in SPLITS
    }


def encode(
    name: str,
    image: Image,
    alpha: Alpha,
    *,
    size: Size,
    short_side: int,
    weight: Alpha | None = None,
    parts: Mapping[str, float] | None = None,
) -> Record:
    """Make image and mask smaller together, antialiased, and encode them.

    The shorter side becomes ``short_side`` and the proportions are kept; a picture that is smaller already
    keeps its size, and is never made larger.

    Args:
        name: Id within the data set.
        image: The picture, perhaps already decoded smaller.
        alpha: Its mask, of the same proportions and any size.
        size: Size of the picture in its file.
        short_side: Pixels.
        weight: As `Record.weight`, of the mask's size; stored in 16 steps.
        parts: As `Record.parts`.

    Raises:
        DatasetError: If the proportions of the picture and its mask differ by more than a pixel.
    """
    height, width = size
    rows, columns = alpha.shape
    if abs(columns * height - width * rows) > max(height, rows):
        raise DatasetError(
            f"the proportions of '{name}' differ: image {size}, mask {alpha.shape}; "
            "one of the two was cut or turned"
        )
    scale = min(1.0, short_side / min(size))
    small = (max(1, round(height * scale)), max(1, round(width * scale)))

    def grey(values: Alpha) -> NDArray[np.uint8]:
        return to_uint8(resize(values, small))

    return Record(
        id=name,
        image=encode_image(resize(image, small), ".jpg"),
        mask=encode_image(grey(alpha), ".png"),
        weight=None if weight is None else encode_image(in_steps(grey(weight), 16), ".png"),
        size=size,
        parts=parts or {},
        subject_fraction=float(alpha.mean()),
    )


def in_steps(values: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """The nearest of ``count`` grey levels from 0 to 255, which a PNG stores in less."""
    step = np.float32(255 / (count - 1))
    return np.rint(np.rint(values / step) * step).astype(np.uint8)


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """``count`` of the items, the first and the last among them; all, where there are fewer."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]
