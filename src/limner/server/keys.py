"""API keys: who may call, and how often."""

import hashlib
import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

from limner.errors import InputError
from limner.server.problems import LimitError

WINDOW_S = 60.0
"""How long a limit counts: from a key's first request on, then anew."""

_LINE = re.compile(r"([!-~]+)(?:\s+([1-9]\d{0,8})/minute)?")


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key, known by its hash alone."""

    digest: str  # SHA-256, hexadecimal
    per_minute: int | None = None  # requests a minute at most; None: any number

    @property
    def name(self) -> str:
        """What logs and metrics call it."""
        return self.digest[:8]


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What a key with a limit may still do."""

    limit: int  # requests a minute
    remaining: int
    reset: int  # when the minute is over, Unix seconds

    @property
    def headers(self) -> dict[str, str]:
        """Of the response."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class Keyring:
    """The keys of a server; they may be replaced while it runs."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.replace(keys)
        self._used: dict[str, tuple[float, int]] = {}  # digest -> end of the minute, Unix; requests in it

    def __bool__(self) -> bool:
        return bool(self._keys)

    def replace(self, keys: Iterable[Key]) -> None:
        """Know these keys from now on; what a key has used of its minute stays used."""
        self._keys = {key.digest: key for key in keys}

    def find(self, text: str) -> Key | None:
        """The key that a client sent, if it is known."""
        return self._keys.get(_digest(text))

    def take(self, key: Key) -> Allowance | None:
        """Count a request of a key; None where it has no limit.

        Raises:
            LimitError: If it has made all that it may in this minute.
        """
        if key.per_minute is None:
            return None
        now = time.time()
        end, used = self._used.get(key.digest, (0.0, 0))
        if now >= end:
            end, used = now + WINDOW_S, 0
        left = key.per_minute - used - 1
        allowance = Allowance(limit=key.per_minute, remaining=max(left, 0), reset=math.ceil(end))
        if left < 0:
            wait = math.ceil(end - now)
            message = f"this key has {key.per_minute} requests a minute: wait {wait} s"
            headers = {**allowance.headers, "Retry-After": str(wait)}
            raise LimitError(429, "rate_limit_exceeded", message, headers=headers)
        self._used[key.digest] = end, used + 1
        return allowance


def parse_keys(text: str) -> tuple[Key, ...]:
    """Keys from a text: one a line, after it ``60/minute`` where it has a limit; ``#`` begins a comment.

    Raises:
        InputError: If a line says something else, a key comes twice, or there is none.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].strip()
        found = _LINE.fullmatch(line)
        if line and not found:
            raise InputError(
                f"line {number} of the API keys: a key in ASCII, then nothing or a limit such as 60/minute"
            )
        if found:
            key = Key(digest=_digest(found[1]), per_minute=int(found[2]) if found[2] else None)
            if key.digest in keys:
                raise InputError(f"line {number} of the API keys: the key stands there twice")
            keys[key.digest] = key
    if not keys:
        raise InputError("there is no API key: write one a line")
    return tuple(keys.values())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
