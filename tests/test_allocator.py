"""Whether freed memory stays with the process."""

import platform
import subprocess
import sys

import pytest

FREE_LARGE_ARRAYS = """
import resource
import numpy as np
from limner import allocator

{keep}
parts = [np.ones({size}, np.uint8) for _ in range((200 << 20) // {size})]
del parts
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * resource.getpagesize() >> 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
@pytest.mark.parametrize(
    ("keep", "size", "stays"),
    [("all", 200 << 20, True), ("some", 20 << 20, True), ("some", 200 << 20, False)],
)
def test_freed_memory_stays_with_the_process(keep: str, size: int, stays: bool) -> None:
    held = [
        int(subprocess.check_output([sys.executable, "-c", FREE_LARGE_ARRAYS.format(keep=call, size=size)]))
        for call in ("", f"allocator.keep_{keep}()")
    ]
    assert (held[1] - held[0] > 150) == stays  # MiB
