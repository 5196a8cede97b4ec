"""Images of several requests, one run of the network."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from limner.images import Alpha, Image

Segment = Callable[[Sequence[Image]], list[Alpha]]


class Batcher:
    """Await it with an image to get its alpha; images that wait at the same time go through in one run.

    While one run is under way in its thread, the next batch gathers.
    """

    def __init__(
        self, segment: Segment, *, size: int, window_s: float, observe: Callable[[int], None]
    ) -> None:
        """Wrap a function.

        Args:
            segment: Images to alphas, called in a thread, never twice at a time.
            size: Images of a run, at most.
            window_s: How long a run waits for more than it has.
            observe: Told the number of images of each run.
        """
        self._segment, self._size, self._window_s, self._observe = segment, size, window_s, observe
        self._waiting: deque[tuple[Image, asyncio.Future[Alpha]]] = deque()
        self._arrived = asyncio.Event()

    async def __call__(self, image: Image) -> Alpha:
        """The alpha of one image."""
        future: asyncio.Future[Alpha] = asyncio.get_running_loop().create_future()
        self._waiting.append((image, future))
        self._arrived.set()
        return await future

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._arrived.wait()
            if len(self._waiting) < self._size:
                await asyncio.sleep(self._window_s)
            batch = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
            if not self._waiting:
                self._arrived.clear()
            batch = [(image, future) for image, future in batch if not future.done()]  # some are given up
            if batch:
                self._observe(len(batch))
                await self._answer(batch)

    async def _answer(self, batch: list[tuple[Image, asyncio.Future[Alpha]]]) -> None:
        try:
            alphas = await asyncio.to_thread(self._segment, [image for image, _ in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait, not to this loop
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), alpha in zip(batch, alphas, strict=True):
                if not future.done():
                    future.set_result(alpha)
