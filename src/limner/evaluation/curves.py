"""The curves of a training run."""

import csv
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from limner import files
from limner.evaluation.drawing import new_figure, to_png, trim


def plot_curves(metrics: str | Path, target: str | Path) -> None:
    """Draw loss, Dice on the holdout and learning rate over the epochs from a run's ``metrics.csv``.

    Raises:
        InputError: If there is no such file.
    """
    files.write_bytes(target, to_png(curves_figure(metrics)))


def curves_figure(metrics: str | Path) -> Figure:
    """The figure of `plot_curves`."""
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
