import numpy as np
import pytest

from limner.evaluation.evaluate import Evaluation, ImageScore
from limner.evaluation.metrics import Counts
from limner.evaluation.subgroups import subgroups, worst_and_best


def evaluation(*images: tuple[int, dict[str, float]]) -> Evaluation:
    """Images with so many of ten pixels right, and their attributes."""
    return Evaluation(
        images=[
            ImageScore(
                id=str(index),
                counts=Counts(true_pos=right, false_neg=10 - right),
                edges=Counts(),
                errors={},
                attributes=attributes,
            )
            for index, (right, attributes) in enumerate(images)
        ],
        pixels=np.zeros((2, 256), np.int64),
        ious=np.zeros(256),
    )


def test_groups_by_hand() -> None:
    bare: list[tuple[int, dict[str, float]]] = [(9, {})] * 30
    small = [(6, {"hat": 0.1})] * 12
    large = [(3, {"hat": 0.4})] * 10 + [(5, {"hat": 0.5})] * 2
    (groups,) = subgroups(evaluation(*bare, *small, *large)).values()
    assert [(one.attribute, one.name, one.images) for one in groups] == [
        ("hat", "none", 30),
        ("hat", "little", 12),
        ("hat", "much", 12),
    ]
    assert [one.iou_mean for one in groups] == pytest.approx([0.9, 0.6, (10 * 0.3 + 2 * 0.5) / 12])
    assert (groups[0].interval.low, groups[0].interval.high) == pytest.approx((0.9, 0.9))
    assert groups[2].interval.low < groups[2].iou_mean < groups[2].interval.high
    worst, best = worst_and_best({"hat": groups})
    assert worst is groups[2]
    assert best is groups[0]


def test_the_median_itself_is_little() -> None:
    (groups,) = subgroups(evaluation(*[(9, {"hat": size / 100}) for size in range(1, 22)])).values()
    assert [(one.name, one.images) for one in groups] == [("little", 11), ("much", 10)]


def test_few_images_with_an_attribute_stay_one_group() -> None:
    groups = subgroups(evaluation(*[(9, {})] * 30, *[(6, {"hat": size / 100}) for size in range(1, 16)]))
    assert [(one.name, one.images) for one in groups["hat"]] == [("none", 30), ("some", 15)]


def test_groups_too_small_to_tell_are_left_out() -> None:
    groups = subgroups(evaluation(*[(9, {})] * 30, *[(6, {"hat": 0.1})] * 9))
    assert groups == {}
    assert worst_and_best(groups) == (None, None)
