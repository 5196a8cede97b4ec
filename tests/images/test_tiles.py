import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from limner.images import downsample
from limner.images.tiles import SIDE, Tiles


def test_tiles_hold_the_mask_and_no_more(rng: np.random.Generator) -> None:
    mask = np.zeros((3 * SIDE + 5, 2 * SIDE), bool)
    mask[SIDE + 3, 2] = mask[-1, -1] = True
    (tiles,) = Tiles.holding(mask)
    assert tiles.rows.tolist() == [SIDE, 2 * SIDE + 5]
    assert tiles.columns.tolist() == [0, SIDE]
    assert not list(Tiles.holding(np.zeros((40, 40), bool)))


@pytest.mark.parametrize(("size", "grid"), [((200, 90), (25, 11)), ((70, 300), (70, 300)), ((20, 9), (3, 2))])
def test_tiles_over_cells_are_those_that_sample_them(
    size: tuple[int, int], grid: tuple[int, int], rng: np.random.Generator
) -> None:
    cells = rng.random(grid) < 0.02
    cells[-1, -1] = True
    chosen = {
        place for tiles in Tiles.over(cells, size) for place in zip(tiles.rows, tiles.columns, strict=True)
    }
    for tiles in Tiles.holding(np.ones(size, bool)):
        sampled = tiles.sample(cells[None].astype(np.float32))[0].any(axis=(1, 2))
        for place, seen in zip(zip(tiles.rows, tiles.columns, strict=True), sampled, strict=True):
            assert place in chosen or not seen
    assert len(chosen) <= 4 * cells.sum() + 4
    assert not list(Tiles.over(np.zeros(grid, bool), size))


@pytest.mark.parametrize("size", [(5, 9), (SIDE, SIDE), (100, 70)])
def test_paste_undoes_cut(size: tuple[int, int], rng: np.random.Generator) -> None:
    picture = rng.random((*size, 3))
    result = np.zeros_like(picture)
    for tiles in Tiles.holding(np.ones(size, bool)):
        tiles.paste(tiles.cut(picture), result)
    np.testing.assert_array_equal(result, picture)


@pytest.mark.parametrize(("size", "grid"), [((100, 70), (13, 9)), ((40, 90), (40, 90)), ((20, 9), (3, 2))])
def test_samples_are_bilinear(size: tuple[int, int], grid: tuple[int, int], rng: np.random.Generator) -> None:
    fields = rng.random((2, *grid), dtype=np.float32)
    places = [(np.arange(n) + 0.5) * (m / n) - 0.5 for n, m in zip(size, grid, strict=True)]
    rows, columns = (place.clip(0, m - 1) for place, m in zip(places, grid, strict=True))
    for tiles in Tiles.holding(np.ones(size, bool)):
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
