import numpy as np
import pytest

from limner.images import Pixels, to_depth, to_uint8


def test_floats_are_rounded_and_clipped() -> None:
    values = np.array([[-0.1, 0.0, 128 / 255, 127.6 / 255, 1.0, 1.2]], np.float32)
    assert to_uint8(values).tolist() == [[0, 0, 128, 128, 255, 255]]
    assert to_depth(np.array([0.5, 1.0], np.float16), np.uint16).tolist() == [32768, 65535]


def test_16_bits_and_back() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(4, 64)
    deep = to_depth(values, np.uint16)
    assert deep.dtype == np.uint16
    assert deep[-1, -1] == 65535
    np.testing.assert_array_equal(to_uint8(deep), values)


def test_all_16_bit_values_are_rounded() -> None:
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(to_uint8(deep), np.rint(deep / 65535 * 255))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_of_the_depth_is_not_copied(dtype: type) -> None:
    values: Pixels = np.zeros((3, 4), dtype)
    assert to_depth(values, dtype) is values
