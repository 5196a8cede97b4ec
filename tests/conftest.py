import io
import os
import signal
from pathlib import Path

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
