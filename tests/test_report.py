from pathlib import Path

import numpy as np
import pytest

from limner.errors import InputError
from limner.images import load_image
from limner.report import plot_curves


def test_curves_are_drawn(tmp_path: Path) -> None:
    rows = [f"{epoch},{1 / epoch},{1.2 / epoch},{1 - 0.1 / epoch},0.001,90,0.1" for epoch in range(1, 9)]
    header = "epoch,loss,holdout_loss,holdout_dice,learning_rate,images_per_s,data_share"
    (tmp_path / "metrics.csv").write_text("\n".join([header, *rows]))
    plot_curves(tmp_path / "metrics.csv", tmp_path / "curves.png")
    image = load_image(tmp_path / "curves.png")
    assert image.shape[1] > 3 * image.shape[0]
    thirds = np.array_split(image, 3, axis=1)
    assert all((third < 250).any(axis=2).mean() > 0.01 for third in thirds)  # something in each panel


def test_missing_metrics_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*metrics\.csv"):
        plot_curves(tmp_path / "metrics.csv", tmp_path / "curves.png")
