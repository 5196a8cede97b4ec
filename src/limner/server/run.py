"""Serve until a signal comes, then finish what was accepted."""

import asyncio
import math
import signal
import socket

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from limner.errors import InputError

HEAD_TIMEOUT_S = 10.0
"""How long a connection may take for the head of a request, from its start or from the last answer."""


class Connection(H11Protocol):
    """Uvicorn's, but closed when no request comes: uvicorn would wait for a slow head for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start to wait for the next request."""
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._close_without_request)

    def _close_without_request(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: If there can be none at that address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise InputError(
            f"cannot listen on {host}, port {port}: {error.strerror}; choose another --port"
        ) from error


def make_server(app: FastAPI, *, stop_s: float) -> uvicorn.Server:
    """Uvicorn, set up.

    Args:
        app: The application.
        stop_s: Longest time for the requests that are under way when it is to stop, seconds.
    """
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,  # it would hold addresses
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(stop_s),
    )
    return uvicorn.Server(config)


def serve(app: FastAPI, listener: socket.socket, *, stop_s: float) -> None:
    """Answer requests until SIGINT or SIGTERM comes, then finish what was accepted; see `make_server`."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # uvicorn raises it again when all is done
    make_server(app, stop_s=stop_s).run(sockets=[listener])
