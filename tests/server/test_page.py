"""The web page in a real Chromium."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FilePayload, Page
from starlette.testclient import TestClient

from limner.models.segmenter import Segmenter
from limner.rendering.identity import ID_PHOTOS
from limner.server import Settings, parse_keys
from tests.conftest import PORTRAIT, decode
from tests.server.browsing import DRAWN, give, settle
from tests.server.conftest import PHOTO, served
from tests.server.test_api import as_png

KEY = "k3y-of-the-page"
DROP = """([name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const event = EVENT;
  document.body.dispatchEvent(event);
}"""
DROPPED = DROP.replace("EVENT", 'new DragEvent("drop", { dataTransfer: transfer, bubbles: true })')
PASTED = DROP.replace("EVENT", 'new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })')


def preview(page: Page, canvas: str = "#after") -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(H, W, 4) uint8 of a canvas."""
    url = page.evaluate("(canvas) => document.querySelector(canvas).toDataURL()", canvas)
    return decode(base64.b64decode(url.partition(",")[2]))


def download(page: Page) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.click("#download")
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


@pytest.mark.parametrize("script", [DROPPED, PASTED], ids=["dropped", "pasted"])
def test_from_the_photo_to_the_download(page: Page, client: TestClient, script: str) -> None:
    page.evaluate(script, ["eileen.jpg", "image/jpeg", base64.b64encode(PHOTO).decode()])
    page.wait_for_selector(DRAWN)
    cutout = client.post("/v1/cutout", content=PHOTO).content
    assert download(page) == ("eileen-cutout.png", cutout)
    np.testing.assert_array_equal(preview(page)[..., 3], decode(cutout)[..., 3])
    np.testing.assert_array_equal(preview(page, "#before")[..., :3], decode(PHOTO))

    page.locator("#split").fill("20")
    assert (
        page.locator("#photo-layer").evaluate("(layer) => getComputedStyle(layer).clipPath")
        == "inset(0px 80% 0px 0px)"
    )

    page.check("[value=colour]", force=True)
    page.click("[aria-label=Blue]")
    page.check("[value=jpg]", force=True)
    options = {"background": "#2f5d8a", "format": "jpg"}
    assert download(page) == (
        "eileen-composite.jpg",
        client.post("/v1/cutout", content=PHOTO, params=options).content,
    )


def test_the_copy_is_the_download(page: Page, address: str, client: TestClient) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    give(page, PORTRAIT)
    page.click("#copy")
    page.wait_for_selector("text=on the clipboard")
    url = page.evaluate(
        """async () => {
          const [item] = await navigator.clipboard.read();
          const blob = await item.getType("image/png");
          return new Promise((give) => {
            const reader = new FileReader();
            reader.onload = () => give(reader.result);
            reader.readAsDataURL(blob);
          });
        }"""
    )
    copied = decode(base64.b64decode(url.partition(",")[2]))
    cutout = decode(client.post("/v1/cutout", content=PORTRAIT.read_bytes()).content)
    np.testing.assert_array_equal(copied[..., 3], cutout[..., 3])
    seen = cutout[..., 3] == 255
    np.testing.assert_array_equal(copied[seen], cutout[seen])


@pytest.mark.parametrize("edge", [{"shift": "4.5"}, {"shift": "-3"}, {"shift": "2", "feather": "6"}])
def test_the_edge_moves_as_on_the_server(page: Page, client: TestClient, edge: dict[str, str]) -> None:
    give(page, PORTRAIT)
    page.click("summary")
    for name, value in edge.items():
        page.locator(f"#{name}").fill(value)
    settle(page)
    made = decode(client.post("/v1/cutout", content=PHOTO, params=edge).content)
    difference = np.abs(preview(page)[..., 3].astype(int) - made[..., 3])
    assert difference.max() <= 2


def choose(page: Page, options: dict[str, str]) -> None:
    """Set the controls to options of the server."""
    if not page.locator("details").evaluate("(details) => details.open"):
        page.click("summary")
    for name, value in options.items():
        if name == "background" and value.startswith("#"):
            page.check("[value=colour]", force=True)
            page.locator("[name=colour]").fill(value)
        elif name == "output":
            page.check("[name=mask]")
        elif name == "crop":
            page.select_option("[name=crop]", value)
        elif page.locator(f"[name={name}][type=number]").count():
            page.locator(f"#{name}").fill(value)
        elif page.locator(f"[name={name}][type=checkbox]").count():
            page.check(f"[name={name}]")
        else:
            page.check(f"[name={name}][value='{value}']", force=True)
    settle(page)


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"background": "#2f5d8a"}, 0.6),
        ({"background": "blur", "blur": "3"}, 0.6),
        ({"background": "blur", "blur": "4", "lens": "true"}, 0.8),
        ({"background": "grey"}, 0.6),
        ({"background": "original", "shadow": "60"}, 0.6),
        ({"background": "#d0d0d0", "shadow": "80"}, 0.8),
        ({"background": "#2f5d8a", "crop": "4:5"}, 0.6),
        ({"background": "#2f5d8a", "crop": "subject", "margin": "30"}, 0.6),
        ({"background": "#2f5d8a", "crop": "35x45mm"}, 2.5),
        ({"output": "mask", "shift": "-2"}, 0.6),
        ({"background": "#2f5d8a", "refine": "none"}, 0.6),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_the_preview_shows_what_the_server_makes(
    page: Page, client: TestClient, options: dict[str, str], most: float
) -> None:
    give(page, PORTRAIT)
    choose(page, options)
    shown = preview(page)[..., :3]
    made = decode(client.post("/v1/cutout", content=PHOTO, params=options).content)
    if options.get("crop") == "35x45mm":  # that one is resized
        made = np.asarray(PIL.Image.fromarray(made).resize(shown.shape[1::-1]))
    made = made.reshape(*made.shape[:2], -1)
    assert shown.shape[:2] == made.shape[:2]
    assert np.abs(shown.astype(int) - made).mean() < most


