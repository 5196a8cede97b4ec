import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from starlette.testclient import TestClient

from limner.models.segmenter import Segmenter
from limner.server import Settings, create_app
from limner.server.run import listen, make_server
from tests.conftest import PORTRAIT

PHOTO = PORTRAIT.read_bytes()


@pytest.fixture(scope="session")
def segmenter() -> Segmenter:
    return Segmenter(device="cpu")


@pytest.fixture(scope="module")
def client(segmenter: Segmenter) -> Iterator[TestClient]:
    """An application in this process, without a socket."""
    with TestClient(create_app(segmenter)) as client:
        yield client


@contextlib.contextmanager
def served(segmenter: Segmenter, settings: Settings) -> Iterator[int]:
    """A server in a thread; the port."""
    app = create_app(segmenter, settings)
    listener = listen("127.0.0.1", 0)
    server = make_server(app, stop_s=10)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address(segmenter: Segmenter) -> Iterator[str]:
    with served(segmenter, Settings()) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, freshly opened; it may ask nobody but its server, and make no mistake."""
    page = browser.new_page(viewport={"width": 1200, "height": 820})
    page.set_default_timeout(60_000)
    strange: list[str] = []
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.on("request", lambda request: strange.append(request.url) if not own(request.url) else None)
    page.on("console", lambda line: strange.append(line.text) if "Content Security" in line.text else None)

    def own(url: str) -> bool:
        return url.startswith((address, f"blob:{address}", "data:"))

    page.goto(address)
    yield page
    page.close()
    assert strange == []


def head(path: str = "/v1/cutout", *headers: str) -> bytes:
    """The head of a POST request."""
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def read_answer(connection: socket.socket) -> bytes:
    """All that comes until the server is done with the head and, of small answers, the body."""
    connection.settimeout(60)
    data = b""
    while b"}" not in data:
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return data


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """A web server on this machine that has the photo at every path, and where it listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PHOTO)))
            self.end_headers()
            self.wfile.write(PHOTO)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
