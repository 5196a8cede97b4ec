"""The web page in a real Chromium: what its tests do with it."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

DRAWN = "#stage[aria-busy=false]"
ALPHA = """async () => {
  const [{ open }, { state }] = await Promise.all([import("./open.js"), import("./state.js")]);
  const { alpha, width, height } = await open(state.selected);
  let text = "";
  for (let i = 0; i < alpha.length; i += 8192) text += String.fromCharCode(...alpha.subarray(i, i + 8192));
  return [width, height, btoa(text)];
}"""


def give(page: Page, *files: Path | Any) -> None:
    """Choose files, and wait until the last one is drawn."""
    page.set_input_files("#files", list(files))
    page.wait_for_selector(DRAWN)


def settle(page: Page) -> None:
    """Wait until the preview stands still."""
    page.wait_for_timeout(100)
    page.wait_for_selector(DRAWN)


def alpha_of(page: Page) -> NDArray[np.uint8]:
    """(H, W) uint8: the alpha of the picture that is shown, as it is edited."""
    width, height, data = page.evaluate(ALPHA)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width)


def set_alpha(page: Page, alpha: NDArray[np.uint8]) -> None:
    """Edit the alpha of the picture that is shown, as one step."""
    page.evaluate(
        """async (data) => {
          const modules = ["./open.js", "./state.js", "./edits.js"].map((path) => import(path));
          const [{ open }, { state }, { edit }] = await Promise.all(modules);
          const opened = await open(state.selected);
          const { width, height } = opened;
          const values = Uint8ClampedArray.from(atob(data), (letter) => letter.charCodeAt(0));
          edit(opened, { x: 0, y: 0, width, height }, values);
        }""",
        base64.b64encode(alpha.tobytes()).decode(),
    )
    settle(page)


def draw(page: Page, points: list[tuple[float, float]], *, radius: float) -> None:
    """Draw a stroke of the brush by mouse, through points of the picture, (x, y) in its pixels."""
    places, closeness = page.evaluate(
        """async (points) => {
          const { toFrame, closeness } = await import("./view.js");
          const { left, top } = document.querySelector("#pad").getBoundingClientRect();
          const places = points.map(([x, y]) => toFrame({ x, y }));
          return [places.map(({ x, y }) => [x + left, y + top]), closeness()];
        }""",
        points,
    )
    page.locator("#brush-size").fill(str(min(160, max(4, round(2 * radius * closeness)))))
    before = page.evaluate("performance.getEntriesByName('stroke').length")
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()
    while page.evaluate("performance.getEntriesByName('stroke').length") == before:
        page.wait_for_timeout(20)
    settle(page)
