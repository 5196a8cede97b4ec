"""The pictures that cut-outs are compared on, and the comparison."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

import limner
from limner.datasets.synthetic import synthetic_portrait
from limner.images import Image, load_image, resize_longest, to_uint8
from limner.models.spec import bundled_models
from limner.rendering.outline import find_subject
from tests.conftest import PORTRAIT, SHARED
from tests.web.conftest import WEB

LONGEST = 900
"""Of the real pictures: larger ones are made smaller first."""


def painted() -> Iterator[Image]:
    """Eight pictures that need no data set: upright, wide, tiny, between bars, without a person, large."""
    sizes = [(240, 180), (200, 333), (64, 48), (17, 90), (400, 401)]
    for seed, size in enumerate(sizes):
        yield synthetic_portrait(np.random.default_rng(seed), size)[0]
    portrait = load_image(PORTRAIT)
    yield np.pad(portrait, ((60, 70), (0, 0), (0, 0)))
    yield np.full((90, 120, 3), (90, 120, 200), np.uint8)
    yield resize_longest(portrait, 1400)


def real(count: int) -> Iterator[Image]:
    """Real pictures from each of the sets in turn; none where these are absent."""
    patterns = ("foreign/*/images/*", "eg1800/images/*", "figure-masks/*", "human-seg-290/images/*")
    lists = [sorted(SHARED.glob(pattern)) for pattern in patterns]
    turns = [path for paths in zip_longest(*(names[::7] for names in lists)) for path in paths if path]
    for path in islice((path for path in turns if path.suffix in (".jpg", ".png")), count):
        image = load_image(path)
        yield resize_longest(image, LONGEST) if max(image.shape) > LONGEST else image


@dataclass(frozen=True)
class Deviations:
    """Of the opacity, and of all channels of pixels that are seen: the largest, and how many are beyond 1."""

    alpha: int
    rgba: int
    beyond: float  # fraction of the pixels


def compare(image: Image, model: str, alpha: NDArray[np.uint8], rgba: NDArray[np.uint8]) -> Deviations:
    """A cut-out of JavaScript with Python's."""
    ours = python_cut(image, model)
    of_alpha = _difference(alpha, to_uint8(ours.alpha))
    of_rgba = _difference(rgba, ours.rgba).max(axis=2)
    of_rgba *= (rgba[..., 3] > 0) & (ours.rgba[..., 3] > 0)
    return Deviations(int(of_alpha.max()), int(of_rgba.max()), float(np.mean((of_alpha > 1) | (of_rgba > 1))))


def python_cut(image: Image, model: str) -> Any:
    """With the network that the npm package holds."""
    assert model in bundled_models()
    return limner.cut(image, model=WEB / "models" / f"{model}.onnx")


def check_facts(facts: dict[str, Any], image: Image, model: str) -> None:
    """The box and the subject's share are Python's."""
    alpha = python_cut(image, model).alpha
    box = find_subject(alpha)
    found = facts["box"]
    assert (found is None) == (box is None)
    if box is not None:
        for name in ("top", "left", "height", "width"):  # an opacity of one half may fall on either side
            assert abs(found[name] - getattr(box, name)) <= 1
    assert abs(facts["subjectShare"] - alpha.mean()) < 1e-4


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int16]:
    difference: NDArray[np.int16] = np.abs(one.astype(np.int16) - other)
    return difference
