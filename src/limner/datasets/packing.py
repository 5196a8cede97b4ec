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


Packed = tuple[str, dict[str, bytes]]
"""Id of a sample, and its files in a pack by their names."""


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
        side: As ``stride``, of the `training_shapes` in which pictures are stored.
        stride: 0: as squares.
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
    packed = [result for result in results if isinstance(result, tuple)]
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
    entries = {
        f"images/{sample.id}.webp": encode_image(image, ".webp", compress=True, quality=QUALITY),
        f"masks/{sample.id}.png": encode_image(in_steps(alpha, STEPS), ".png", compress=True),
    }
    if weight.min() < 255:
        entries[f"weights/{sample.id}.png"] = encode_image(in_steps(weight, 8), ".png", compress=True)
    return sample.id, entries


def _parts(packed: Iterable[Packed], max_bytes: int) -> Iterator[list[Packed]]:
    """The samples of each pack."""
    room = max_bytes - 1024
    part: list[Packed] = []
    used = 0
    for name, entries in packed:
        length = len(name.encode())
        needed = sum(map(len, entries.values())) + 3 * (2 * length + 150) + length + 1  # and ZIP's own
        if needed > room:
            raise InputError(f"{name} takes {needed} bytes, more than a pack may: allow more")
        if used + needed > room:
            yield part
            part, used = [], 0
        part.append((name, entries))
        used += needed
    if part:
        yield part


def _archive(part: Sequence[Packed]) -> bytes:
    """A ZIP file; the same samples give the same bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(zipfile.ZipInfo("train.txt"), "".join(f"{name}\n" for name, _ in part).encode())
        for _, entries in part:
            for entry, content in entries.items():
                archive.writestr(zipfile.ZipInfo(entry), content)
    return data.getvalue()
