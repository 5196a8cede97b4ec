"""PNG files of ours, read by two decoders that are not."""

import importlib
import io
import struct
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from limner.images import deflate, encode_image, png
from limner.images.png import encode_png
from limner.images.strips import STRIP_BYTES


def decoded(data: bytes) -> NDArray[Any]:
    """The samples of a PNG as imagecodecs reads them."""
    result: NDArray[Any] = imagecodecs.png_decode(data)
    return result


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents; every checksum is tested."""
    place = 8
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + length]
        assert zlib.crc32(name + body) == struct.unpack_from(">I", data, place + 8 + length)[0]
        yield name, body
        place += 12 + length


def noisy(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Noise over a ramp, with a flat part."""
    most = np.iinfo(dtype).max
    values = np.linspace(0, 0.7, shape[0]).reshape(-1, *[1] * (len(shape) - 1)) + 0.3 * rng.random(shape)
    values[: shape[0] // 4] = 0
    return np.rint(values * most).astype(dtype)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "shape", [(37, 53), (37, 53, 2), (37, 53, 3), (37, 53, 4), (1, 1), (1, 700, 3), (700, 1, 4)]
)
def test_every_form_is_read_bit_for_bit(
    shape: tuple[int, ...], dtype: Any, compress: bool, rng: np.random.Generator
) -> None:
    values = noisy(rng, shape, dtype)
    data = encode_png(values, compress=compress)
    np.testing.assert_array_equal(decoded(data).reshape(shape), values)
    with PIL.Image.open(io.BytesIO(data)) as picture:
        picture.load()
        seen = np.asarray(picture)
    if dtype == np.uint8:
        np.testing.assert_array_equal(seen, values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strips_join_to_one_stream(dtype: Any, rng: np.random.Generator) -> None:
    width = 301
    rows = STRIP_BYTES // (width * 4 * np.dtype(dtype).itemsize)
    for height in (rows - 1, rows, rows + 1, 2 * rows, 3 * rows + 5):
        values = noisy(rng, (height, width, 3), dtype)
        opacity = noisy(rng, (height, width), dtype)
        alpha = (opacity / np.iinfo(dtype).max).astype(np.float32)
        data = encode_png(values, alpha)
        np.testing.assert_array_equal(decoded(data), np.dstack([values, opacity]))
        stream = b"".join(body for name, body in chunks(data) if name == b"IDAT")
        assert len(zlib.decompress(stream)) == height * (1 + width * 4 * np.dtype(dtype).itemsize)


def test_opacity_out_of_range_is_cut() -> None:
    data = encode_png(np.zeros((1, 3, 3), np.uint8), np.array([[-1, 0.5, 2]], np.float32))
    assert decoded(data)[0, :, 3].tolist() == [0, 128, 255]


def test_pictures_that_are_views(rng: np.random.Generator) -> None:
    values = noisy(rng, (40, 30, 3), np.uint8)
    for view in (
        values[::-1],
        values[:, ::-1],
        values.transpose(1, 0, 2),
        values[::3, 5:],
        values[..., ::-1],
    ):
        np.testing.assert_array_equal(decoded(encode_png(view)), view)


@pytest.mark.parametrize("compress", [False, True])
def test_without_isal_zlib_packs(
    compress: bool, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    importlib.reload(deflate)
    monkeypatch.setattr(png, "pack_part", deflate.pack_part)
    values = noisy(rng, (400, 300, 4), np.uint8)
    data = encode_png(values, compress=compress)
    monkeypatch.undo()
    importlib.reload(deflate)
    np.testing.assert_array_equal(decoded(data), values)
    assert (encode_png(values, compress=compress) == data) == compress


def test_compress_is_smaller_and_neither_is_large(portrait: NDArray[np.uint8]) -> None:
    def pillow(level: int) -> int:
        buffer = io.BytesIO()
        PIL.Image.fromarray(portrait).save(buffer, "PNG", compress_level=level)
        return buffer.tell()

    fast, small = (len(encode_png(portrait, compress=compress)) for compress in (False, True))
    assert small < fast < 1.02 * pillow(1)
    assert small < 1.04 * pillow(9)  # over 40 portraits it is 3 % smaller
    assert encode_image(portrait, ".png") == encode_png(portrait)
