import io
import zipfile

import numpy as np
from numpy.typing import NDArray

from limner.images import Photo
from limner.server.archive import as_zip
from tests.conftest import decode


def opened(data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["color.jpg", "alpha.png"]
        return decode(archive.read("color.jpg")), decode(archive.read("alpha.png"))


def test_colours_and_opacity(rng: np.random.Generator) -> None:
    alpha = np.tile(np.linspace(0, 1, 21, dtype=np.float32), (13, 1))
    colours, matte = opened(as_zip(Photo(pixels=np.full((13, 21, 3), (200, 90, 30), np.uint8), alpha=alpha)))
    assert colours.shape == (13, 21, 3)
    np.testing.assert_array_equal(matte, np.rint(alpha * 255))
    assert np.abs(colours[:, 8:].astype(int) - (200, 90, 30)).max() <= 2


def test_what_is_not_seen_leaves_no_trace_in_the_colours_beside_it() -> None:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :13] = (140, 90, 60)
    alpha = (np.arange(32) < 13).astype(np.float32) * np.ones((32, 1), np.float32)
    colours, _ = opened(as_zip(Photo(pixels=pixels, alpha=alpha)))
    assert np.abs(colours[:, :13].astype(int) - (140, 90, 60)).max() <= 2  # 5 beside black, which rings
    assert colours[:, 16:].max() <= 1  # nothing is put where no square needs it


def test_an_opaque_result_and_a_mask() -> None:
    colours, matte = opened(as_zip(Photo(pixels=np.full((9, 8, 3), 70, np.uint8))))
    assert (matte == 255).all()
    assert (colours == 70).all()
    colours, matte = opened(as_zip(Photo(pixels=np.full((9, 8), 200, np.uint8))))
    assert colours.shape == (9, 8, 3)
    assert (colours == 200).all()


def test_deep_pictures_become_8_bits() -> None:
    colours, _ = opened(as_zip(Photo(pixels=np.full((8, 8, 3), 65535, np.uint16))))
    assert (colours == 255).all()
