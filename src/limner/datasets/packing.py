"""Packs: data sets at the size of a network, in ZIP files small enough to be sent to a borrowed machine.

A pack is what `read_folder` reads (``images/``, ``masks/``, ``weights/``, ``train.txt``), so nothing else
needs to know of it, and no package beyond Python's own is needed to open it.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from limner import files
from limner.datasets.plan import in_steps
from limner.datasets.sample import Sample
from limner.errors import DatasetError, InputError
from limner.images import Size, encode_image
from limner.models.spec import nearest_shape, training_shapes
from limner.processes import parallel_map

QUALITY = 80
"""Of the pictures, WebP."""

LEAST_KNOWN = 0.5
"""Mean weight of a picture's pixels below which there is too little to learn from it."""

STEPS = 32
"""Grey levels of the masks; those of hard edges and of most soft ones."""


@dataclass(frozen=True)
class Packed:
    """A sample as it is stored."""

    id: str
    image: bytes  # WebP
    mask: bytes  # PNG, grey
    weight: bytes | None  # PNG, grey; None: all pixels count alike

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.image) + len(self.mask) + len(self.weight or b"")


@dataclass(frozen=True)
class Packing:
    """What `write_packs` did."""

    paths: Sequence[Path]
    samples: int
    doubtful: int  # left out, too little is known of them
    unreadable: Sequence[str]  # why others were left out


def write_packs(
    samples: Sequence[Sample],
    folder: str | Path,
    *,
    name: str,
    side: int,
    stride: int,
    max_bytes: int,
    jobs: int | None = None,
) -> Packing:
    """Write samples to train on as ``NAME-00.zip``, ``NAME-01.zip``, ...

    Args:
        samples: In this order.
        folder: Where to; made if it is missing.
        name: Of the data set.
        side: Of the square that has as many pixels as a stored picture.
        stride: The pictures are stored in `training_shapes` of ``side`` and this; 0: as squares.
        max_bytes: Of a file, at most.
        jobs: Worker processes; by default one a core.

    Raises:
        InputError: If a sample alone is larger than ``max_bytes``.
        OutputError: If the folder cannot be written.
    """
    folder = Path(folder)
    files.make_folder(folder)
    encode = partial(_encode, shapes=training_shapes(side, stride))
    results = list(parallel_map(encode, samples, jobs=jobs))
    packed = [result for result in results if isinstance(result, Packed)]
    paths = []
    for number, part in enumerate(_parts(packed, max_bytes)):
        paths.append(folder / f"{name}-{number:02}.zip")
        files.write_bytes(paths[-1], _archive(part))
    reasons = [result for result in results if isinstance(result, str)]
    return Packing(paths, len(packed), len(results) - len(packed) - len(reasons), reasons)


def _encode(sample: Sample, shapes: Sequence[Size]) -> Packed | str | None:
    """None where too little is known of a sample, a reason where it cannot be read."""
    try:
        shape = nearest_shape(sample.size(), shapes)
        image, alpha, weight = sample.load_at(shape)
    except DatasetError as error:
        return str(error)
    if weight.mean() < 255 * LEAST_KNOWN:
        return None
    return Packed(
        id=sample.id,
        image=encode_image(image, ".webp", compress=True, quality=QUALITY),
        mask=encode_image(in_steps(alpha, STEPS), ".png", compress=True),
        weight=None if weight.min() == 255 else encode_image(in_steps(weight, 8), ".png", compress=True),
    )


def _parts(packed: Iterable[Packed], max_bytes: int) -> Iterator[list[Packed]]:
    room = max_bytes - 1024
    part: list[Packed] = []
    used = 0
    for one in packed:
        needed = one.size + 3 * (2 * len(one.id.encode()) + 150) + len(one.id.encode()) + 1  # and ZIP's own
        if needed > room:
            raise InputError(f"{one.id} takes {needed} bytes, more than a pack may: allow more")
        if used + needed > room:
            yield part
            part, used = [], 0
        part.append(one)
        used += needed
    if part:
        yield part


def _archive(part: Sequence[Packed]) -> bytes:
    """A ZIP file; the same samples give the same bytes."""
    entries = {"train.txt": "".join(f"{one.id}\n" for one in part).encode()}
    for one in part:
        entries[f"images/{one.id}.webp"] = one.image
        entries[f"masks/{one.id}.png"] = one.mask
        if one.weight is not None:
            entries[f"weights/{one.id}.png"] = one.weight
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for entry, content in entries.items():
            archive.writestr(zipfile.ZipInfo(entry), content)
    return data.getvalue()
