"""Several keys, their limits, and what an operator sees of requests."""

import hashlib
import json
import logging
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from limner.errors import InputError
from limner.models.segmenter import Segmenter
from limner.server import Settings, create_app, keys, parse_keys
from limner.server.guard import LOG
from tests.server.conftest import PHOTO

TEXT = """
# who        how often
shop-4711    2/minute   # the web shop
phone
"""
SHOP = {"X-Api-Key": "shop-4711"}
PHONE = {"Authorization": "Bearer phone"}
QUICK = "/v1/cutout?output=mask&refine=none"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the limits; its one number is Unix seconds."""
    clock = [1_000_000.5]
    monkeypatch.setattr("limner.server.keys.time.time", lambda: clock[0])
    return clock


@pytest.fixture
def client(segmenter: Segmenter, now: list[float]) -> Iterator[TestClient]:
    with TestClient(create_app(segmenter, Settings(keys=parse_keys(TEXT)))) as client:
        yield client


def name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def test_each_key_has_its_own_limit(client: TestClient, now: list[float]) -> None:
    first = client.post(QUICK, content=PHOTO, headers=SHOP)
    assert first.status_code == 200
    assert first.headers["x-ratelimit-limit"] == "2"
    assert first.headers["x-ratelimit-remaining"] == "1"
    assert first.headers["x-ratelimit-reset"] == "1000061"
    now[0] += 20
    second = client.post(QUICK, content=PHOTO, headers=SHOP)
    assert (second.status_code, second.headers["x-ratelimit-remaining"]) == (200, "0")
    third = client.post(QUICK, content=PHOTO, headers=SHOP)
    assert (third.status_code, third.json()["code"]) == (429, "rate_limit_exceeded")
    assert third.headers["retry-after"] == "40"
    assert third.headers["x-ratelimit-remaining"] == "0"
    assert client.get("/v1/models", headers=SHOP).status_code == 200  # only pictures count
    other = client.post(QUICK, content=PHOTO, headers=PHONE)
    assert other.status_code == 200
    assert "x-ratelimit-limit" not in other.headers
    now[0] += 40
    assert client.post(QUICK, content=PHOTO, headers=SHOP).headers["x-ratelimit-remaining"] == "1"


def test_a_limit_is_told_in_the_words_of_remove_bg(client: TestClient) -> None:
    for _ in range(2):
        client.post("/v1.0/removebg", headers=SHOP)  # refused pictures count too
    answer = client.post("/v1.0/removebg", files={"image_file": PHOTO}, headers=SHOP)
    assert answer.status_code == 429
    assert answer.json()["errors"][0]["code"] == "rate_limit_exceeded"
    assert int(answer.headers["retry-after"]) == 60


def test_keys_are_replaced_and_what_was_used_stays_used(client: TestClient) -> None:
    for _ in range(2):
        client.post(QUICK, content=PHOTO, headers=SHOP)
    client.app.state.service.keyring.replace(parse_keys("shop-4711 3/minute\nnew"))  # type: ignore[attr-defined]
    answers = [client.post(QUICK, content=PHOTO, headers=SHOP) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert client.get("/v1/models", headers=PHONE).status_code == 401
    assert client.get("/v1/models", headers={"X-Api-Key": "new"}).status_code == 200


def test_metrics_know_keys_by_their_hash(client: TestClient) -> None:
    client.get("/v1/models", headers=SHOP)
    text = client.get("/metrics", headers=PHONE).text
    assert f'limner_key_requests_total{{key="{name("shop-4711")}",status="200"}} 1.0' in text
    assert "shop-4711" not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no API key"),
        ("# nobody", "there is no API key"),
        ("a\na 5/minute", "line 2 of the API keys: the key stands there twice"),
        ("a 5", "line 1 of the API keys: a key in ASCII"),
        ("a 0/minute", "such as 60/minute"),
        ("a b", "such as 60/minute"),
        ("schlüssel", "a key in ASCII"),
    ],
)
def test_keys_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        keys.parse_keys(text)


def test_a_request_keeps_the_id_that_its_client_gave(client: TestClient) -> None:
    for path in ("/healthz", "/v1/models", "/nowhere"):
        assert client.get(path, headers={"X-Request-ID": "a-1.b_2"}).headers["x-request-id"] == "a-1.b_2"
    for sent in ("", "a b", "x" * 65, 'a"b', "Ü".encode().decode("latin-1")):
        given = client.get("/healthz", headers=[(b"x-request-id", sent.encode("latin-1"))])
        assert len(given.headers["x-request-id"]) == 32


def test_a_mistake_of_the_server_has_the_id_too(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(segmenter)
    monkeypatch.setattr(app.state.service, "_cut", lambda *_: 1 / 0)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.post(QUICK, content=PHOTO, headers={"X-Request-ID": "seven"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "seven")


def test_the_log_says_what_was_asked_and_nothing_of_the_client(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOG.name)
    form = {"image": ("anna-in-paris.jpg", PHOTO)}
    client.post(QUICK, files=form, headers={**SHOP, "X-Request-ID": "one"})
    client.get("/v1/models/anna?who=anna", headers=PHONE)
    client.get("/v1/models?who=anna")
    records = [json.loads(record.message) for record in caplog.records if record.name == LOG.name]
    told = [(one["method"], one["route"], one["status"], one["code"], one["key"]) for one in records]
    assert told == [
        ("POST", "/v1/cutout", 200, None, name("shop-4711")),
        ("GET", "other", 404, "not-found", name("phone")),
        ("GET", "other", 401, "auth_failed", None),
    ]
    assert records[0]["request_id"] == "one"
    assert 0 < records[0]["ms"] < 60_000
    for secret in ("anna", "shop-4711", "testclient"):
        assert secret not in caplog.text
