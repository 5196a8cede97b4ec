"""Pseudo-labels: what other projects' networks say of a picture, and how far each pixel is to be believed.

Robust Video Matting and MediaPipe know people at any distance, the two others heads alone: these count on the
pictures where they agree with the first two. `docs/notebook/models.md` compares this with other combinations.

Reference:
    Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from limner.datasets.folders import by_stem
from limner.datasets.plan import Plan, Record, encode, evenly_spaced
from limner.errors import DatasetError
from limner.evaluation.evaluate import flip_averaged
from limner.evaluation.metrics import Counts, iou
from limner.images import Alpha, Image, Labels, Mask, load_grey, load_image, picture_size
from limner.mattes.masks import erode, threshold
from limner.training.peers import FORMS, Peer

GENERALISTS = {"rvm_mobilenetv3.onnx": 2.0, "mediapipe_selfie_256.tflite": 1.0}
"""File -> how much it counts, on every picture."""

HEADS = {"sinet_softmax_320.onnx": 1.0, "slimnet_512.tflite": 1.0}
"""File -> how much it counts on a picture where it agrees with the generalists."""

AGREEMENT = 0.7
"""IoU with the generalists' mask from which it does."""

CLEAR = 0.15, 0.85
"""The mean of several alphas is blunt: at the first it becomes 0, at the second 1."""

BAND = 4
"""Pixels on both sides of a coarse mask's outline where the teachers decide."""


class Teachers:
    """The networks together, from the folder with their files; call them with an image.

    Raises:
        ModelError: If one is missing.
        InputError: If the package that runs one is missing.
    """

    def __init__(self, folder: str | Path) -> None:
        peers = {name: Peer(Path(folder) / name, threads=1) for name in (*GENERALISTS, *HEADS)}
        self._networks = {
            name: peer if FORMS[name].side else flip_averaged(peer) for name, peer in peers.items()
        }

    def __call__(self, image: Image) -> tuple[Alpha, Alpha]:
        """Pseudo-alpha of an (H, W, 3) uint8 image, and its weight: each (H, W) in [0, 1]; see `combine`."""
        alphas = {name: self._networks[name](image) for name in GENERALISTS}
        common = threshold(combine(alphas, GENERALISTS)[0])
        for name in HEADS:
            alpha = self._networks[name](image)
            if iou(Counts.of(threshold(alpha), common)) >= AGREEMENT:
                alphas[name] = alpha
        return combine(alphas, {**GENERALISTS, **HEADS})


def combine(alphas: Mapping[str, Alpha], weights: Mapping[str, float]) -> tuple[Alpha, Alpha]:
    """The mean of several alphas, made clear (`CLEAR`), and its weight ``(1 - 2 s)^2``, 0 from ``s = 0.5``.

    Args:
        alphas: Name -> (H, W), at least one.
        weights: Name -> how much it counts; ``s`` is the standard deviation with these.
    """
    total = np.float32(sum(weights[name] for name in alphas))
    parts = [(np.float32(weights[name]) / total, alpha) for name, alpha in alphas.items()]
    mean = np.sum([part * alpha for part, alpha in parts], axis=0, dtype=np.float32)
    variance = np.sum([part * (alpha - mean) ** 2 for part, alpha in parts], axis=0, dtype=np.float32)
    low, high = CLEAR
    clear: Alpha = ((mean - np.float32(low)) / np.float32(high - low)).clip(0, 1)
    weight: Alpha = (1 - 2 * np.sqrt(variance)).clip(0, 1) ** 2
    return clear, weight


def trust_labels(alpha: Alpha, weight: Alpha, labels: Labels) -> tuple[Alpha, Alpha]:
    """A coarse mask where it is sure, the teachers along its outline, and nothing where the two contradict.

    Args:
        alpha: (H, W), from `Teachers`, as its ``weight``.
        weight: (H, W).
        labels: (H, W) uint8: 255 subject, 0 background, anything else unknown.
    """
    subject, background = erode(labels == 255, BAND), erode(labels == 0, BAND)
    wrong = (subject & (alpha < 0.5)) | (background & (alpha >= 0.5))
    alpha = np.where(subject, np.float32(1), np.where(background, np.float32(0), alpha))
    weight = np.where(wrong, np.float32(0), np.where(subject | background, np.float32(1), weight))
    return alpha, weight


