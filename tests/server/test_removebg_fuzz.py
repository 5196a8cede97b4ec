"""Parameters of remove.bg's API as no client should send them."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from limner.images import encode_image
from limner.server import Settings, create_app
from limner.server.removebg_fields import FIELDS
from limner.server.sandbox import Sandbox

PATH = "/v1.0/removebg"
PICTURE = encode_image(np.arange(64 * 48 * 3, dtype=np.uint8).reshape(64, 48, 3), ".png")
BASE64 = base64.b64encode(PICTURE).decode()
NAMES = [*FIELDS, "nonsense", "Size", "image_file_b64[]", "", "\x00", "ü" * 300]
GOOD = {
    "size": ["preview", "full", "50MP"],
    "type": ["auto", "person", "car"],
    "type_level": ["none", "2", "latest"],
    "format": ["png", "jpg", "webp", "zip"],
    "roi": ["0% 0% 100% 100%", "10px 0 40px 60px", "5% 5% 95% 64px"],
    "crop": ["true", "False"],
    "crop_margin": ["10px", "5% 10px", "1px 2px 3% 4%"],
    "scale": ["50%", "100%", "original"],
    "position": ["center", "0% 100%", "33.3%"],
    "channels": ["rgba", "alpha"],
    "add_shadow": ["true", "0"],
    "shadow_type": ["drop", "none", "car"],
    "shadow_opacity": ["0", "55", "100"],
    "semitransparency": ["true", "false"],
    "bg_color": ["81d4fa77", "fff", "green", "rgb(1, 2, 3)"],
    "bg_image_url": ["http://127.0.0.1/x.png", "http://images.example/x.png"],
    "image_url": ["http://[::1]/", "file:///etc/passwd"],
    "image_file_b64": [BASE64],
}
ODD = [
    *(
        "",
        " ",
        "undefined",
        "null",
        "None",
        "NaN",
        "-1",
        "1e999",
        "9" * 400,
        "0x10",
        "%",
        "px",
        "%%",
        "1%2%3%",
    ),
    *(
        "0% 0% 0% 0%",
        "-5px",
        "99999px 99999px",
        "100% 100% 0% 0%",
        "1 2 3 4 5",
        "٣٣%",
        "½",
        "1,2",
        "\x00",
        "\n",
    ),
    *("é" * 9, "'\"<>", "../../etc/passwd", "transparent", "blur", "picture", "#gggggg", "hsl(1e9,1%,1%)"),
    *(
        "rgb(999,0,0)",
        "#",
        "0000000",
        "true",
        "[]",
        "{}",
        "data:,",
        "data:image/png;base64",
        "original",
        "3D",
    ),
]


def request(number: int) -> dict[str, str]:
    """Some parameters: the same number, the same ones."""
    rng = np.random.default_rng(number)
    fields = {}
    for _ in range(int(rng.integers(1, 5))):
        name = NAMES[rng.integers(len(NAMES))]
        values = GOOD.get(name, ODD) if rng.random() < 0.5 else ODD
        value = values[rng.integers(len(values))]
        if rng.random() < 0.3:
            value = mutated(value, rng)
        fields[name] = value
    return fields


def mutated(text: str, rng: np.random.Generator) -> str:
    """A text with a few characters gone, doubled or replaced."""
    letters = list(text[:200])
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(letters) + 1))
        letters[place : place + int(rng.integers(2))] = rng.choice(list("0159%. -px#,\x00é\u0661tf")).tolist()
    return "".join(letters)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    settings = Settings(max_pixels=1_000_000, urls=("images.example",), upload_s=2)
    with TestClient(create_app(Sandbox(), settings), raise_server_exceptions=False) as client:
        yield client


def check(client: TestClient, numbers: range) -> Counter[int]:
    """Send requests; each is answered in time, and each refusal names a parameter."""
    statuses: Counter[int] = Counter()
    for number in numbers:
        fields = request(number)
        start = time.monotonic()
        answer = sent(client, fields, number)
        assert time.monotonic() - start < 20, fields
        statuses[answer.status_code] += 1
        assert answer.status_code in (200, 400), (fields, answer.text)
        if answer.status_code == 400:
            [error] = answer.json()["errors"]
            named = [name for name in FIELDS if name in error["title"]]
            assert named or error["code"] == "unknown_foreground", (fields, error)
            assert len(error["title"]) < 1000
    return statuses


def sent(client: TestClient, fields: dict[str, str], number: int) -> Any:
    kind = number % 3
    if kind == 0:
        return client.post(PATH, files={"image_file": PICTURE}, data=fields)
    fields = {"image_file_b64": BASE64, **fields}
    if kind == 1:
        return client.post(PATH, data=fields)
    body = json.dumps(fields, ensure_ascii=bool(number % 2))
    return client.post(PATH, content=body.encode(), headers={"Content-Type": "application/json"})


def test_odd_parameters(client: TestClient) -> None:
    statuses = check(client, range(250))
    assert min(statuses[200], statuses[400]) > 40  # both are tried


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_five_thousand_odd_parameters(client: TestClient, part: int) -> None:
    check(client, range(1000 * part, 1000 * part + 1000))


@pytest.mark.parametrize("value", [None, 1, 0.5, True, [], {}, [1, 2], {"a": 1}, "", "x" * 100_000])
@pytest.mark.parametrize("name", [*FIELDS, "nonsense"])
def test_json_of_any_kind(client: TestClient, name: str, value: Any) -> None:
    answer = client.post(PATH, json={"image_file_b64": BASE64, name: value})
    assert answer.status_code in (200, 400)
    assert answer.status_code == 200 or name in answer.text or "unknown_foreground" in answer.text
