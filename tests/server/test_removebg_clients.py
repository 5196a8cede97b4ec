"""remove.bg's clients, as they are: what they sent is in `removebg.http`.

Each request was kept by a recorder between the client and ``limner serve``, with the client's own constants
for an address; a few, where that is said, were written by the client's source. ``<photo>`` stands for the
picture, ``<base64>``, ``<base64url>``, ``<quoted>`` and ``<lines>`` for spellings of it, ``<host>`` for where
it can be fetched. The line after a name says what is expected: status, media type, width and height, and what
``/v1/cutout`` calls the same; ``~`` stands for a layout, which has tests of its own.
"""

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import numpy as np
import pytest
from starlette.testclient import TestClient

from limner.images import encode_image, load_image, resize
from limner.server import Settings, create_app, parse_keys
from limner.server.sandbox import Sandbox
from tests.conftest import decode
from tests.server.conftest import PHOTO

BASE64 = base64.b64encode(PHOTO)
STANDS_FOR = {
    b"<photo>": PHOTO,
    b"<base64>": BASE64,
    b"<base64url>": base64.urlsafe_b64encode(PHOTO).rstrip(b"="),
    b"<quoted>": quote_plus(BASE64).encode(),
    b"<lines>": quote_plus(base64.encodebytes(PHOTO)).encode(),
}
RECORDED = dict(
    part.split("\n", 1)
    for part in re.split(r"(?m)^### ", (Path(__file__).parent / "removebg.http").read_text("utf-8"))
    if part
)
KEY = {"X-Api-Key": "secret"}


@pytest.fixture(scope="module")
def client(elsewhere: str) -> Iterator[TestClient]:
    settings = Settings(urls=(elsewhere,), keys=parse_keys("secret"))
    with TestClient(create_app(Sandbox(), settings)) as client:
        yield client


def send(client: TestClient, elsewhere: str, recorded: str) -> Any:
    """A recorded request, sent."""
    lines, _, body = recorded.strip().partition("\n\n")
    first, *heads = [line for line in lines.split("\n") if not line.startswith("#")]
    method, target, _ = first.split()
    if "multipart" in lines:
        body = body.replace("\n", "\r\n") + "\r\n"
    content = body.encode().replace(b"<host>", elsewhere.encode())
    for name, data in STANDS_FOR.items():
        content = content.replace(name, data)
    headers = {name.lower(): value for name, value in (head.split(": ", 1) for head in heads)}
    return client.request(method, target, content=content or None, headers={"accept": "*/*"} | headers)


def test_there_are_as_many_as_asked_for() -> None:
    assert len(RECORDED) >= 60


@pytest.mark.parametrize("name", RECORDED)
def test_what_clients_send(client: TestClient, elsewhere: str, name: str) -> None:
    expected = re.search(r"^# (\d+) (\S+)(?: (\d+)x(\d+) (.*))?$", RECORDED[name], re.MULTILINE)
    assert expected
    answer = send(client, elsewhere, RECORDED[name])
    assert (str(answer.status_code), answer.headers["content-type"]) == expected.group(1, 2), answer.text
    if expected[1] != "200":
        [error] = answer.json()["errors"]
        assert error["title"]
        assert error["code"] in ("unknown_foreground", "invalid_parameter", "auth_failed")
    elif expected[3]:
        size = int(expected[4]), int(expected[3])
        made = check_headers(answer, size, classified="type_level" not in RECORDED[name])
        if expected[5] != "~":
            check_pixels(client, made, size, json.loads(expected[5]))


def check_headers(answer: Any, size: tuple[int, int], *, classified: bool) -> bytes:
    """The result of an answer whose headers are as they should be."""
    headers = answer.headers
    assert (int(headers["x-height"]), int(headers["x-width"])) == size
    assert (int(headers["x-max-height"]), int(headers["x-max-width"])) == (512, 512)
    assert int(headers["x-credits-charged"]) == 0
    assert "limner-ignored" not in headers or headers["limner-ignored"] == "shadow_method"
    assert int(headers["x-ratelimit-remaining"]) < int(headers["x-ratelimit-limit"])
    assert int(headers["x-ratelimit-reset"]) > 1_700_000_000
    assert headers.get("x-type") == "person" or not classified
    box = {name: int(headers[f"x-foreground-{name}"]) for name in ("top", "left", "width", "height")}
    assert 0 <= box["left"] < box["left"] + box["width"] <= 512
    assert 0 <= box["top"] < box["top"] + box["height"] <= 512
    if headers["content-type"] != "application/json":
        return bytes(answer.content)
    data = answer.json()["data"]
    assert {f"foreground_{name}": value for name, value in box.items()} == {
        name: value for name, value in data.items() if name != "result_b64"
    }
    return base64.b64decode(data["result_b64"])


def check_pixels(client: TestClient, made: bytes, size: tuple[int, int], options: dict[str, str]) -> None:
    """That the result is what ``/v1/cutout`` makes of a photo of that size."""
    photo = encode_image(resize(load_image(PHOTO), (500, 500)), ".png") if max(size) == 500 else PHOTO
    files = {"image": photo}
    if options.get("background") == "<photo>":
        files["background"] = PHOTO
        options = {"format": options["format"]}
    content = client.post("/v1/cutout", files=files, data=options, headers=KEY).content
    wanted = decode(content)
    if made[:2] != b"PK":
        np.testing.assert_array_equal(decode(made), wanted)
        assert made[:4] == content[:4]  # of the same format
        return
    colours, alpha = (
        decode(zipfile.ZipFile(io.BytesIO(made)).read(name)) for name in ("color.jpg", "alpha.png")
    )
    assert alpha.ndim == 2
    wanted = wanted if wanted.ndim == 3 else np.stack([wanted] * 3, axis=2)
    np.testing.assert_array_equal(alpha, wanted[..., 3] if wanted.shape[2] == 4 else 255)
    lost = np.abs(colours.astype(int) - wanted[..., :3])[alpha > 10]
    assert lost.mean() < 2
    assert lost.max() < 40