def trust_part(alpha: Alpha, weight: Alpha, part: Mask) -> tuple[Alpha, Alpha]:
    """Opaque more than `BAND` inside a known part of the subject, such as its hair; else as the teachers say.

    The arguments are those of `trust_labels`, but for the part, (H, W) bool.
    """
    inside = erode(part, BAND)
    return np.where(inside, np.float32(1), alpha), np.where(inside, np.float32(1), weight)


def plan_pseudo_labels(
    pictures: Sequence[Path],
    *,
    name: str,
    teachers: Path,
    labels: Sequence[Path] = (),
    parts: Sequence[Path] = (),
    no_subject: bool = False,
    short_side: int,
    licence: str,
    count: int | None = None,
) -> Plan:
    """List the pictures that teachers are to label; all are for training.

    Args:
        pictures: Folders of them.
        name: Of the data set.
        teachers: Folder with the files of `GENERALISTS` and `HEADS`.
        labels: Folders of coarse masks, matched by stem: 255 subject, 0 background, else unknown.
        parts: Folders of masks of a part of the subject, matched by stem.
        no_subject: The pictures show no person; the teachers, which take clothes and dogs for people, are
            not asked.
        short_side: Of the prepared pictures, pixels.
        licence: Terms of the pictures.
        count: So many pictures, spread evenly; without it, all.

    Raises:
        DatasetError: If a folder is missing, or a stem is there twice.
    """
    found, label_of, part_of = _merged(pictures), _merged(labels), _merged(parts)
    stems = sorted(found) if count is None else evenly_spaced(sorted(found), count)
    portraits = {
        stem: partial(_scene, stem, found[stem], short_side=short_side)
        if no_subject
        else partial(
            _labelled,
            stem,
            found[stem],
            labels=label_of.get(stem),
            part=part_of.get(stem),
            teachers=teachers,
            short_side=short_side,
        )
        for stem in stems
    }
    return Plan(
        name=name,
        licence=licence,
        settings={
            "kind": "scenes" if no_subject else "pseudo-labels",
            "size": short_side,
            "teachers": {} if no_subject else {**GENERALISTS, **HEADS},
            "agreement": AGREEMENT,
            "labels": [str(folder) for folder in labels],
            "parts": [str(folder) for folder in parts],
        },
        split_by="all are for training",
        splits={"train": portraits, "val": {}, "test": {}},
        no_subject=no_subject,
    )


def _scene(name: str, picture: Path, *, short_side: int) -> Record:
    """Encode a picture without people."""
    image = load_image(picture)
    alpha = np.zeros(image.shape[:2], np.float32)
    return encode(name, image, alpha, size=picture_size(picture), short_side=short_side)


def _labelled(
    name: str, picture: Path, *, labels: Path | None, part: Path | None, teachers: Path, short_side: int
) -> Record:
    """Ask the teachers for the alpha of a picture, and encode both."""
    image = load_image(picture)
    alpha, weight = _loaded(teachers)(image)
    if labels:
        alpha, weight = trust_labels(alpha, weight, _grey_for(image, labels))
    if part:
        alpha, weight = trust_part(alpha, weight, _grey_for(image, part) > 0)
    size = picture_size(picture)
    return encode(name, image, alpha, size=size, short_side=short_side, weight=weight)


def _merged(folders: Collection[Path]) -> dict[str, Path]:
    """Stem -> picture of several folders."""
    merged: dict[str, Path] = {}
    for folder in folders:
        for stem, path in by_stem(folder).items():
            if stem in merged:
                raise DatasetError(f"{merged[stem]} and {path} have one stem: rename or remove one")
            merged[stem] = path
    return merged


def _grey_for(image: Image, path: Path) -> Labels:
    grey = load_grey(path)
    if grey.shape != image.shape[:2]:
        raise DatasetError(f"{path} is of {grey.shape}, its picture of {image.shape[:2]}")
    return grey


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> Teachers:
    """Once for each process."""
    return Teachers(folder)