def test_the_shadow_of_a_cutout(page: Page, client: TestClient) -> None:
    give(page, PORTRAIT)
    choose(page, {"shadow": "70"})
    made = decode(client.post("/v1/cutout", content=PHOTO, params={"shadow": "70"}).content)
    assert np.abs(preview(page)[..., 3].astype(int) - made[..., 3]).mean() < 0.6


@pytest.mark.parametrize("options", [{"fit": "contain", "align": "1,0"}, {"fit": "tile", "align": "0,1"}])
def test_where_a_picture_behind_is(page: Page, client: TestClient, options: dict[str, str]) -> None:
    give(page, PORTRAIT)
    page.check("[value=picture]", force=True)
    sky = np.add.outer(np.arange(300), np.arange(200))[..., None].repeat(3, axis=2).clip(0, 255)
    file = as_png(sky.astype(np.uint8))
    page.set_input_files("[name=picture]", FilePayload(name="sky.png", mimeType="image/png", buffer=file))
    choose(page, options)
    made = client.post("/v1/cutout", files={"image": PHOTO, "background": file}, data=options).content
    assert np.abs(preview(page)[..., :3].astype(int) - decode(made)).mean() < 1
    assert download(page)[1] == made


def test_a_shape_of_ones_own(page: Page, client: TestClient) -> None:
    give(page, PORTRAIT)
    page.select_option("[name=crop]", "other")
    page.fill("[name=ratio]", "3:2")
    settle(page)
    assert download(page)[1] == client.post("/v1/cutout", content=PHOTO, params={"crop": "3:2"}).content
    page.fill("[name=ratio]", "wide")
    settle(page)
    assert page.locator("[name=ratio]").evaluate("(field) => field.validity.valid") is False


def test_a_large_picture_is_sharp_at_full_size(page: Page) -> None:
    random = np.random.default_rng(0)
    large = np.asarray(PIL.Image.open(PORTRAIT).resize((2000, 2000)))
    large = (large * 0.8 + random.integers(0, 50, (2000, 2000, 1))).clip(0, 255).astype(np.uint8)
    give(page, FilePayload(name="large.png", mimeType="image/png", buffer=as_png(large)))
    page.check("[value=original]", force=True)
    page.click("#zoom")
    page.wait_for_selector("#photo-layer .detail:visible")
    settle(page)
    left, top = page.locator("#photo-layer .detail").evaluate(
        "(one) => [one.offsetLeft, one.offsetTop].map((at) => (at * 2000) / one.offsetParent.clientWidth)"
    )
    shown = preview(page, "#photo-layer .detail")[..., :3]
    top, left = round(top), round(left)
    best = min(
        np.abs(shown.astype(int) - large[y : y + shown.shape[0], x : x + shown.shape[1]]).mean()
        for y in range(top - 3, top + 4)
        for x in range(left - 3, left + 4)
    )
    assert best == 0
    assert page.locator("#zoom").inner_text() == "100 %"


