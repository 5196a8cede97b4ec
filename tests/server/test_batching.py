import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from limner.images import Alpha, Image
from limner.server.batching import Batcher, Segment


def images(count: int) -> list[Image]:
    return [np.full((2, 2, 3), value, np.uint8) for value in range(count)]


def values(batch: Sequence[Image]) -> list[Alpha]:
    return [image[..., 0].astype(np.float32) for image in batch]


async def answers(segment: Segment, count: int, size: int, sizes: list[int]) -> list[Alpha | BaseException]:
    batcher = Batcher(segment, size=size, window_s=0.01, observe=sizes.append)
    task = asyncio.create_task(batcher.run())
    try:
        return await asyncio.gather(*(batcher(image) for image in images(count)), return_exceptions=True)
    finally:
        task.cancel()


def test_each_gets_its_own_alpha_from_few_runs() -> None:
    sizes: list[int] = []
    alphas = asyncio.run(answers(values, 11, 4, sizes))
    assert [float(alpha[0, 0]) for alpha in alphas if isinstance(alpha, np.ndarray)] == list(range(11))
    assert sizes == [4, 4, 3]


def test_an_error_reaches_those_of_its_batch_alone() -> None:
    def fail_at_two(batch: Sequence[Image]) -> list[Alpha]:
        if any(image[0, 0, 0] == 2 for image in batch):
            raise RuntimeError("spoilt")
        return values(batch)

    results = asyncio.run(answers(fail_at_two, 6, 2, []))
    assert [isinstance(result, RuntimeError) for result in results] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]


def test_those_who_have_gone_are_not_computed() -> None:
    gate = threading.Event()
    seen: list[int] = []

    def slow(batch: Sequence[Image]) -> list[Alpha]:
        seen.extend(int(image[0, 0, 0]) for image in batch)
        gate.wait(10)
        return values(batch)

    async def scene() -> Alpha:
        batcher = Batcher(slow, size=1, window_s=0, observe=lambda _: None)
        run = asyncio.create_task(batcher.run())
        first, second, third = (asyncio.create_task(batcher(image)) for image in images(3))
        while not seen:
            await asyncio.sleep(0.001)
        second.cancel()
        first.cancel()  # while its run is under way
        await asyncio.sleep(0.01)
        gate.set()
        alpha = await third
        with pytest.raises(asyncio.CancelledError):
            await first
        run.cancel()
        return alpha

    assert asyncio.run(scene())[0, 0] == 2
    assert seen == [0, 2]


def test_a_run_waits_for_those_that_come_within_the_window() -> None:
    async def two(window_s: float) -> list[int]:
        sizes: list[int] = []
        batcher = Batcher(values, size=4, window_s=window_s, observe=sizes.append)
        task = asyncio.create_task(batcher.run())
        first = asyncio.create_task(batcher(images(1)[0]))
        await asyncio.sleep(0.05)
        await asyncio.gather(first, batcher(images(1)[0]))
        task.cancel()
        return sizes

    assert asyncio.run(two(1.0)) == [2]
    assert asyncio.run(two(0.0)) == [1, 1]
