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
        ({"bg_color": "81d4fa"}, {"background": "#81d4fa", "format": "jpg"}),
        ({"bg_color": "81d4fa", "format": "png"}, {"background": "#81d4fa"}),
        ({"bg_color": "grey", "format": "png"}, {"background": "#808080"}),
        ({"bg_color": "0000FF80", "format": "jpg"}, {"background": "#7f7fff", "format": "jpg"}),
        ({"bg_color": "81d4fa77", "format": "webp"}, {"background": "#81d4fa77", "format": "webp"}),
        ({"bg_color": "green", "format": "jpg"}, {"background": "green", "format": "jpg"}),
        ({"format": "jpg"}, {"background": "white", "format": "jpg"}),
        ({"crop": "true", "crop_margin": "0"}, {"crop": "subject", "margin": "0"}),
        ({"add_shadow": "true", "type_level": "1"}, {"shadow": "40"}),
        ({"shadow_type": "Drop", "shadow_opacity": "70"}, {"shadow": "70"}),
        ({"shadow_type": "car", "add_shadow": "true", "semitransparency": "False"}, {}),
        ({"channels": "alpha", "bg_color": "red", "add_shadow": "1"}, {"output": "mask"}),
    ],
)
def test_their_options_as_ours(client: TestClient, theirs: dict[str, str], ours: dict[str, str]) -> None:
    answer = client.post(PATH, files={"image_file": PHOTO}, data={"size": "full", **theirs})
    assert answer.status_code == 200, answer.text
    assert answer.content == client.post("/v1/cutout", content=PHOTO, params=ours).content


def test_their_background_picture(client: TestClient) -> None:
    answer = client.post(PATH, files={"image_file": PHOTO, "bg_image_file": PHOTO}, data={"size": "full"})
    same = client.post("/v1/cutout?format=jpg", files={"image": PHOTO, "background": PHOTO})
    assert answer.content == same.content


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"image_url": "http://127.0.0.1/x.jpg"}, "multiple_sources"),
        ({"bg_image_url": "http://127.0.0.1/x.jpg"}, "invalid_parameter"),
        ({"type": "car"}, "unknown_foreground"),
        ({"type": "boat"}, "invalid_parameter"),
        ({"format": "json"}, "invalid_parameter"),
        ({"roi": "0% 0% 50%"}, "invalid_parameter"),
        ({"roi": "50% 0% 50% 100%"}, "invalid_parameter"),
        ({"roi": "0px 0px 5px 5px"}, "unknown_foreground"),
        ({"crop": "maybe"}, "invalid_parameter"),
        ({"scale": "9%"}, "invalid_parameter"),
        ({"scale": "101%"}, "invalid_parameter"),
        ({"position": "1% 2% 3%"}, "invalid_parameter"),
        ({"position": "30px"}, "invalid_parameter"),
        ({"shadow_type": "3D"}, "invalid_parameter"),
        ({"shadow_opacity": "101"}, "invalid_parameter"),
        ({"semitransparency": "2"}, "invalid_parameter"),
        ({"type_level": "3"}, "invalid_parameter"),
        ({"size": "huge"}, "invalid_parameter"),
        ({"channels": "rgb"}, "invalid_parameter"),
        ({"bg_color": "red", "bg_image_url": "http://127.0.0.1/"}, "invalid_parameter"),
        ({"bg_image_file": "text"}, "invalid_parameter"),
        ({"crop_margin": "1e9%"}, "invalid_parameter"),
        ({"bg_color": "nocolour"}, "invalid_parameter"),
        ({"image_file_b64": "AAAA"}, "multiple_sources"),
    ],
)
def test_their_errors(client: TestClient, fields: dict[str, Any], code: str) -> None:
    answer = client.post(PATH, files={"image_file": PHOTO}, data=fields)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["code"] == code
    assert error["title"] == error["detail"]
    assert any(name in error["title"] for name in fields) or code == "unknown_foreground"


def test_nothing_to_work_on(client: TestClient) -> None:
    assert client.post(PATH, json={}).json()["errors"][0]["code"] == "missing_source"
    assert client.post(PATH, json=[]).status_code == 400
    assert client.post(PATH, json={"image_file_b64": "!"}).status_code == 400