@pytest.mark.parametrize("crop", ["", "1:1", "4:5"])
def test_an_own_picture_behind(page: Page, client: TestClient, crop: str) -> None:
    sky = io.BytesIO()
    rows = np.linspace(40, 220, 300)[:, None, None] * np.ones((1, 200, 3))
    PIL.Image.fromarray(rows.astype(np.uint8)).save(sky, "PNG")
    give(page, PORTRAIT)
    page.check("[value=picture]", force=True)
    file = FilePayload(name="sky.png", mimeType="image/png", buffer=sky.getvalue())
    page.set_input_files("[name=picture]", file)
    page.select_option("[name=crop]", crop)
    settle(page)
    files = {"image": PHOTO, "background": sky.getvalue()}
    made = client.post("/v1/cutout", files=files, data={"crop": crop} if crop else {}).content
    assert np.abs(preview(page)[..., :3].astype(int) - decode(made)).mean() < 1
    assert download(page)[1] == made


def test_what_cannot_be_used_is_told(page: Page) -> None:
    broken = FilePayload(name="broken.jpg", mimeType="image/jpeg", buffer=PHOTO[:5000])
    page.set_input_files("#files", broken)
    error = page.get_by_role("alert")
    error.wait_for()
    assert "damaged" in error.inner_text()
    assert page.locator("#download").is_disabled()
    give(page, PORTRAIT)
    assert not error.is_visible()
    page.select_option("[name=crop]", "35x45mm")
    page.click("#photos li:first-child button")
    error.wait_for()
    page.click("#remove")
    assert page.locator("#photos button").count() == 1


def test_nothing_is_shown_before_the_first_picture_is_drawn(page: Page) -> None:
    page.route("**/v1/cutout", lambda route: None)
    page.set_input_files("#files", PORTRAIT)
    page.get_by_text("Looking for the person").wait_for()
    for part in ("#frame", "#tools", "#brush"):
        assert page.locator(part).is_hidden()


def test_one_word_on_a_picture_without_people(page: Page) -> None:
    empty = io.BytesIO()
    PIL.Image.new("RGB", (300, 200), (90, 120, 160)).save(empty, "PNG")
    page.set_input_files(
        "#files", FilePayload(name="wall.png", mimeType="image/png", buffer=empty.getvalue())
    )
    page.wait_for_selector(DRAWN)
    assert page.get_by_role("alert").inner_text() == "No person was found in this picture."
    assert page.locator("#status").inner_text() == "wall.png: no person was found."
    assert page.locator("#photos button").get_attribute("aria-label") == "wall.png, no person was found"


def test_why_there_is_no_jpeg_is_told(page: Page) -> None:
    give(page, PORTRAIT)
    hint = page.locator("#jpeg-hint")
    assert hint.is_visible()
    page.check("[value=colour]", force=True)
    assert not hint.is_visible()
    assert page.locator("[value=jpg]").is_enabled()


def test_a_busy_server_is_asked_again(page: Page, address: str) -> None:
    tries: list[str] = []

    def busy(route: Any) -> None:
        tries.append(route.request.url)
        if len(tries) < 3:
            route.fulfill(status=429, headers={"Retry-After": "0"})
        else:
            route.continue_()

    page.route("**/v1/cutout", busy)
    give(page, PORTRAIT)
    assert len(tries) == 3


def test_with_the_keyboard_alone(page: Page) -> None:
    def tab_to(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"Tab never reaches {selector}")

    page.on("filechooser", lambda chooser: chooser.set_files(PORTRAIT))
    tab_to("[data-do=choose]")
    page.wait_for_timeout(300)  # Chromium learns of the line above at its own time
    page.keyboard.press("Enter")
    page.wait_for_selector(DRAWN)
    page.locator("body").focus()
    tab_to("#split")
    page.keyboard.press("End")
    assert (
        page.locator("#photo-layer").evaluate("(layer) => getComputedStyle(layer).clipPath")
        == "inset(0px 0% 0px 0px)"
    )
    tab_to("[name=background]")
    page.keyboard.press("ArrowRight")
    tab_to(".swatches button[value='#1d1f23']")
    page.keyboard.press("Space")
    tab_to("summary")
    page.keyboard.press("Enter")
    tab_to("#feather")
    page.keyboard.press("ArrowUp")
    settle(page)
    tab_to("#download")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "eileen-collins-composite.png"
    assert tuple(preview(page)[0, -1]) == (29, 31, 35, 255)


