"""The memory of a process that does the same again and again: pictures, frames, steps of a training.

What is given back to the system comes anew, page by page and zeroed. Other C libraries than glibc, and the
memory of a GPU, are left alone.
"""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
BLOCK_BYTES, SOME_BYTES = 32 << 20, 256 << 20
"""Size of the largest block that `keep_some` keeps, the most that glibc allows; free memory that it keeps."""


def keep_some() -> None:
    """Let glibc hold on to some of the memory that is freed, for the next picture."""
    _set({M_MMAP_THRESHOLD: BLOCK_BYTES, M_TRIM_THRESHOLD: SOME_BYTES})


def keep_all() -> None:
    """Let glibc hold on to all the memory that tensors free.

    Every step frees gigabytes and asks for as much again; that took two fifths of a step of SegNet.

    Reference:
        mallopt(3): no mappings of their own for large blocks, no trimming of the heap's top.
    """
    _set({M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1})


def _set(values: dict[int, int]) -> None:
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for parameter, value in values.items():
            libc.mallopt(parameter, value)
