"""The site of the documentation: built strictly, complete, without anything from elsewhere."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from limner import __all__ as names
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def build(
    target: Path, *, config: Path = ROOT / "mkdocs.yml", **environ: str
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(config)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1", **environ}
    command += ["--site-dir", str(target)]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    run = build(target)
    assert run.returncode == 0, run.stderr
    return target


def test_every_guide_and_every_public_name_is_there(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        place = page.relative_to(ROOT / "docs").with_suffix(".html")
        moved = {"README.html": "guides.html", "reference/python.html": "reference/api.html"}
        assert (site / moved.get(str(place), place)).exists(), place
    api = (site / "reference" / "api.html").read_text(encoding="utf-8")
    assert all(f'id="limner.{name}"' in api for name in names)
    places = {
        entry["location"] for entry in json.loads((site / "search" / "search_index.json").read_text())["docs"]
    }
    assert "reference/api.html#limner.cut" in places


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)\b[^>]*\bsrc="(https?:[^"]*)"', text)
        loaded += re.findall(r'<link\b(?![^>]*rel="canonical")[^>]*\bhref="(https?:[^"]*)"', text)
        assert not loaded, page


def test_links_lead_to_the_repository_where_it_has_an_address(site: Path, tmp_path: Path) -> None:
    own = "recipes/own.toml"
    assert f'/{own}"' not in (site / "train-your-own.html").read_text(encoding="utf-8")
    assert build(tmp_path, LIMNER_REPOSITORY="https://example.org/limner").returncode == 0
    text = (tmp_path / "train-your-own.html").read_text(encoding="utf-8")
    assert f'href="https://example.org/limner/blob/main/{own}"' in text


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_in_a_browser_the_search_finds_and_sliders_slide(address: str, browser: Browser) -> None:
    page = browser.new_page()
    elsewhere = list[str]()
    page.on("request", lambda request: elsewhere.append(request.url))
    page.goto(f"{address}/gallery.html")
    figure = page.locator("figure.compare").first
    figure.locator("input").fill("20")
    assert figure.locator(".pictures").evaluate("it => it.style.getPropertyValue('--at')") == "20%"
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("identity photo")
    page.locator(".md-search-result__link", has_text="Identity photos").first.wait_for()
    assert all(url.startswith((address, "data:", "blob:")) for url in elsewhere)
    page.close()
