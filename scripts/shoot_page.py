"""Take the picture of the web page: the bundled portrait on a colour, in Chromium.

python scripts/shoot_page.py docs/page.jpg
"""

import shutil
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

from limner.models.segmenter import Segmenter
from limner.server import Settings, create_app
from limner.server.run import listen, make_server

PORTRAIT = Path(__file__).parents[1] / "examples" / "eileen-collins.jpg"


def main() -> None:
    """Serve the page, use it, take the picture."""
    listener = listen("127.0.0.1", 0)
    server = make_server(create_app(Segmenter(device="cpu"), Settings()), stop_s=10)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        shoot(f"http://127.0.0.1:{listener.getsockname()[1]}/", sys.argv[1])
    finally:
        server.should_exit = True
        thread.join()


def shoot(address: str, target: str) -> None:
    """The page as it looks with a picture, 1200 pixels wide."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--hide-scrollbars"]
        )
        page = chromium.new_page(viewport={"width": 1200, "height": 800})
        page.goto(address)
        page.set_input_files("#files", PORTRAIT)
        page.wait_for_selector("#stage[aria-busy=false]")
        page.check("[value=colour]", force=True)
        page.click("[aria-label=Blue]")
        page.wait_for_timeout(8000)  # the message at the foot is gone again
        page.wait_for_selector("#stage[aria-busy=false]")
        page.screenshot(path=target, type="jpeg", quality=85)
        chromium.close()


if __name__ == "__main__":
    main()
