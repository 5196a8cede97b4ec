"""Many pictures on the web page: queue, camera, settings for all or each, ZIP, dragging, memory."""

import base64
import io
import logging
import zipfile

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import FilePayload, Page
from starlette.testclient import TestClient

from tests.conftest import PORTRAIT
from tests.server.browsing import give, settle
from tests.server.conftest import PHOTO

LOG = logging.getLogger(__name__)


def test_several_pictures_and_the_camera(page: Page) -> None:
    give(page, PORTRAIT, PORTRAIT)
    page.wait_for_selector("#photos li:nth-child(2) [data-state=done]")
    page.click("#strip [data-do=camera]")
    while not page.locator("video").evaluate("(video) => video.videoWidth"):
        page.wait_for_timeout(50)
    page.click("#take")
    page.wait_for_selector("#photos li:nth-child(3) [data-state=done]")
    assert page.locator("video").evaluate("(video) => video.srcObject.active") is False


def test_the_camera_live_before_a_blur(page: Page) -> None:
    page.click("#welcome [data-do=camera]")
    while not page.locator("video").evaluate("(video) => video.videoWidth"):
        page.wait_for_timeout(50)
    page.check("#live-blur")
    page.wait_for_selector("#live canvas:visible")
    page.uncheck("#live-blur")
    page.wait_for_selector("#live canvas", state="hidden")
    page.click("[data-do=close-camera]")


def test_settings_for_all_or_for_one(page: Page, client: TestClient) -> None:
    page.add_init_script("delete window.showSaveFilePicker")
    page.reload()
    give(page, PORTRAIT, PORTRAIT)
    page.wait_for_selector("#photos li:nth-child(2) [data-state=done]")
    page.check("#own")
    page.check("[value=grey]", force=True)
    settle(page)
    page.click("#photos li:nth-child(2) button")
    settle(page)
    assert page.locator("[value=transparent]").is_checked()
    page.click("summary")
    page.fill("#feather", "3")
    settle(page)
    with page.expect_download() as waiting:
        page.click("#download-all")
    assert waiting.value.suggested_filename == "limner.zip"
    own = client.post("/v1/cutout", content=PHOTO, params={"background": "grey"}).content
    shared = client.post("/v1/cutout", content=PHOTO, params={"feather": "3"}).content
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.testzip() is None
        made = {name: archive.read(name) for name in archive.namelist()}
    assert made == {"eileen-collins-composite.png": own, "eileen-collins-cutout.png": shared}


def test_the_zip_is_written_as_it_is_made(page: Page, client: TestClient) -> None:
    """To a file that the person chose; here one of the browser's own, since nobody can choose."""
    page.add_init_script(
        """window.showSaveFilePicker = async ({ suggestedName }) =>
             (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });"""
    )
    page.reload()
    broken = FilePayload(name="broken.jpg", mimeType="image/jpeg", buffer=PHOTO[:5000])
    page.set_input_files("#files", [broken])
    give(page, PORTRAIT, PORTRAIT)
    page.wait_for_selector("#queue", state="hidden")
    page.click("#download-all")
    page.get_by_text("2 pictures are saved.").wait_for()
    data = page.evaluate(
        """async () => {
          const folder = await navigator.storage.getDirectory();
          const file = await (await folder.getFileHandle("limner.zip")).getFile();
          const bytes = new Uint8Array(await file.arrayBuffer());
          return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
        }"""
    )
    cutout = client.post("/v1/cutout", content=PHOTO).content
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(data))) as archive:
        made = {name: archive.read(name) for name in archive.namelist()}
    assert made == {"eileen-collins-cutout.png": cutout, "eileen-collins-cutout-2.png": cutout}


def test_a_result_is_dragged_out(page: Page) -> None:
    give(page, PORTRAIT)
    drag = """(button) => {
      const dataTransfer = new DataTransfer();
      button.dispatchEvent(new DragEvent("dragstart", { dataTransfer, bubbles: true, cancelable: true }));
      return dataTransfer.getData("DownloadURL");
    }"""
    thumbnail = page.locator("#photos button")
    assert thumbnail.evaluate(drag).startswith("image/png:eileen-collins-cutout.png:blob:")
    page.check("[value=grey]", force=True)
    settle(page)
    assert thumbnail.evaluate(drag) == ""
    thumbnail.dispatch_event("pointerdown")
    page.wait_for_timeout(1500)
    assert thumbnail.evaluate(drag).startswith("image/png:eileen-collins-composite.png:blob:")


@pytest.mark.slow
def test_two_hundred_pictures_do_not_fill_the_memory(page: Page) -> None:
    portrait = PIL.Image.open(PORTRAIT)
    client = page.context.new_cdp_session(page)

    def heap() -> float:
        """MB of the page's memory that is in use."""
        client.send("HeapProfiler.collectGarbage")
        used = client.send("Runtime.getHeapUsage")
        return float(used["usedSize"] + used.get("backingStorageSize", 0)) / 1e6

    heaps = []
    for batch in range(10):
        files = []
        for i in range(20):
            file = io.BytesIO()
            portrait.resize((640 + 20 * batch + i, 640)).save(file, "JPEG")
            files.append(FilePayload(name=f"{batch}-{i}.jpg", mimeType="image/jpeg", buffer=file.getvalue()))
        page.set_input_files("#files", files)
        page.wait_for_selector("#queue", state="hidden")
        assert page.locator("#photos [data-state=done]").count() == 20 * (batch + 1)
        for i in (0, 7, 19):
            page.click(f"#photos li:nth-child({20 * batch + i + 1}) button")
            settle(page)
        heaps.append(heap())
    LOG.info("MB in use after each 20 pictures: %s", np.round(heaps, 1).tolist())
    assert heaps[-1] < heaps[0] + 20
