from collections.abc import Iterator

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from limner.images import downsample
from limner.images.tiles import SIDE, Tiles, kinds, spans


def every_tile(size: tuple[int, int]) -> Iterator[Tiles]:
    return Tiles.of(np.ones([-(-length // SIDE) for length in size], bool), size)


def test_tiles_at_the_border_are_moved_back() -> None:
    held = np.zeros((4, 2), bool)
    held[1, 0] = held[-1, -1] = True
    (tiles,) = Tiles.of(held, (3 * SIDE + 5, 2 * SIDE))
    assert tiles.rows.tolist() == [SIDE, 2 * SIDE + 5]
    assert tiles.columns.tolist() == [0, SIDE]
    assert not list(Tiles.of(np.zeros((2, 2), bool), (40, 40)))


def test_kinds_of_tiles() -> None:
    alpha = np.zeros((2 * SIDE + 5, 3 * SIDE), np.float32)
    alpha[:, SIDE:] = 1
    alpha[0, 0] = alpha[-1, -1] = 0.5
    clear, opaque = kinds(alpha)
    assert clear.tolist() == [[False, False, False], [True, False, False], [True, False, False]]
    assert opaque.tolist() == [[False, True, True], [False, True, True], [False, True, False]]
    assert kinds(alpha).mixed.sum() == 2


def test_spans_are_runs_of_tiles(rng: np.random.Generator) -> None:
    held = rng.random((5, 7)) < 0.5
    marked = np.zeros((5 * SIDE, 7 * SIDE), int)
    for rows, columns in spans(held):
        marked[rows, columns] += 1
    np.testing.assert_array_equal(marked, np.kron(held, np.ones((SIDE, SIDE), int)))


@pytest.mark.parametrize(("size", "grid"), [((200, 90), (25, 11)), ((70, 300), (70, 300)), ((20, 9), (3, 2))])
def test_tiles_over_cells_are_those_that_sample_them(
    size: tuple[int, int], grid: tuple[int, int], rng: np.random.Generator
) -> None:
    cells = rng.random(grid) < 0.02
    cells[-1, -1] = True
    chosen = {
        place for tiles in Tiles.over(cells, size) for place in zip(tiles.rows, tiles.columns, strict=True)
    }
    for tiles in every_tile(size):
        sampled = tiles.sample(cells[None].astype(np.float32))[0].any(axis=(1, 2))
        for place, seen in zip(zip(tiles.rows, tiles.columns, strict=True), sampled, strict=True):
            assert place in chosen or not seen
    assert len(chosen) <= 4 * cells.sum() + 4
    assert not list(Tiles.over(np.zeros(grid, bool), size))


@pytest.mark.parametrize("size", [(5, 9), (SIDE, SIDE), (100, 70)])
def test_paste_undoes_cut(size: tuple[int, int], rng: np.random.Generator) -> None:
    picture = rng.random((*size, 3))
    result = np.zeros_like(picture)
    for tiles in every_tile(size):
        tiles.paste(tiles.cut(picture), result)
    np.testing.assert_array_equal(result, picture)


@pytest.mark.parametrize(("size", "grid"), [((100, 70), (13, 9)), ((40, 90), (40, 90)), ((20, 9), (3, 2))])
def test_samples_are_bilinear(size: tuple[int, int], grid: tuple[int, int], rng: np.random.Generator) -> None:
    fields = rng.random((2, *grid), dtype=np.float32)
    places = [(np.arange(n) + 0.5) * (m / n) - 0.5 for n, m in zip(size, grid, strict=True)]
    rows, columns = (place.clip(0, m - 1) for place, m in zip(places, grid, strict=True))
    for tiles in every_tile(size):
        found = tiles.sample(fields)
        for channel, field in enumerate(fields):
            oracle = RegularGridInterpolator((np.arange(grid[0]), np.arange(grid[1])), field)
            whole = oracle(tuple(np.meshgrid(rows, columns, indexing="ij"))).astype(np.float32)
            np.testing.assert_allclose(found[channel], tiles.cut(whole), atol=1e-5)


def test_downsampled_pictures_keep_their_coordinates(rng: np.random.Generator) -> None:
    ramp = np.repeat(np.linspace(0, 1, 4000, dtype=np.float32)[:, None], 1500, axis=1)
    small = downsample(ramp, 512)
    assert small.shape == (512, 192)
    np.testing.assert_allclose(small[:, 0], (np.arange(512) + 0.5) / 512, atol=1e-3)
    same = rng.integers(0, 65536, (30, 20, 3), dtype=np.uint16)
    np.testing.assert_array_equal(downsample(same, 512), np.moveaxis(same, 2, 0))
