import json
from pathlib import Path
from typing import Any

import numpy as np

from limner.batch.manifest import FILE
from limner.images import encode_image
from tests.conftest import random_image


def make_pictures(folder: Path, count: int, *, start: int = 0) -> list[str]:
    """Small pictures of noise, all different, in two folders; their names."""
    names = [f"{'ab'[index % 2]}/{index:03}.png" for index in range(start, start + count)]
    for index, name in enumerate(names, start):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_image(random_image(np.random.default_rng(index), 24, 16 + index % 7), ".png"))
    return names


def results(target: Path) -> dict[str, bytes]:
    """All files below a target, but the manifest: name -> bytes; hidden ones too."""
    return {
        path.relative_to(target).as_posix(): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file() and path.name != FILE
    }


def lines(target: Path) -> list[str]:
    """The whole lines of the manifest."""
    path = target / FILE
    return (
        [line for line in path.read_text().splitlines(keepends=True) if line[-1] == "\n"]
        if path.exists()
        else []
    )


def manifest(target: Path) -> dict[str, dict[str, Any]]:
    """The last row of every input."""
    rows = [json.loads(line) for line in lines(target)]
    return {row["input"]: row for row in rows if "input" in row}
