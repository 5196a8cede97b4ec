"""rembg's server, as its clients use it.

`rembg.http` holds what clients sent to a recorder, and what Go, .NET and PHP write
by their sources; ``<photo>`` stands for the picture.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from starlette.testclient import TestClient

from limner.models.segmenter import Segmenter
from limner.server import Settings, create_app, parse_keys
from tests.conftest import decode
from tests.server.conftest import PHOTO

PATH = "/api/remove"
RECORDED = dict(
    part.split("\n", 1)
    for part in re.split(r"(?m)^### ", (Path(__file__).parent / "rembg.http").read_text("utf-8"))
    if part
)
MASK = {"output": "mask"}
WANTED: dict[str, dict[str, str]] = {
    "curl": {},
    "curl with alpha matting": {},
    "curl, a mask": MASK,
    "curl before white": {"background": "white"},
    "curl with an address": {},
    "wget": {},
    "Python requests": {},
    "Python requests, True for true": MASK,
    "Python requests with a colour and extras": {"background": "#0c223880"},
    "Python requests with a model in the query": {},
    "aiohttp": {},
    "aiohttp, bytes alone": {},
    "browser or Node fetch, a blob": {},
    "Node fetch, a mask": MASK,
    "Node fetch, no media type": {},
    "axios": {},
    "node-fetch": {},
    "axios with an address": MASK,
    "Go": {},
    ".NET": {},
    "PHP's Guzzle": {},
}
"""What a recorded request asks for, in the words of ``/v1/cutout``."""


@pytest.fixture(scope="module")
def client(segmenter: Segmenter, elsewhere: str) -> Iterator[TestClient]:
    with TestClient(create_app(segmenter, Settings(urls=(elsewhere,)))) as client:
        yield client


def test_every_recorded_request_is_expected() -> None:
    assert RECORDED.keys() == WANTED.keys()


@pytest.mark.parametrize("name", WANTED)
def test_what_clients_send(client: TestClient, elsewhere: str, name: str) -> None:
    lines, _, body = RECORDED[name].strip().partition("\n\n")
    first, *heads = lines.split("\n")
    method, target, _ = first.split()
    target = re.sub(r"url=[^&]*", f"url=http://{elsewhere}/a%20b.jpg", target)
    content = (body + "\n" if body else "").replace("\n", "\r\n").encode().replace(b"<photo>", PHOTO)
    answer = client.request(
        method, target, content=content or None, headers=dict(head.split(": ", 1) for head in heads)
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["limner-model"] == "base"
    params = {**WANTED[name], "metadata": "strip"}
    assert answer.content == client.post("/v1/cutout", content=PHOTO, params=params).content


def test_a_colour_leaves_nothing_of_the_alpha(client: TestClient) -> None:
    for colour in ("0,128,255,255", "0,128,255"):
        picture = decode(client.post(PATH, files={"file": PHOTO}, params={"bgc": colour}).content)
        assert picture.shape == (512, 512, 3)
        assert picture[0, 0].tolist() == [0, 128, 255]
    picture = decode(client.post(PATH, files={"file": PHOTO}, params={"bgc": "0,128,255,51"}).content)
    assert picture[0, 0].tolist() == [0, 128, 255, 51]
    mask = client.post(PATH, files={"file": PHOTO}, data={"om": "1"}, params={"bgc": "0,128,255,255"})
    assert decode(mask.content).ndim == 2


def test_the_result_is_upright_and_keeps_nothing_of_the_camera(client: TestClient) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    turned = io.BytesIO()
    PIL.Image.open(io.BytesIO(PHOTO)).resize((512, 400)).rotate(90, expand=True).save(
        turned, "JPEG", exif=exif
    )
    answer = client.post(PATH, files={"file": turned.getvalue()})
    assert decode(answer.content).shape[:2] == (400, 512)
    assert b"a camera" not in answer.content


def test_of_an_animation_the_first_frame_is_cut(client: TestClient) -> None:
    first = PIL.Image.open(io.BytesIO(PHOTO)).resize((128, 128))
    moving, still = io.BytesIO(), io.BytesIO()
    first.save(moving, "WEBP", lossless=True, save_all=True, append_images=[first.rotate(180)])
    first.save(still, "PNG")
    answers = [client.post(PATH, files={"file": file.getvalue()}) for file in (moving, still)]
    assert b"acTL" not in answers[0].content
    assert decode(answers[0].content).tolist() == decode(answers[1].content).tolist()


@pytest.mark.parametrize(
    ("query", "fields", "said"),
    [
        ({}, {"model": "sam"}, "model: 'sam' cuts what a prompt points at"),
        ({"model": "u2net_cloth_seg"}, {}, "finds clothes"),
        ({}, {"model": "u2net_custom"}, "a file of the client's own"),
        ({}, {"af": "256"}, "af: "),
        ({}, {"ab": "-1"}, "ab: "),
        ({}, {"ae": "many"}, "ae: "),
        ({}, {"om": "perhaps"}, "om: "),
        ({"bgc": "red"}, {}, "bgc: "),
        ({"bgc": "1,2,300"}, {}, "bgc: "),
        ({"bgc": "1,2"}, {}, "bgc: "),
    ],
)
def test_what_cannot_be_done_is_said(
    client: TestClient, query: dict[str, str], fields: dict[str, str], said: str
) -> None:
    answer = client.post(PATH, files={"file": PHOTO}, data=fields, params=query)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert client.get(PATH, params={**query, **fields, "url": "http://127.0.0.1/"}).json() == answer.json()


def test_what_rembg_ignores_is_ignored(client: TestClient) -> None:
    plain = client.post(PATH, files={"file": PHOTO})
    odd = client.post(
        PATH,
        files={"file": PHOTO},
        data={"model": "bria-rmbg-9", "matting": "0", "bgc": ""},
        params={"model": "sam", "extras": "{not json", "trim": "1"},
    )
    assert odd.content == plain.content
    assert odd.headers["limner-ignored"] == "extras, matting, trim"
    assert "limner-ignored" not in plain.headers


def test_no_picture_and_no_person(client: TestClient) -> None:
    assert "named file" in client.post(PATH, files={"image": PHOTO}).json()["detail"]
    assert client.post(PATH, data={"model": "u2net"}, files={"a": b""}).status_code == 422
    assert "url: give" in client.get(PATH).json()["detail"]
    grey = io.BytesIO()
    PIL.Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(grey, "PNG")
    answer = client.post(PATH, files={"file": grey.getvalue()})
    assert (answer.status_code, answer.json()["code"]) == (422, "no-subject")


def test_addresses_pass_the_guard(client: TestClient, segmenter: Segmenter) -> None:
    for url in ("http://127.0.0.1:1/", "http://10.0.0.1/", "http://[::1]/", "file:///etc/passwd"):
        assert client.get(PATH, params={"url": url}).status_code == 422
    with TestClient(create_app(segmenter)) as closed:
        answer = closed.get(PATH, params={"url": "http://127.0.0.1/"})
    assert "without --allow-urls" in answer.json()["detail"]


def test_clients_look_whether_it_is_there(segmenter: Segmenter) -> None:
    client = TestClient(create_app(segmenter, Settings(keys=parse_keys("secret"))))
    assert PATH in client.get("/api").json()["paths"]
    assert client.post(PATH, files={"file": PHOTO}).status_code == 401
    assert client.get(PATH).status_code == 401
