"""The plots of one evaluation, or of two of the same images, and of a training run."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from limner import files
from limner.evaluation.drawing import COLOURS, new_figure, new_plot, trim
from limner.evaluation.evaluate import Evaluation, counts_by_level
from limner.evaluation.subgroups import Group, subgroups

Evaluations = Mapping[str, Evaluation]
"""Name of a model -> its evaluation."""

LEVELS = np.arange(256) / 255
MOST_ATTRIBUTES = 12
"""Attributes that `groups_figure` shows: those whose groups differ most."""


def ious_figure(models: Evaluations) -> Figure:
    """How many images reach which IoU."""
    figure, axis = new_plot()
    ious = {name: one.rows()["iou"] for name, one in models.items()}
    lowest = min(values.min() for values in ious.values())
    bins = np.linspace(min(lowest, 0.9), 1, 41)
    for colour, (name, values) in zip(COLOURS, ious.items(), strict=False):
        axis.hist(values, list(bins), color=colour, alpha=0.55, label=f"{name}: mean {values.mean():.3f}")
        axis.axvline(values.mean(), color=colour, linewidth=1.5)
    axis.set(xlabel="IoU of an image", ylabel="images")
    axis.legend(frameon=False, loc="upper left")
    return figure


def precision_recall_figure(models: Evaluations, threshold: float) -> Figure:
    """Pooled precision over pooled recall as the threshold moves; a dot where it is."""
    figure, axis = new_plot()
    least = 1.0
    for colour, (name, one) in zip(COLOURS, models.items(), strict=False):
        false_pos, true_pos = counts_by_level(one.pixels)
        recall = true_pos / max(1, true_pos[0])
        precision = np.where(true_pos + false_pos, true_pos / np.maximum(1, true_pos + false_pos), 1.0)
        axis.plot(recall[1:], precision[1:], color=colour, label=name)
        at = round(threshold * 255)
        axis.plot(recall[at], precision[at], "o", color=colour)
        least = min(least, recall[at], precision[at])
    low = max(0.0, np.floor(20 * (2 * least - 1)) / 20)
    axis.set(xlabel="recall", ylabel="precision", xlim=(low, 1.005), ylim=(low, 1.005))
    axis.legend(frameon=False, loc="lower left", title=f"dot: threshold {threshold:g}")
    return figure


def thresholds_figure(models: Evaluations, threshold: float) -> Figure:
    """Mean IoU over the threshold."""
    figure, axis = new_plot()
    least = 1.0
    for colour, (name, one) in zip(COLOURS, models.items(), strict=False):
        axis.plot(LEVELS[1:], one.ious[1:], color=colour, label=name)
        least = min(least, float(one.ious[25:230].min()))
    axis.axvline(threshold, color="grey", linewidth=1, linestyle=":")
    axis.set(xlabel="threshold", ylabel="mean IoU", xlim=(0, 1), ylim=(max(0, least - 0.02), 1))
    axis.legend(frameon=False, loc="lower left")
    return figure


def calibration_figure(models: Evaluations) -> Figure:
    """How often a pixel is the subject, over the alpha it got: on the diagonal alpha is a probability."""
    figure, axis = new_plot()
    axis.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle=":")
    for colour, (name, one) in zip(COLOURS, models.items(), strict=False):
        background, subject = (np.add.reduceat(row, np.arange(0, 256, 16)) for row in one.pixels)
        pixels = background + subject
        filled = pixels > 0
        centres = np.add.reduceat(LEVELS * one.pixels.sum(axis=0), np.arange(0, 256, 16))
        x, y = centres[filled] / pixels[filled], subject[filled] / pixels[filled]
        axis.plot(x, y, marker="o", markersize=3.5, color=colour, label=name)
    axis.set(xlabel="alpha", ylabel="fraction that is the subject", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axis.legend(frameon=False, loc="upper left")
    return figure


def groups_figure(models: Evaluations) -> Figure | None:
    """Mean IoU with its interval by subgroup; None where the images have no attributes that split them."""
    groups = {name: subgroups(one) for name, one in models.items()}
    first = next(iter(groups.values()))
    shown = sorted(first, key=lambda attribute: -_gap(first[attribute]))[:MOST_ATTRIBUTES]
    if not shown:
        return None
    labels = [f"{group.attribute}: {group.name} ({group.images})" for name in shown for group in first[name]]
    figure, axis = new_plot(0.9 + 0.21 * len(labels))
    for offset, colour, (name, some) in zip((-0.12, 0.12), COLOURS, groups.items(), strict=False):
        flat = [group for attribute in shown for group in some[attribute]]
        means = np.array([group.iou_mean for group in flat])
        spread = np.abs([[group.interval.low, group.interval.high] for group in flat] - means[:, None]).T
        places = np.arange(len(flat)) + (offset if len(groups) > 1 else 0)
        axis.errorbar(means, places, xerr=spread, fmt="o", markersize=4, color=colour, label=name)
    row = -0.5
    for name in shown[:-1]:
        row += len(first[name])
        axis.axhline(row, color="grey", linewidth=0.6, alpha=0.5)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set(xlabel="mean IoU, 95 % interval", ylim=(len(labels) - 0.4, -0.6))
    if len(groups) > 1:
        figure.legend(frameon=False, loc="outside upper center", ncols=2)
    return figure


def curves_figure(metrics: str | Path) -> Figure:
    """Loss, Dice on the holdout and learning rate over the epochs, from a run's ``metrics.csv``.

    Raises:
        InputError: If there is no such file.
    """
    rows = list(csv.DictReader(files.read_text(Path(metrics)).splitlines()))
    epochs = [int(row["epoch"]) for row in rows]
    figure = new_figure(11, 3.4)
    axes = figure.subplots(1, 3)
    for axis, title, names in (
        (axes[0], "loss", {"training": "loss", "holdout": "holdout_loss"}),
        (axes[1], "Dice on the holdout", {"holdout": "holdout_dice"}),
        (axes[2], "learning rate", {"": "learning_rate"}),
    ):
        axis.set_title(title, fontsize=11)
        for label, name in names.items():
            axis.plot(epochs, [float(row[name]) for row in rows], marker="o", markersize=2.5, label=label)
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        trim(axis)
    axes[0].legend(frameon=False)
    return figure


def _gap(groups: list[Group]) -> float:
    means = [group.iou_mean for group in groups]
    return max(means) - min(means)
