"""Tests of the memory of a training."""

import platform
import subprocess
import sys

import pytest

FREE_A_LARGE_ARRAY = """
import resource
import numpy as np
from limner.training import allocator

{keep}
large = np.ones(200 << 20, np.uint8)
del large
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * resource.getpagesize() >> 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_freed_memory_stays_with_the_process() -> None:
    held = [
        int(subprocess.check_output([sys.executable, "-c", FREE_A_LARGE_ARRAY.format(keep=keep)]))
        for keep in ("", "allocator.keep()")
    ]
    assert held[1] - held[0] > 150  # MiB
