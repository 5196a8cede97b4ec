import base64
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.conftest import decode
from tests.server.conftest import PHOTO

PATH = "/v1.0/removebg"


def test_what_their_clients_send(client: TestClient) -> None:
    answer = client.post(
        PATH, files={"image_file": PHOTO}, data={"size": "auto"}, headers={"X-Api-Key": "any"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == client.post("/v1/cutout", content=PHOTO).content
    assert (answer.headers["x-width"], answer.headers["x-height"]) == ("512", "512")
    assert answer.headers["x-credits-charged"] == "0"


def test_preview_is_a_quarter_of_a_megapixel(client: TestClient) -> None:
    answer = client.post(PATH, files={"image_file": PHOTO})
    assert decode(answer.content).shape == (500, 500, 4)


def test_base64_in_and_json_out(client: TestClient) -> None:
    text = base64.b64encode(PHOTO).decode()
    body = {"image_file_b64": text, "size": "full", "channels": "alpha"}
    answers = [
        client.post(PATH, json=body, headers={"Accept": "application/json"}),
        client.post(PATH, data=body, headers={"Accept": "application/json"}),
        client.post(PATH, json={**body, "image_file_b64": f"data:image/jpeg;base64,{text}"}),
    ]
    data = answers[0].json()["data"]
    mask = base64.b64decode(data["result_b64"])
    assert mask == client.post("/v1/cutout?output=mask", content=PHOTO).content
    assert answers[1].json() == answers[0].json()
    assert answers[2].content == mask
    subject = decode(mask) >= 128
    rows = np.flatnonzero(subject.any(axis=1))
    assert (data["foreground_top"], data["foreground_height"]) == (rows[0], rows[-1] - rows[0] + 1)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"bg_color": "81d4fa"}, {"background": "#81d4fa"}),
        ({"bg_color": "81d4fa77", "format": "webp"}, {"background": "#81d4fa77", "format": "webp"}),
        ({"bg_color": "green", "format": "jpg"}, {"background": "green", "format": "jpg"}),
        ({"format": "jpg"}, {"background": "white", "format": "jpg"}),
        ({"crop": "true", "crop_margin": "10%"}, {"crop": "subject", "margin": "10"}),
        ({"add_shadow": "true", "type_level": "1"}, {"shadow": "40"}),
    ],
)
def test_their_options_as_ours(client: TestClient, theirs: dict[str, str], ours: dict[str, str]) -> None:
    answer = client.post(PATH, files={"image_file": PHOTO}, data={"size": "full", **theirs})
    assert answer.status_code == 200, answer.text
    assert answer.content == client.post("/v1/cutout", content=PHOTO, params=ours).content


def test_their_background_picture(client: TestClient) -> None:
    answer = client.post(PATH, files={"image_file": PHOTO, "bg_image_file": PHOTO}, data={"size": "full"})
    same = client.post("/v1/cutout", files={"image": PHOTO, "background": PHOTO})
    assert answer.content == same.content


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"image_url": "http://127.0.0.1/x.jpg"}, "invalid_parameter"),
        ({"bg_image_url": "http://127.0.0.1/x.jpg"}, "invalid_parameter"),
        ({"type": "car"}, "invalid_parameter"),
        ({"format": "zip"}, "invalid_parameter"),
        ({"roi": "0% 0% 50% 50%"}, "invalid_parameter"),
        ({"crop_margin": "1e9%"}, "invalid_parameter"),
        ({"bg_color": "nocolour"}, "invalid_parameter"),
        ({"nonsense": "1"}, "invalid_parameter"),
        ({"image_file_b64": "AAAA"}, "multiple_sources"),
    ],
)
def test_their_errors(client: TestClient, fields: dict[str, Any], code: str) -> None:
    answer = client.post(PATH, files={"image_file": PHOTO}, data=fields)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == code


def test_nothing_to_work_on(client: TestClient) -> None:
    assert client.post(PATH, json={}).json()["errors"][0]["code"] == "missing_source"
    assert client.post(PATH, json=[]).status_code == 400
    assert client.post(PATH, json={"image_file_b64": "!"}).status_code == 400
