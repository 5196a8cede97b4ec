"""From uploaded bytes to an encoded picture: admitted, then cut in a thread as the command does it.

Only the network is not the thread's own: it is run for the pictures that wait together.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import anyio
import numpy as np
from starlette.types import Receive

from limner.errors import InputError
from limner.images import (
    Alpha,
    Animation,
    Image,
    Metadata,
    Photo,
    Size,
    load_image,
    picture_size,
    resize,
)
from limner.models.segmenter import Segmenter, check_size
from limner.models.spec import to_alpha, to_input
from limner.parallel import keep_to
from limner.rendering.layout import at_most
from limner.rendering.options import Options
from limner.rendering.outline import Frame, find_subject
from limner.rendering.pipeline import Segment, read_frames, run, stage_clock
from limner.rendering.render import frame_shown
from limner.server.archive import as_zip
from limner.server.batching import Batcher
from limner.server.fetch import Fetcher
from limner.server.keys import Keyring
from limner.server.problems import LimitError
from limner.server.sandbox import Sandbox
from limner.server.settings import Settings
from limner.server.telemetry import Telemetry

LEAST_CONFIDENCE = 0.5
"""A cut-out that is less good, as expected, is not of a person: of 276 photos of people, none is."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is asked for."""

    data: bytes  # the picture, as it was uploaded
    options: Options
    format: str = "png"  # of the result, a key of `limner.server.options.FORMATS`, or zip (see `as_zip`)
    compress: bool = False
    metadata: Metadata = "no-gps"
    background: bytes | None = None  # a picture, as it was uploaded
    alpha: bytes | None = None  # a grey picture, instead of the network's alpha; an animation becomes a still
    most_pixels: int | None = None  # a larger picture is made smaller first, an animation becomes a still


@dataclass(frozen=True, kw_only=True)
class Made:
    """The answer; what it says of the subject is of an animation's first frame."""

    data: bytes
    size: tuple[int, int]  # height, width of the result
    frame: Frame  # what it shows of the upright picture
    box: Frame | None  # of the subject in the upright picture, if there is one
    input_size: Size  # of the upright picture, before it was made smaller
    subject_fraction: float
    confidence: float  # see `expected_iou`

    @property
    def shows_person(self) -> bool:
        """Whether a person was found."""
        return self.box is not None and self.confidence >= LEAST_CONFIDENCE


class BackgroundError(InputError):
    """The background cannot be used."""


