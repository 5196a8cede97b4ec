import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from limner.datasets import Sample, read_folder
from limner.errors import DatasetError, InputError
from limner.evaluation.evaluate import compare, evaluate, flip_averaged
from limner.evaluation.metrics import Counts
from limner.images import Alpha, Image
from tests.datasets.test_folders import make_folder


def first_20_columns(image: Image) -> Alpha:
    alpha = np.zeros(image.shape[:2], np.float32)
    alpha[:, :20] = 1
    return alpha


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    make_folder(tmp_path / "set", {"a": 10, "b": 40})  # of 50 columns each; predicted: 20
    return read_folder(tmp_path / "set")


def test_mean_and_pooled_by_hand(samples: list[Sample]) -> None:
    scores = evaluate(first_20_columns, samples).scores()
    expected = {
        "iou_mean": (10 / 20 + 20 / 40) / 2,
        "iou_pooled": 30 / 60,
        "dice_mean": (20 / 30 + 40 / 60) / 2,
        "dice_pooled": 60 / 90,
        "accuracy_mean": (40 / 50 + 30 / 50) / 2,
        "accuracy_pooled": 70 / 100,
        "precision_mean": (10 / 20 + 20 / 20) / 2,
        "precision_pooled": 30 / 40,
        "recall_mean": (10 / 10 + 20 / 40) / 2,
        "recall_pooled": 30 / 50,
        "sad_mean": (40 * 10 + 40 * 20) / 2 / 1000,
        "mad_mean": (10 / 50 + 20 / 50) / 2,
        "mse_mean": (10 / 50 + 20 / 50) / 2,
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected)
    assert set(scores) - set(expected) == {"boundary_iou_mean", "boundary_iou_pooled"}


def test_shards_add_up_to_the_whole(samples: list[Sample]) -> None:
    whole = evaluate(first_20_columns, samples)
    shards = [evaluate(first_20_columns, [sample]) for sample in samples]
    assert [image for shard in shards for image in shard.images] == whole.images
    np.testing.assert_array_equal(shards[0].pixels + shards[1].pixels, whole.pixels)
    assert sum((image.counts for image in whole.images), Counts()) == Counts(
        30 * 40, 10 * 40, 20 * 40, 40 * 40
    )


def test_at_the_size_of_a_network(samples: list[Sample]) -> None:
    seen = []

    def predict(image: Image) -> Alpha:
        seen.append(image.shape)
        return first_20_columns(image)

    evaluation = evaluate(predict, samples, network_size=lambda _: (20, 100))
    assert seen == [(20, 100, 3)] * 2
    assert evaluation.images[0].counts == Counts(20 * 20, 0, 0, 20 * 80)


def test_the_threshold_is_of_predictions_alone(samples: list[Sample]) -> None:
    def faint(image: Image) -> Alpha:
        return first_20_columns(image) * np.float32(0.4)

    assert evaluate(faint, samples).scores()["recall_mean"] == 0
    scores = evaluate(faint, samples, level=0.3).scores()
    assert scores["iou_mean"] == evaluate(first_20_columns, samples).scores()["iou_mean"]
    for level in (0, 1.1):
        with pytest.raises(InputError, match="above 0 and at most 1"):
            evaluate(faint, samples, level=level)


def test_the_truth_is_cut_at_a_half(samples: list[Sample]) -> None:
    grey = io.BytesIO()
    PIL.Image.new("L", (50, 40), 140).save(grey, "PNG")
    sample = replace(samples[0], mask=grey.getvalue())
    for level in (0.2, 0.8):
        (image,) = evaluate(first_20_columns, [sample], level=level).images
        assert image.counts == Counts(true_pos=800, false_neg=1200)


def test_the_sweep_is_what_single_thresholds_give(samples: list[Sample], rng: np.random.Generator) -> None:
    noise = rng.random((40, 50), np.float32)

    def predict(image: Image) -> Alpha:
        return noise

    sweep = evaluate(predict, samples).sweep()
    assert [row["threshold"] for row in sweep][9] == 0.5
    for row in (sweep[4], sweep[9], sweep[15]):
        at = (round(row["threshold"] * 255) - 0.5) / 255  # where alphas begin to round to it
        scores = evaluate(predict, samples, level=at).scores()
        for name in ("iou_mean", "precision_pooled", "recall_pooled"):
            assert row[name] == pytest.approx(scores[name])


def test_intervals_hold_the_mean(tmp_path: Path, rng: np.random.Generator) -> None:
    make_folder(tmp_path, {f"{index:02}": int(width) for index, width in enumerate(rng.integers(5, 45, 20))})
    evaluation = evaluate(first_20_columns, read_folder(tmp_path))
    interval = evaluation.intervals()["iou_mean"]
    assert interval.low < evaluation.scores()["iou_mean"] < interval.high


def test_paired_differences_by_hand(samples: list[Sample]) -> None:
    def everything(image: Image) -> Alpha:
        return np.ones(image.shape[:2], np.float32)

    first, second = evaluate(first_20_columns, samples), evaluate(everything, samples)
    steps = compare(first, second)
    # IoU: 10 of 20 and 20 of 40 against 10 of 50 and 40 of 50
    assert steps["iou"].mean == pytest.approx(((0.2 - 0.5) + (0.8 - 0.5)) / 2)
    assert (steps["iou"].higher, steps["iou"].lower) == (1, 1)
    assert steps["precision"].mean == pytest.approx(((0.2 - 0.5) + (0.8 - 1)) / 2)
    assert (steps["precision"].higher, steps["precision"].lower) == (0, 2)
    assert (steps["iou"].interval.low, steps["iou"].interval.high) == pytest.approx((-0.3, 0.3))
    with pytest.raises(InputError, match="the same images"):
        compare(first, evaluate(everything, samples[:1]))


def test_flipping_averages_with_the_mirror_image() -> None:
    image = np.zeros((4, 50, 3), np.uint8)
    alpha = flip_averaged(first_20_columns)(image)
    assert alpha[0].tolist() == [0.5] * 20 + [0.0] * 10 + [0.5] * 20


def test_ids_carry_their_source(samples: list[Sample]) -> None:
    assert [image.id for image in evaluate(first_20_columns, samples).images] == ["set/a", "set/b"]


def test_attributes(tmp_path: Path) -> None:
    make_folder(tmp_path / "set", {"a": 10}, masks="labels")
    (sample,) = read_folder(tmp_path / "set")
    (image,) = evaluate(first_20_columns, [sample]).images
    assert image.attributes == pytest.approx(
        {"subject": 0.2, "label 1": 0.2, "brightness": (0.24 * 240 + 0.76 * 15) / 255}, abs=0.01
    )
    (named,) = evaluate(first_20_columns, [replace(sample, label_names=("hair",))]).images
    assert named.attributes["hair"] == 0.2


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(DatasetError, match="no samples"):
        evaluate(first_20_columns, [])


def test_an_unusable_sample_is_named(samples: list[Sample]) -> None:
    with pytest.raises(DatasetError, match="set/b: "):
        evaluate(first_20_columns, [samples[0], replace(samples[1], image=b"damaged")])
