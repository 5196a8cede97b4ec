"""Images of an evaluation, as they are, as they should come out and as they do."""

import numpy as np

from limner.datasets import Sample
from limner.evaluation.evaluate import Evaluation, Predict
from limner.images import Alpha, Image, Mask, encode_image, resize_longest, to_uint8
from limner.mattes.masks import threshold
from limner.rendering.render import render

COUNT = 12
"""Examples of a kind."""

SIDE = 192
"""Longer side of the pictures, pixels."""

EXTRA, MISSING = (232, 108, 0), (20, 110, 255)
"""Colours of what was taken for the subject and is not, and of what was missed."""


Panels = dict[str, tuple[str, bytes]]
"""Caption -> kind ("jpeg", "png", "webp") and the file."""


def choose(evaluation: Evaluation) -> dict[str, list[int]]:
    """Indices of the images with the lowest, the middle and the highest IoU, at most `COUNT` each."""
    order = np.argsort(evaluation.rows()["iou"], kind="stable")
    middle = max(0, len(order) // 2 - COUNT // 2)
    parts = {"Worst": order[:COUNT], "Median": order[middle : middle + COUNT], "Best": order[::-1][:COUNT]}
    return {name: [int(index) for index in part] for name, part in parts.items()}


def draw(sample: Sample, predict: Predict, level: float) -> Panels:
    """Image, truth, prediction, error and cut-out of one sample."""
    image, target = sample.load()
    pred = predict(image)
    errors = _errors(image, threshold(pred, level), threshold(target))
    cutout = render(resize_longest(image, SIDE), resize_longest(pred, SIDE))
    return {
        "image": ("jpeg", encode_image(resize_longest(image, SIDE), ".jpg")),
        "truth": ("png", _grey(target)),
        "prediction": ("png", _grey(pred)),
        "error": ("jpeg", encode_image(resize_longest(errors, SIDE), ".jpg")),
        "cut-out": ("webp", encode_image(cutout, ".webp")),
    }


def _errors(image: Image, pred: Mask, target: Mask) -> Image:
    shown = np.repeat(160 + image.mean(axis=2, keepdims=True) * 0.35, 3, axis=2).astype(np.uint8)
    shown[pred & ~target] = EXTRA
    shown[target & ~pred] = MISSING
    return shown


def _grey(alpha: Alpha) -> bytes:
    return encode_image(to_uint8(resize_longest(alpha, SIDE)), ".png")
