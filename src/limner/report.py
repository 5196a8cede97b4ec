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

    curves = _read_curves(Path(metrics))
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    axes = figure.subplots(1, 3)
    for axis, title, names in (
        (axes[0], "loss", ("loss", "holdout_loss")),
        (axes[1], "Dice on the holdout", ("holdout_dice",)),
        (axes[2], "learning rate", ("learning_rate",)),
    ):
        axis.set_title(title, fontsize=11)
        for name in names:
            epochs, values = curves.get(name, ([], []))
            axis.plot(
                epochs, values, marker="o", markersize=2.5, label={"loss": "training"}.get(name, "holdout")
            )
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    files.write_bytes(target, buffer.getvalue())


def _read_curves(path: Path) -> dict[str, tuple[list[int], list[float]]]:
    """Column -> epochs (from 1) and values; the learning rate under that name, whichever optimiser."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    curves: dict[str, tuple[list[int], list[float]]] = {}
    for row in rows:
        for column, value in row.items():
            if column in {"epoch", "step"} or not value:
                continue
            name = "learning_rate" if column.startswith("lr-") else column
            epochs, values = curves.setdefault(name, ([], []))
            epochs.append(int(row["epoch"] or len(epochs)) + 1)
            values.append(float(value))
    return curves
