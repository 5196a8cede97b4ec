"""What every request passes: the API key, the security headers, HEAD, the count."""

import hmac
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.server.problems import RefusedError, answer
from limner.server.settings import Settings
from limner.server.telemetry import Telemetry

LOCKED = ("/v1", "/metrics")
"""Paths that need the key, where there is one; the page and the health checks do not."""

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


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, settings: Settings, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        self._key = settings.api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500
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
            elif bare and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            if self._key and scope["path"].startswith(LOCKED) and not self._knows_key(scope):
                problem = RefusedError(
                    401,
                    "auth_failed",
                    "the API key is missing or wrong: send it as Authorization: Bearer KEY, or as X-Api-Key",
                    headers={"WWW-Authenticate": "Bearer"},
                )
                self._telemetry.rejected.labels(problem.code).inc()
                await answer(problem, scope["path"])(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._telemetry.requests.labels(route, str(status)).inc()
            self._telemetry.seconds.labels(route).observe(time.perf_counter() - start)

    def _knows_key(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        return hmac.compare_digest(given.encode(), self._key)
