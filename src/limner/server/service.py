"""From uploaded bytes to an encoded picture: admitted, decoded, segmented, finished, encoded."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import anyio

from limner.images import Alpha, Image, Metadata, Photo, encode_photo, load_image, load_photo, resize
from limner.mattes.confidence import expected_iou
from limner.models.segmenter import Segmenter, check_size
from limner.models.spec import to_alpha, to_input
from limner.parallel import keep_to
from limner.rendering.options import Options
from limner.rendering.outline import Frame, find_subject
from limner.rendering.render import adjusted_alpha, compose, frame_shown, refined_alpha, storable
from limner.server.batching import Batcher
from limner.server.problems import LimitError
from limner.server.settings import Settings
from limner.server.telemetry import Telemetry

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is asked for."""

    data: bytes  # the picture, as it was uploaded
    options: Options
    format: str = "png"  # of the result, a key of `limner.server.options.FORMATS`
    compress: bool = False
    metadata: Metadata = "no-gps"
    background: bytes | None = None  # a picture, as it was uploaded
    most_pixels: int | None = None  # a larger picture is made smaller first


@dataclass(frozen=True, kw_only=True)
class Made:
    """The answer."""

    data: bytes
    size: tuple[int, int]  # height, width of the result
    frame: Frame  # what it shows of the upright picture
    box: Frame | None  # of the subject in the upright picture, if there is one
    subject_fraction: float
    confidence: float  # see `expected_iou`


class Service:
    """One model and one queue, with their numbers."""

    def __init__(self, segmenter: Segmenter, settings: Settings) -> None:
        self.segmenter, self.settings = segmenter, settings
        self.telemetry = Telemetry(settings.queue)
        self.accepted = 0  # since the start
        self.answered = 0
        self._network: asyncio.Task[None] | None = None
        self._pool = ThreadPoolExecutor(settings.workers, "limner")
        self._decoded = asyncio.Semaphore(settings.workers + settings.batch)  # bounds the memory
        self._batcher = Batcher(
            segmenter.batch,
            size=settings.batch,
            window_s=settings.window_s,
            observe=self.telemetry.batches.observe,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The network is served inside the block."""
        self._network = asyncio.create_task(self._batcher.run())
        try:
            yield
        finally:
            self._network.cancel()
            self._pool.shutdown()

    @property
    def ready(self) -> bool:
        """Whether the network is served."""
        return self._network is not None and not self._network.done()

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """A place in the queue, from before the upload to the answer.

        Raises:
            LimitError: If there is none.
        """
        waiting = self.accepted - self.answered
        if waiting >= self.settings.queue:
            message = f"{waiting} requests are under way, which is the limit: try again"
            raise LimitError(429, "busy", message, headers={"Retry-After": "1"})
        self.accepted += 1
        self.telemetry.accepted.inc()
        try:
            yield
        finally:
            self.answered += 1
            self.telemetry.accepted.dec()

    async def make(self, job: Job, gone: Callable[[], Awaitable[bool]]) -> Made:
        """Do a job.

        Args:
            job: What is asked for.
            gone: Whether nobody waits for it any more; asked once, when its turn comes.

        Raises:
            InputError: If the picture or an option cannot be used.
            LimitError: If it takes longer than the limit.
        """
        try:
            with anyio.fail_after(self.settings.time_limit_s):
                start = time.perf_counter()
                async with self._decoded:
                    self._observe("wait", start)
                    if await gone():
                        raise LimitError(408, "gone", "the client closed the connection")
                    photo, pixels, options = await self._in_thread(lambda: self._decode(job))
                    start = time.perf_counter()
                    prob = await self._batcher(pixels)
                    self._observe("network", start)
                    return await self._in_thread(lambda: self._finish(job, photo, prob, options))
        except TimeoutError as error:
            message = f"no answer within {self.settings.time_limit_s:g} s: try again, or a smaller picture"
            raise LimitError(503, "time-limit", message, headers={"Retry-After": "5"}) from error

    def _decode(self, job: Job) -> tuple[Photo, Image, Options]:
        """The photo, what the network is shown of it, and the options with the background picture."""
        start = time.perf_counter()
        limit = self.settings.max_pixels
        photo = _at_most(load_photo(job.data, max_pixels=limit), job.most_pixels)
        options = job.options
        if job.background is not None:
            options = replace(options, picture=load_image(job.background, max_pixels=limit))
        image = check_size(photo.image)
        pixels = to_input(image, self.segmenter.spec.input_size(image.shape[:2]))
        self._observe("decode", start)
        return photo, pixels, options

    def _finish(self, job: Job, photo: Photo, prob: Alpha, options: Options) -> Made:
        start = time.perf_counter()
        height, width = photo.pixels.shape[:2]
        confidence = expected_iou(prob)
        alpha = refined_alpha(photo, to_alpha(prob, (height, width)), options)
        alpha = adjusted_alpha(photo, alpha, options)
        frame = frame_shown(alpha, options)
        finished = storable(compose(photo, alpha, options), options, f".{job.format}")
        start = self._observe("finish", start)
        data = encode_photo(finished, f".{job.format}", compress=job.compress, metadata=job.metadata)
        self._observe("encode", start)
        height, width = finished.pixels.shape[:2]
        return Made(
            data=data,
            size=(height, width),
            frame=frame,
            box=find_subject(alpha),
            subject_fraction=float(alpha.mean()),
            confidence=confidence,
        )

    async def _in_thread(self, function: Callable[[], Result]) -> Result:
        """The result of work on one core, or on all of them for a request that is alone."""
        alone = self.accepted - self.answered <= 1

        def kept() -> Result:
            with keep_to(0 if alone else 1):
                return function()

        return await asyncio.get_running_loop().run_in_executor(self._pool, kept)

    def _observe(self, stage: str, start: float) -> float:
        now = time.perf_counter()
        self.telemetry.stages.labels(stage).observe(now - start)
        return now


def _at_most(photo: Photo, pixels: int | None) -> Photo:
    height, width = photo.pixels.shape[:2]
    if pixels is None or height * width <= pixels:
        return photo
    scale = (pixels / (height * width)) ** 0.5
    size = (max(1, int(height * scale)), max(1, int(width * scale)))
    opacity = None if photo.alpha is None else resize(photo.alpha, size)
    return replace(photo, pixels=resize(photo.pixels, size), alpha=opacity)
