"""The limits of a server."""

from dataclasses import dataclass, field

from limner.errors import InputError
from limner.parallel import thread_count
from limner.server.keys import Key


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a server accepts, and how much at a time."""

    queue: int = 32  # requests accepted at a time, uploads included; more are refused with 429
    batch: int = 8  # images that go through the network together, at most
    window_s: float = 0.002  # how long the network waits for a batch to fill
    workers: int = field(default_factory=thread_count)  # threads that decode, finish and encode
    max_bytes: int = 32_000_000  # of a request's body
    max_pixels: int = 50_000_000  # of a picture, or of all frames of an animation together
    upload_s: float = 30.0  # for a whole upload
    time_limit_s: float = 60.0  # from a whole upload to the answer
    urls: tuple[str, ...] = ()  # hosts that pictures are fetched from, see `limner.server.fetch`; empty: none
    keys: tuple[Key, ...] = ()  # at the start; none: no key is asked for
    origins: tuple[str, ...] = ()  # web sites that may call from their own pages (CORS); "*" is any

    def __post_init__(self) -> None:
        for name in ("queue", "batch", "workers", "max_bytes", "max_pixels", "upload_s", "time_limit_s"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")
