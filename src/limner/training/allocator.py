"""The main memory of a training on the CPU."""

import ctypes
import platform

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4


def keep() -> None:
    """Let glibc hold on to the memory that tensors free, instead of giving it back to the system.

    Every step frees gigabytes and asks for as much again; what was given back comes anew, page by page and
    zeroed, which took two fifths of a step of SegNet. Other C libraries, and memory of a GPU, are left alone.

    Reference:
        mallopt(3): no mappings of their own for large blocks, no trimming of the heap's top.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
