import io
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from limner.images import Alpha, Image, load_image

# The nets of the tests are so small that sharing them out among cores costs more than it brings.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The defaults of whoever runs the tests are not those that are tested.
os.environ["LIMNER_CONFIG"] = ""
# `nohup`, cron and some CI runners start with SIGINT ignored, and child processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
PORTRAIT = ROOT / "examples" / "eileen-collins.jpg"
SHARED = ROOT.parent / "shared" / "data"


def shared_data(name: str) -> Path:
    """A folder of the real portraits that are kept beside the project; skips the test where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs the real portraits in {path.relative_to(ROOT.parent)}, kept beside the project")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        message = "needs Chromium (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def portrait() -> Image:
    return load_image(PORTRAIT)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def decode(file: Path | bytes) -> NDArray[np.uint8]:
    """The stored channels of a picture, alpha among them, as Pillow alone reads them."""
    with PIL.Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as picture:
        return np.array(picture)


def random_image(rng: np.random.Generator, height: int, width: int) -> Image:
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def random_alpha(rng: np.random.Generator, height: int, width: int) -> Alpha:
    return rng.random((height, width), dtype=np.float32)