def test_an_identity_photo_has_a_guide(page: Page) -> None:
    give(page, PORTRAIT)
    assert page.locator("#guide").is_hidden()
    page.select_option("[name=crop]", "35x45mm")
    settle(page)
    box, frame = page.locator("#guide ellipse").bounding_box(), page.locator("#frame").bounding_box()
    assert box is not None
    assert frame is not None
    head = ID_PHOTOS["35x45mm"].head
    assert box["height"] / frame["height"] == pytest.approx(head, abs=0.02)
    assert not page.locator("#margin").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)

    def violations() -> list[str]:
        found = Axe().run(page).response["violations"]
        return [
            f"{rule['id']}: {rule['nodes'][0]['html']}"
            for rule in found
            if rule["impact"] in {"serious", "critical"}
        ]

    assert violations() == []
    give(page, PORTRAIT)
    page.click("summary")
    page.check("[value=colour]", force=True)
    page.select_option("[name=crop]", "other")
    settle(page)
    assert violations() == []
    page.check("[value=picture]", force=True)
    for tool in ("keep", "people"):
        page.click(f"button[data-tool={tool}]")
        settle(page)
        assert violations() == []
    page.click("#strip [data-do=camera]")
    assert violations() == []


@pytest.mark.parametrize("width", [360, 820, 1600])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    give(page, PORTRAIT)
    for background in ("colour", "picture"):
        page.check(f"[value={background}]", force=True)
        assert page.evaluate(wide) == 0
    overflowing = (
        "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.outerHTML)"
    )
    assert page.locator("#options, fieldset, .choices, .choices span").evaluate_all(overflowing) == []


def test_the_key_is_asked_for(browser: Browser, segmenter: Segmenter) -> None:
    with served(segmenter, Settings(keys=parse_keys(KEY))) as port:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.set_input_files("#files", PORTRAIT)
        page.fill("[name=key]", KEY)
        page.keyboard.press("Enter")
        page.wait_for_selector(DRAWN)
        page.close()


def zoom(page: Page) -> float:
    return float(page.evaluate("import('./view.js').then(({ magnification }) => magnification())"))


def test_zoom_by_key_wheel_and_fingers(page: Page) -> None:
    give(page, PORTRAIT)
    whole = zoom(page)
    page.keyboard.press("1")
    assert zoom(page) == pytest.approx(1)
    page.keyboard.press("0")
    page.keyboard.press("+")
    assert zoom(page) == pytest.approx(whole * 1.25**2)
    page.keyboard.press("0")
    page.hover("#pad")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_timeout(200)
    assert zoom(page) > 1.3 * whole
    page.keyboard.press("0")
    middle = page.evaluate(
        """() => {
          const pad = document.querySelector("#pad");
          pad.setPointerCapture = () => {};
          const { left, top } = pad.getBoundingClientRect();
          const fire = (name, pointerId, x, y) => pad.dispatchEvent(new PointerEvent(name, {
            pointerType: "touch", pointerId, clientX: left + x, clientY: top + y, bubbles: true,
          }));
          fire("pointerdown", 1, 200, 200);
          fire("pointerdown", 2, 300, 200);
          for (let k = 0; k <= 10; k++) {
            fire("pointermove", 1, 200 - 5 * k, 200);
            fire("pointermove", 2, 300 + 5 * k, 200);
          }
          fire("pointerup", 1, 150, 200);
          fire("pointerup", 2, 350, 200);
          return import("./view.js").then(({ toPicture, closeness }) => toPicture({ x: 250, y: 200 }));
        }"""
    )
    assert zoom(page) == pytest.approx(2 * whole, rel=0.02)
    assert middle["x"] == pytest.approx(250 / whole, rel=0.03)


PARTIAL = """import { server } from "./server-engine.js";
const options = new Set(["background", "refine"]);
export const engine = { ...server, options, lacks: { refine: ["fine"] } };"""


def test_only_what_the_engine_has_is_shown(page: Page) -> None:
    page.route("**/engines.js", lambda route: route.fulfill(body=PARTIAL, content_type="text/javascript"))
    page.reload()
    give(page, PORTRAIT)
    page.click("summary")
    refine = page.locator("[name=refine]").evaluate_all("(all) => all.map((one) => one.value)")
    assert refine == ["fast", "none"]
    assert page.locator("#shadow").is_hidden()
