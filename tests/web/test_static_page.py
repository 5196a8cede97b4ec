"""The page that `limner web` writes, in Chromium, under a sub-path of a static host."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from limner.errors import InputError
from limner.images import load_image, save_image, to_uint8
from limner.static_page import page_folder, write_page
from tests.conftest import PORTRAIT, decode
from tests.web.conftest import Host
from tests.web.pictures import python_cut

DRAWN = "#stage[aria-busy=false]"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, host: Host) -> Iterator[Page]:
    """The page, kept for use offline; it asks nobody but its host, and breaks no rule of its own."""
    strange: list[str] = []
    context.on("request", lambda sent: None if own(sent.url, host) else strange.append(sent.url))
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.on("console", lambda line: strange.append(line.text) if line.type == "error" else None)
    page.goto(f"{host.origin}/apps/limner/")
    page.evaluate("navigator.serviceWorker.ready")
    yield page
    assert [line for line in strange if "501" not in line] == []  # the host takes no POST


def own(url: str, host: Host) -> bool:
    return url.startswith((f"{host.origin}/apps/limner/", f"blob:{host.origin}/"))


def cut(page: Page, photo: Path) -> bytes:
    page.set_input_files("#files", photo)
    page.wait_for_selector(DRAWN)
    with page.expect_download() as waiting:
        page.click("#download")
    return Path(waiting.value.path()).read_bytes()


def test_nothing_is_sent(page: Page, host: Host, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    save_image(photo, load_image(PORTRAIT))
    made = decode(cut(page, photo))
    alpha = to_uint8(python_cut(load_image(photo), "small").alpha)
    assert np.abs(made[..., 3].astype(int) - alpha).max() <= 1
    assert {method for method, _ in host.asked} == {"GET"}
    assert all("?" not in path for _, path in host.asked)
    assert page.locator("header").inner_text().endswith("0 bytes sent.")


def test_each_file_is_loaded_once(page: Page, host: Host) -> None:
    cut(page, PORTRAIT)
    hashed = [path for _, path in host.asked if path.endswith((".js", ".mjs", ".onnx", ".wasm"))]
    hashed = [path for path in hashed if not path.endswith("service-worker.js")]
    assert [path for path in hashed if hashed.count(path) > 1] == []
    assert not any("base" in path for path in hashed)


def test_it_works_offline(page: Page, context: BrowserContext, host: Host) -> None:
    host.close()
    page.reload()
    assert len(cut(page, PORTRAIT)) > 10_000


def test_pictures_are_shared_with_it(page: Page, host: Host) -> None:
    page.reload()  # now the service worker has it
    page.evaluate(
        """async (photo) => {
          const form = new FormData();
          form.append("pictures", await (await fetch(photo)).blob(), "two names.png");
          await fetch("share", { method: "POST", body: form });
        }""",
        "icon-192.png",
    )
    page.reload()
    page.wait_for_selector("#photos [aria-label*='two names.png']")
    assert {method for method, _ in host.asked} == {"GET"}


def test_other_pages_use_the_engine_by_a_name_that_stays(page: Page) -> None:
    assert page.evaluate("import('./limner.js').then((module) => typeof module.cutout)") == "function"


def test_what_is_sent_is_told(page: Page) -> None:
    page.reload()
    page.evaluate("fetch('elsewhere', { method: 'POST', body: 'x'.repeat(1234) })")
    page.wait_for_selector("text=1234 bytes sent.")


def test_only_a_page_is_replaced(assets: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        write_page(tmp_path, assets)
    target = tmp_path / "page"
    write_page(target, assets)
    (target / "engine-0123456789").mkdir()
    (target / "engine-0123456789" / "old.js").write_text("old")
    written = write_page(target, assets)
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert found == set(written)


def test_a_name_changes_with_the_content(assets: Path, tmp_path: Path) -> None:
    before = page_folder(assets)
    changed = tmp_path / "assets"
    shutil.copytree(assets, changed)
    (changed / "models" / "edge.onnx").write_bytes(b"another")
    after = page_folder(changed)
    names = {name.partition("-")[0] for name in before.keys() ^ after.keys()}
    assert names == {"models/edge", "engine", "page"}  # and no more
