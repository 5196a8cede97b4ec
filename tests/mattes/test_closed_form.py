import sys

import numpy as np
import pytest

from limner.errors import MissingExtraError
from limner.mattes.closed_form import _laplacians, solve
from tests.conftest import random_image


def test_two_colours_are_taken_apart() -> None:
    rows, columns = np.indices((60, 60))
    truth = ((16 - np.hypot(rows - 30, columns - 30)) / 4 + 0.5).clip(0, 1).astype(np.float32)
    image = np.rint(truth[..., None] * (220, 160, 90) + (1 - truth[..., None]) * (20, 60, 120)).astype(
        np.uint8
    )
    moved = (np.hypot(rows - 32, columns - 30) < 16).astype(np.float32)
    assert np.abs(moved - truth).mean() > 0.02
    assert np.abs(solve(image, moved, width=8, prior=1e-4) - truth).mean() < 0.002


def test_only_the_band_is_solved(rng: np.random.Generator) -> None:
    alpha = np.zeros((40, 60), np.float32)
    alpha[:, 30:], alpha[:, :5] = 0.9, 0.1
    solved = solve(random_image(rng, 40, 60), alpha, width=4)
    assert (solved[:, :26] == 0).all()
    assert (solved[:, 34:] == 1).all()
    assert ((solved > 0) & (solved < 1))[:, 26:34].any()


@pytest.mark.parametrize("value", [0, 0.3, 1])
def test_without_an_edge_the_alpha_comes_back(value: float, rng: np.random.Generator) -> None:
    alpha = np.full((20, 30), value, np.float32)
    assert solve(random_image(rng, 20, 30), alpha, width=8) is alpha


def test_a_line_in_colour_space_costs_nothing(rng: np.random.Generator) -> None:
    colours = rng.integers(0, 256, (50, 9, 3), dtype=np.uint8)
    windows = _laplacians(colours).astype(float)
    np.testing.assert_allclose(windows.sum(axis=2), 0, atol=1e-5)
    assert np.linalg.eigvalsh(windows).min() > -1e-5
    line = colours @ np.array([0.3, -0.5, 0.2]) / 255 + 0.1
    assert np.abs(windows @ line[..., None]).max() < 1e-3


def test_without_scipy_the_cure_is_said(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    alpha = np.zeros((20, 30), np.float32)
    alpha[:, 15:] = 1
    with pytest.raises(MissingExtraError, match=r"pip install 'scipy>="):
        solve(random_image(rng, 20, 30), alpha, width=8)


def test_the_picture_counts_more_than_the_alpha_it_begins_with() -> None:
    rows, columns = np.indices((60, 60))
    truth = ((16 - np.hypot(rows - 30, columns - 30)) / 4 + 0.5).clip(0, 1).astype(np.float32)
    image = np.rint(truth[..., None] * (220, 160, 90) + (1 - truth[..., None]) * (20, 60, 120))
    moved = (np.hypot(rows - 32, columns - 30) < 16).astype(np.float32)
    solved = solve(image.astype(np.uint8), moved, width=8)
    assert np.abs(solved - truth).mean() < 0.15 * np.abs(moved - truth).mean()
