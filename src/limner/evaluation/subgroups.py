"""The scores of an evaluation by what the pictures show: hat, glasses, how much hair, how dark."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.evaluation.evaluate import Evaluation
from limner.evaluation.metrics import Interval, bootstrap

LEAST_IMAGES = 10
"""Images that a group needs to be told of: with fewer, its interval says nothing."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some images of an evaluation and their mean IoU."""

    attribute: str
    name: str  # "none", "little" or "much" of the attribute, or "some" where there are too few to split
    images: int
    iou_mean: float
    interval: Interval


def subgroups(evaluation: Evaluation) -> dict[str, list[Group]]:
    """Mean IoU by every attribute of the images, in groups of at least `LEAST_IMAGES`.

    The images without an attribute are one group, those below the median of the others and those above it
    two more. Attributes that leave fewer than two groups are left out.
    """
    attributes = {name for image in evaluation.images for name in image.attributes}
    ious = evaluation.rows()["iou"]
    result = {}
    for attribute in sorted(attributes):
        values = np.array([image.attributes.get(attribute, 0.0) for image in evaluation.images])
        groups = [
            Group(
                attribute=attribute,
                name=name,
                images=int(chosen.sum()),
                iou_mean=float(ious[chosen].mean()),
                interval=bootstrap(ious[chosen], np.mean),
            )
            for name, chosen in _split_at_median(values)
            if chosen.sum() >= LEAST_IMAGES
        ]
        if len(groups) > 1:
            result[attribute] = groups
    return result


def worst_and_best(groups: dict[str, list[Group]]) -> tuple[Group, Group] | tuple[None, None]:
    """The group with the lowest mean IoU of all attributes and the one with the highest, if there are any."""
    flat = [group for some in groups.values() for group in some]
    if not flat:
        return None, None
    return min(flat, key=lambda group: group.iou_mean), max(flat, key=lambda group: group.iou_mean)


def _split_at_median(values: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield "none", values == 0
    some = values > 0
    if some.sum() < 2 * LEAST_IMAGES:
        yield "some", some
        return
    median = np.median(values[some])
    yield "little", some & (values <= median)
    yield "much", values > median