class Service:
    """One model and one queue, with their numbers."""

    def __init__(self, segmenter: Segmenter | Sandbox, settings: Settings) -> None:
        self.segmenter, self.settings = segmenter, settings
        self.telemetry = Telemetry(settings.queue)
        self.fetch = Fetcher(settings.urls, max_bytes=settings.max_bytes, time_s=settings.upload_s)
        self.keyring = Keyring(settings.keys)
        self.accepted = 0  # since the start
        self.answered = 0
        self._network: asyncio.Task[None] | None = None
        places = settings.workers + settings.batch  # bounds the memory: so many pictures are decoded
        self._places, self._pool = asyncio.Semaphore(places), ThreadPoolExecutor(places, "limner")
        self._cores = threading.Semaphore(settings.workers)
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
            await asyncio.to_thread(self._pool.shutdown)  # what it still does may need the network
            self._network.cancel()

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

    async def make(self, job: Job, receive: Receive) -> Made:
        """Do a job.

        Args:
            job: What is asked for.
            receive: Of the request, whose body has been read: tells when the client has left.

        Raises:
            InputError: If the picture or an option cannot be used.
            LimitError: If it takes longer than the limit, or the client has left.
        """
        work, watch = asyncio.ensure_future(self._in_turn(job)), asyncio.ensure_future(_disconnected(receive))
        try:
            with anyio.fail_after(self.settings.time_limit_s):
                await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise LimitError(408, "gone", "the client closed the connection")
            return work.result()
        except TimeoutError as error:
            message = f"no answer within {self.settings.time_limit_s:g} s: try again, or a smaller picture"
            raise LimitError(503, "time-limit", message, headers={"Retry-After": "5"}) from error
        finally:
            work.cancel()
            watch.cancel()

    async def _in_turn(self, job: Job) -> Made:
        clock = stage_clock(self.telemetry.observe_stage)
        async with self._places:
            clock("wait")
            return await self._in_thread(job)

    async def _in_thread(self, job: Job) -> Made:
        """A job done on one core, or on all of them where it is alone; given up with this task."""
        loop = asyncio.get_running_loop()
        alone = self.accepted - self.answered <= 1
        given_up = threading.Event()
        asked: list[Future[Alpha]] = []

        def segment(image: Image) -> Alpha:
            pixels = to_input(check_size(image), self.segmenter.spec.input_size(image.shape[:2]))
            asked[:] = [asyncio.run_coroutine_threadsafe(self._batcher(pixels), loop)]
            if given_up.is_set():
                asked[0].cancel()
            self._cores.release()
            try:
                prob = asked[0].result()
            finally:
                self._cores.acquire()
            return to_alpha(prob, image.shape[:2])

        def work() -> Made:
            with self._cores, keep_to(0 if alone else 1):
                return self._cut(job, segment)

        try:
            return await loop.run_in_executor(self._pool, work)
        finally:
            given_up.set()
            for one in asked:
                one.cancel()

    def _cut(self, job: Job, segment: Segment) -> Made:
        """What `limner cut` does, within the limits of the server."""
        options, extension = self._ready_options(job), f".{job.format}"
        seen: list[tuple[Frame, Frame | None, Size, float]] = []

        def on_alpha(alpha: Alpha) -> None:
            if not seen:
                size = alpha.shape[0], alpha.shape[1]
                seen.append((frame_shown(alpha, options), find_subject(alpha), size, float(alpha.mean())))

        if isinstance(self.segmenter, Sandbox):
            options = replace(options, refine="none")  # that takes a network
        on_stage = stage_clock(self.telemetry.observe_stage)
        made = run(
            self._decode(job),
            segment,
            options,
            extension=extension,
            compress=job.compress,
            metadata=job.metadata,
            on_stage=on_stage,
            on_alpha=on_alpha,
            alpha=None if job.alpha is None else self._read_alpha(job.alpha),
            encode=as_zip if job.format == "zip" else None,
        )
        frame, box, size, fraction = seen[0]
        input_size = size if job.most_pixels is None else picture_size(job.data)
        return Made(
            data=made.data,
            size=made.size,
            frame=frame,
            box=box and box.resized(size, input_size),
            input_size=input_size,
            subject_fraction=fraction,
            confidence=made.confidence,
        )

    def _ready_options(self, job: Job) -> Options:
        """With the background, and with a layout for the picture as it will be."""
        options = job.options
        if job.background is not None:
            try:
                picture = load_image(job.background, max_pixels=self.settings.max_pixels)
            except InputError as error:
                raise BackgroundError(str(error)) from error
            options = replace(options, picture=picture)
        if options.layout and options.layout.region:
            size = picture_size(job.data)
            options = replace(options, layout=options.layout.resized(size, at_most(size, job.most_pixels)))
        return options

    def _read_alpha(self, data: bytes) -> Alpha:
        try:
            grey = load_image(data, max_pixels=self.settings.max_pixels)[..., 0]
        except InputError as error:
            raise InputError(f"alpha: {error}") from error
        return grey.astype(np.float32) / np.float32(255)

    def _decode(self, job: Job) -> Animation:
        """The frames of what was uploaded, where the format of the result holds them; else the first one."""
        limit = self.settings.max_pixels
        still = job.most_pixels is not None or job.alpha is not None
        extension = "" if still else f".{job.format}"
        frames, plays = read_frames(job.data, extension, max_pixels=limit, max_all=limit)
        smaller = ((_reduced(photo, job.most_pixels), duration_ms) for photo, duration_ms in frames)
        return Animation(smaller, plays)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reduced(photo: Photo, pixels: int | None) -> Photo:
    height, width = photo.pixels.shape[:2]
    size = at_most((height, width), pixels)
    if size == (height, width):
        return photo
    opacity = None if photo.alpha is None else resize(photo.alpha, size)
    return replace(photo, pixels=resize(photo.pixels, size), alpha=opacity)
