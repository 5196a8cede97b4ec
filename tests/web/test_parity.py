"""The same cut-outs in JavaScript as in Python, in Node and in Chromium.

Pictures go in without loss, so that decoders of JPEG, which differ, are not measured.
"""

import base64
import io
import json
import os
import subprocess
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import Browser

from limner.images import Image
from tests.conftest import SHARED, decode
from tests.web.conftest import WEB, Host
from tests.web.pictures import Deviations, check_facts, compare, painted, real

REAL = 32
LARGEST = 1
"""Largest deviation of any pixel that is seen, in levels of 255."""
CUT = """async ([engine, data, model]) => {
  const { cutout } = await import(engine);
  const source = await (await fetch(data)).blob();
  const { blob, alpha, box, subjectShare } = await cutout(source, { model });
  const text = (bytes) => new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.readAsDataURL(new Blob([bytes]));
  });
  return { png: await text(blob), alpha: await text(alpha.data), box, subjectShare };
}"""


def in_node(node: str, images: Sequence[Image], model: str, folder: Path) -> list[Deviations]:
    jobs = []
    for index, image in enumerate(images):
        opaque = np.full(image.shape[:2], 255, np.uint8)
        (folder / f"{index}.rgba").write_bytes(np.dstack((image, opaque)).tobytes())
        height, width = image.shape[:2]
        pixels, target = str(folder / f"{index}.rgba"), str(folder / f"{index}")
        jobs.append({"pixels": pixels, "width": width, "height": height, "target": target})
    (folder / "jobs.json").write_text(json.dumps(jobs))
    script = Path(__file__).with_name("node_cut.mjs")
    environment = {**os.environ, "LIMNER_WEB": (WEB / "src" / "index.js").as_uri()}
    subprocess.run([node, script, folder / "jobs.json", model], check=True, env=environment)
    found = []
    for index, image in enumerate(images):
        alpha = np.fromfile(folder / f"{index}.alpha", np.uint8).reshape(image.shape[:2])
        check_facts(json.loads((folder / f"{index}.json").read_text()), image, model)
        found.append(compare(image, model, alpha, decode(folder / f"{index}.png")))
    return found


def in_chromium(browser: Browser, host: Host, images: Sequence[Image], model: str) -> list[Deviations]:
    folder = next(host.folder.glob("apps/limner/engine-*"))
    (host.folder / "empty.html").write_text("<!doctype html><title>empty</title>")
    page = browser.new_page()
    page.set_default_timeout(180_000)
    page.goto(f"{host.origin}/empty.html")
    found: list[Deviations] = []
    for image in images:
        (host.folder / "picture.png").write_bytes(png_of(image))
        engine = f"/{folder.relative_to(host.folder)}/index.js"
        made = page.evaluate(CUT, [engine, f"/picture.png?{len(found)}", model])
        alpha = np.frombuffer(base64.b64decode(made["alpha"]), np.uint8).reshape(image.shape[:2])
        check_facts(made, image, model)
        found.append(compare(image, model, alpha, decode(base64.b64decode(made["png"]))))
    page.close()
    return found


def png_of(image: Image) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def check(found: Sequence[Deviations]) -> None:
    assert all(one.beyond <= 0.001 for one in found), found
    assert max(one.alpha for one in found) <= LARGEST, found
    assert max(one.rgba for one in found) <= LARGEST, found


@pytest.mark.parametrize("model", ["small", "base"])
def test_painted_pictures_in_node(node: str, model: str, tmp_path: Path) -> None:
    check(in_node(node, list(painted()), model, tmp_path))


def test_painted_pictures_in_chromium(browser: Browser, host: Host) -> None:
    check(in_chromium(browser, host, list(painted()), "small"))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["small", "base"])
@pytest.mark.parametrize("place", ["node", "chromium"])
def test_forty_pictures(place: str, model: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if not SHARED.exists():
        pytest.skip("needs the real portraits in shared/data, kept beside the project")
    images = list(chain(painted(), real(REAL)))
    assert len(images) == 40
    if place == "node":
        found = in_node(request.getfixturevalue("node"), images, model, tmp_path)
    else:
        host = request.getfixturevalue("host")
        found = in_chromium(request.getfixturevalue("browser"), host, images, model)
    check(found)
