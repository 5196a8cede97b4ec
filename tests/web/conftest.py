import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from limner.static_page import write_page
from tests.conftest import ROOT
from tests.test_docs import script

WEB = ROOT / "web"


def needed(what: str | None, message: str) -> str:
    """What a test needs of the machine; without it, the test is skipped, or in CI fails."""
    if what is None:
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return what


@pytest.fixture(scope="session")
def build() -> ModuleType:
    """The script that puts the files of the npm package together, with its models laid."""
    module = script("build_web")
    runtime = module.RUNTIME if module.RUNTIME.exists() else None
    needed(runtime, "needs onnxruntime-web (npm ci --prefix web --ignore-scripts)")
    module.lay_models()
    return module


@pytest.fixture(scope="session")
def node(build: ModuleType) -> str:
    return needed(shutil.which("node"), "needs Node.js 18 or newer")


@pytest.fixture(scope="session")
def assets(build: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("limner_web")
    build.lay_assets(folder)
    return folder


class Host:
    """A static web server, and what it was asked for: method and path of each request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str]] = []
        asked = self.asked

        class Handler(http.server.SimpleHTTPRequestHandler):
            extensions_map = {  # noqa: RUF012
                **http.server.SimpleHTTPRequestHandler.extensions_map,
                ".mjs": "text/javascript",
                ".js": "text/javascript",
                ".wasm": "application/wasm",
            }

            def log_request(self, *_: object) -> None:
                asked.append((self.command, self.path))

            def log_message(self, *_: object) -> None:
                pass

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def host(assets: Path, tmp_path: Path) -> Iterator[Host]:
    """The static page under a sub-path of a host: /apps/limner/."""
    write_page(tmp_path / "apps" / "limner", assets)
    running = Host(tmp_path)
    yield running
    running.close()
