"""What every request passes: its id, the API key and its limit, the security headers, HEAD, count and log."""

import json
import logging
import re
import time
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.server.keys import Key, Keyring
from limner.server.problems import RefusedError, answer, own_path
from limner.server.telemetry import Telemetry

LOCKED = ("/v1/", "/v1.0/", "/api/", "/metrics")
"""Paths that need a key, where there is one; the page and the health checks do not."""

METERED = ("/v1/cutout", "/v1.0/removebg", "/api/remove")
"""Paths whose requests count for the limit of a key."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every response."""

REQUEST_ID = "X-Request-ID"
"""The header in which a client may name its request, and always finds the name."""

SHOWN = (REQUEST_ID, "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
"""Headers of a response that pages of other web sites may read."""

LOG = logging.getLogger("limner.server.requests")
"""Told each request, at level INFO, as one JSON object."""


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, keyring: Keyring, telemetry: Telemetry) -> None:
        self._app, self._keyring, self._telemetry = app, keyring, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500
        own: dict[str, str] = {}  # headers of this response
        state = scope.setdefault("state", {})
        state["request_id"] = own[REQUEST_ID] = _request_id(Headers(scope=scope))
        bare = scope["method"] == "HEAD"
        if bare:  # answered as GET is, without the body
            scope = {**scope, "method": "GET"}

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.update(own)
            elif bare and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            own |= self._admit(scope)
        except RefusedError as problem:
            self._telemetry.rejected.labels(problem.code).inc()
            state["code"] = problem.code
            await answer(problem, own_path(scope))(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)
        finally:
            self._tell(scope, status, time.perf_counter() - start)

    def _admit(self, scope: Scope) -> Mapping[str, str]:
        """Headers that tell what is left of the key's limit.

        Raises:
            RefusedError: If the key is wrong, or has reached its limit.
        """
        if not self._keyring or not own_path(scope).startswith(LOCKED):
            return {}
        key = self._keyring.find(_sent_key(Headers(scope=scope)))
        if key is None:
            raise RefusedError(
                401,
                "auth_failed",
                "the API key is missing or wrong: send it as Authorization: Bearer KEY, or as X-Api-Key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        scope["state"]["key"] = key
        allowance = self._keyring.take(key) if own_path(scope) in METERED else None
        return allowance.headers if allowance else {}

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        """Count and log an answer: of the client only its key's hash, of the picture nothing."""
        route = getattr(scope.get("route"), "path", "other")
        self._telemetry.requests.labels(route, str(status)).inc()
        self._telemetry.seconds.labels(route).observe(seconds)
        key: Key | None = scope["state"].get("key")
        if key:
            self._telemetry.keys.labels(key.name, str(status)).inc()
        if LOG.isEnabledFor(logging.INFO):
            record: dict[str, Any] = {
                "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                "request_id": scope["state"]["request_id"],
                "key": key and key.name,
                "method": scope["method"],
                "route": route,
                "status": status,
                "code": scope["state"].get("code"),
                "ms": round(1e3 * seconds, 1),
            }
            LOG.info(json.dumps(record))


def _request_id(headers: Headers) -> str:
    sent = headers.get(REQUEST_ID, "")
    return sent if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", sent) else uuid.uuid4().hex


def _sent_key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else headers.get("x-api-key", "")
