"""A server without a model answers as one with a model does."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
import pytest
from starlette.testclient import TestClient

from limner.server import Sandbox, create_app
from tests.conftest import decode
from tests.server.conftest import PHOTO


@pytest.fixture(scope="module")
def sandbox() -> Iterator[TestClient]:
    with TestClient(create_app(Sandbox())) as client:
        yield client


def picture(pixels: Any) -> bytes:
    data = io.BytesIO()
    PIL.Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


NOISE = picture(np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8))
GREY = picture(np.full((90, 160, 3), 128, np.uint8))
REQUESTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "cut-out": ("/v1/cutout", "image", {}),
    "mask": ("/v1/cutout?output=mask&format=tif", "image", {}),
    "crop": ("/v1/cutout?crop=35x45mm&background=white&format=jpg", "image", {}),
    "wrong option": ("/v1/cutout?crop=1:0", "image", {}),
    "no picture": ("/v1/cutout", "other", {}),
    "remove.bg": ("/v1.0/removebg", "image_file", {"size": "auto", "crop": "true"}),
    "remove.bg, preview": ("/v1.0/removebg", "image_file", {}),
    "remove.bg, wrong": ("/v1.0/removebg", "image_file", {"bg_color": "nocolour"}),
    "rembg": ("/api/remove?bgc=255,0,0,255", "file", {}),
    "rembg, wrong": ("/api/remove", "file", {"model": "sam"}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_answers_are_of_the_same_shape(sandbox: TestClient, client: TestClient, name: str) -> None:
    path, field, data = REQUESTS[name]
    ours, theirs = (one.post(path, files={field: PHOTO}, data=data) for one in (sandbox, client))
    assert ours.status_code == theirs.status_code
    assert ours.headers.keys() == theirs.headers.keys()
    assert ours.headers["content-type"] == theirs.headers["content-type"]
    if ours.status_code >= 400:
        assert ours.json() == theirs.json()
    elif "crop" not in data:
        assert decode(ours.content).shape == decode(theirs.content).shape


def test_the_person_is_drawn(sandbox: TestClient) -> None:
    mask = decode(sandbox.post("/v1/cutout?output=mask", content=NOISE).content)
    assert mask.shape == (90, 160)
    assert mask[32, 80] == mask[85, 80] == 255  # head and chest
    assert not mask[0].any()
    assert not mask[:, 0].any()
    again = decode(sandbox.post("/v1/cutout?output=mask", content=PHOTO).content)
    assert (mask > 128).mean() == pytest.approx((again > 128).mean(), abs=0.01)


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [("/v1.0/removebg", "image_file", "unknown_foreground"), ("/api/remove", "file", "no-subject")],
)
def test_one_colour_holds_no_person(sandbox: TestClient, path: str, field: str, code: str) -> None:
    answer = sandbox.post(path, files={field: GREY})
    assert answer.status_code in {400, 422}
    assert code in answer.text


def test_it_says_what_it_is(sandbox: TestClient) -> None:
    [row] = sandbox.get("/v1/models").json()["models"]
    assert (row["name"], row["device"], row["parameters"]) == ("sandbox", "none", 0)
