"""Plots of training and of results. Needs matplotlib, the extra ``report``."""

import csv
import io
from pathlib import Path

from limner import files
from limner.errors import InputError


def plot_curves(metrics: str | Path, target: str | Path) -> None:
    """Draw loss, Dice on the holdout and learning rate over the epochs from a run's ``metrics.csv``.

    Raises:
        InputError: If there is no such file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    rows = _read_rows(Path(metrics))
    epochs = [int(row["epoch"]) for row in rows]
    figure = Figure(figsize=(11, 3.4), layout="constrained")
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
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    files.write_bytes(target, buffer.getvalue())


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
