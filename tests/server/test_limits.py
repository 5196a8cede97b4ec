import io
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import httpx2
import numpy as np
import PIL.Image
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from limner.errors import InputError
from limner.images import Photo, encode_frames
from limner.models.segmenter import Segmenter
from limner.parallel import keep_to
from limner.server import Settings, create_app, parse_keys, run
from limner.server.guard import HEADERS
from tests.server.conftest import PHOTO, head, read_answer, served

KEY = "k3y-of-the-test"
SETTINGS = Settings(max_bytes=2_000_000, max_pixels=1_000_000, upload_s=0.5, queue=4, keys=parse_keys(KEY))
AUTH = f"X-Api-Key: {KEY}"
JPEG = "Content-Type: image/jpeg"


@pytest.fixture(scope="module")
def port(segmenter: Segmenter) -> Iterator[int]:
    with served(segmenter, SETTINGS) as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def works(port: int) -> bool:
    """Whether an ordinary request is answered with a picture, as soon as there is a place in the queue."""
    answer = b" 429 "
    while b" 429 " in answer:
        with connect(port) as connection:
            connection.sendall(head("/v1/cutout", AUTH, JPEG, f"Content-Length: {len(PHOTO)}") + PHOTO)
            answer = connection.recv(100)
    return answer.startswith(b"HTTP/1.1 200")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def test_an_ordinary_request_passes(port: int) -> None:
    assert works(port)


def test_two_gigabytes_are_refused_by_their_head(port: int) -> None:
    with connect(port) as connection:
        start = time.monotonic()
        connection.sendall(head("/v1/cutout", AUTH, JPEG, "Content-Length: 2147483648"))
        connection.sendall(bytes(100_000))
        assert b" 413 " in read_answer(connection)
        assert time.monotonic() - start < 5
    assert works(port)


def test_an_endless_body_is_refused_on_the_way(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/v1/cutout", AUTH, JPEG, "Transfer-Encoding: chunked"))
        part = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        for _ in range(SETTINGS.max_bytes // 0x10000 + 1):
            connection.sendall(part)
        assert b" 413 " in read_answer(connection)
    assert works(port)


def test_a_slow_upload_is_ended(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/v1/cutout", AUTH, JPEG, "Content-Length: 1000") + b"x")
        start = time.monotonic()
        assert b" 408 " in read_answer(connection)
        assert time.monotonic() - start < 5
    assert works(port)


def test_slow_uploads_hold_their_places_only_so_long(port: int) -> None:
    slow = [connect(port) for _ in range(SETTINGS.queue)]
    try:
        for connection in slow:
            connection.sendall(head("/v1/cutout", AUTH, JPEG, "Content-Length: 1000") + b"x")
        time.sleep(0.2)
        with connect(port) as connection:
            connection.sendall(head("/v1/cutout", AUTH, JPEG, "Content-Length: 1") + b"x")
            answer = read_answer(connection)
        assert b" 429 " in answer
        assert b"retry-after: 1" in answer.lower()
        for connection in slow:
            assert b" 408 " in read_answer(connection)
    finally:
        for connection in slow:
            connection.close()
    assert works(port)


def test_a_slow_head_is_ended(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "HEAD_TIMEOUT_S", 0.3)
    with connect(port) as idle, connect(port) as slow:
        slow.sendall(b"POST /v1/cutout HTTP/1.1\r\nX-A")
        assert idle.recv(1) == b""
        assert slow.recv(1) == b""
    assert works(port)


def test_cut_connections_do_no_harm(port: int) -> None:
    for sent in (0, 1, 30, 2000):
        connection = connect(port)
        message = head("/v1/cutout", AUTH, JPEG, f"Content-Length: {len(PHOTO)}") + PHOTO
        connection.sendall(message[:sent])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset
        connection.close()
    for _ in range(3):  # gone after the upload
        connection = connect(port)
        connection.sendall(head("/v1/cutout", AUTH, JPEG, f"Content-Length: {len(PHOTO)}") + PHOTO)
        connection.close()
    assert works(port)


def test_what_is_not_http_is_refused(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"\x16\x03\x01\x00\xa5 not http\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")
    assert works(port)


@pytest.fixture(scope="module")
def small(segmenter: Segmenter) -> Iterator[TestClient]:
    with TestClient(create_app(segmenter, SETTINGS), headers={"X-Api-Key": KEY}) as client:
        yield client


def gif_bomb() -> bytes:
    data = io.BytesIO()
    PIL.Image.new("P", (1, 1)).save(data, "GIF")
    return b"GIF89a" + struct.pack("<HH", 65535, 65535) + data.getvalue()[10:]


ROWS = zlib.compress(bytes(50_000_000), 9)
GREY = chunk(b"IDAT", zlib.compress(bytes(784)))
BOMBS = {
    "a header of many pixels": png(30_000, 30_000, chunk(b"IDAT", zlib.compress(b"\x00"))),
    "a header of 2^31 pixels a side": png(0x7FFFFFFF, 0x7FFFFFFF),
    "a GIF of 4 gigapixels": gif_bomb(),
    "rows beyond the picture": png(16, 16, chunk(b"IDAT", ROWS)),
    "packed text": png(16, 16, chunk(b"zTXt", b"a\x00\x00" + ROWS), GREY),
    "a packed profile": png(16, 16, chunk(b"iCCP", b"a\x00\x00" + ROWS), GREY),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(small: TestClient, name: str) -> None:
    start = time.monotonic()
    answer = small.post("/v1/cutout", content=BOMBS[name])
    assert answer.status_code in {200, 422}, answer.text  # some decoders stop where the picture is whole
    assert time.monotonic() - start < 5
    if "many pixels" in name:
        assert "the limit is 1 megapixels" in answer.json()["detail"]


def moving(count: int, side: int) -> bytes:
    photo = Photo(pixels=np.zeros((side, side, 3), np.uint8))
    return encode_frames([(photo, 50)] * count, ".gif")


def test_the_pixels_of_all_frames_are_counted_together(small: TestClient) -> None:
    assert small.post("/v1/cutout", content=moving(3, 500)).status_code == 200
    answer = small.post("/v1/cutout", content=moving(5, 500))
    assert answer.status_code == 422
    assert "5 frames of 500 x 500 pixels): the limit is 1 megapixels" in answer.json()["detail"]
    assert small.post("/v1/cutout?format=jpg&background=red", content=moving(5, 500)).status_code == 200


def test_an_animation_that_takes_too_long_is_given_up(segmenter: Segmenter) -> None:
    app = create_app(segmenter, Settings(time_limit_s=1.5, workers=1, batch=1))
    with TestClient(app) as client:
        answer = client.post("/v1/cutout?refine=none", content=moving(3000, 20))
        assert (answer.status_code, answer.json()["code"]) == (503, "time-limit")
        runs = frames_run(app)
        time.sleep(0.5)
        assert 0 < runs <= frames_run(app) <= runs + 1
        assert client.post("/v1/cutout?refine=none", content=PHOTO).status_code == 200


def test_an_animation_is_given_up_when_the_client_has_left(segmenter: Segmenter) -> None:
    with served(segmenter, Settings(workers=1, batch=1)) as port:
        message = head("/v1/cutout?refine=none", "Content-Type: image/gif", f"Content-Length: {len(LONG)}")
        with connect(port) as connection:
            connection.sendall(message + LONG)
            until(lambda: number_of(port, "limner_batch_images_sum") > 1)
        until(lambda: number_of(port, 'limner_rejected_total{reason="gone"}') == 1)
        runs = number_of(port, "limner_batch_images_sum")
        time.sleep(0.5)
        assert number_of(port, "limner_batch_images_sum") <= runs + 1
        assert number_of(port, "limner_queue_requests") == 0


LONG = moving(400, 20)


def until(true: Callable[[], bool]) -> None:
    """Wait for it, a minute at most."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def number_of(port: int, name: str) -> float:
    return number_in(httpx2.get(f"http://127.0.0.1:{port}/metrics").text, name)


def number_in(metrics: str, name: str) -> float:
    """A number of the metrics; 0 before its first."""
    return float(metrics.partition(f"\n{name} ")[2].partition("\n")[0] or 0)


def frames_run(app: FastAPI) -> float:
    """How many images have gone through the network."""
    return number_in(app.state.service.telemetry.text().decode(), "limner_batch_images_sum")


def test_pixels_of_the_background_count_too(small: TestClient) -> None:
    assert (
        small.post("/v1/cutout", files={"image": PHOTO, "background": png(30_000, 30_000)}).status_code == 422
    )


def test_a_picture_too_small_spoils_no_batch(small: TestClient) -> None:
    tiny = io.BytesIO()
    PIL.Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tiny, "PNG")
    answer = small.post("/v1/cutout", content=tiny.getvalue())
    assert answer.status_code == 422
    assert "too few" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Api-Key": KEY}, 200),
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer {KEY}", "X-Api-Key": "other"}, 200),
        ({"X-Api-Key": KEY[:-1]}, 401),
        ({"X-Api-Key": "é".encode().decode("latin-1")}, 401),
        ({"Authorization": KEY}, 401),
        ({}, 401),
    ],
)
def test_the_key(segmenter: Segmenter, headers: dict[str, str], status: int) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    client = TestClient(create_app(segmenter, SETTINGS))
    answer = client.get("/v1/models", headers=encoded)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get("/metrics", headers=encoded).status_code == 401
        theirs = client.post("/v1.0/removebg", headers=encoded)
        assert (theirs.status_code, theirs.json()["errors"][0]["code"]) == (403, "auth_failed")
        assert client.get("/healthz").status_code == client.get("/").status_code == 200


def test_other_sites_may_call_only_if_asked(segmenter: Segmenter, client: TestClient) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client.options("/v1/cutout", headers=asked).headers
    assert "access-control-allow-origin" not in client.get("/healthz", headers=asked).headers
    friendly = TestClient(
        create_app(segmenter, Settings(origins=("https://a.example",), keys=parse_keys(KEY)))
    )
    answer = friendly.options("/v1/cutout", headers={**asked, "Access-Control-Request-Headers": "X-Api-Key"})
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    other = {**asked, "Origin": "https://b.example"}
    assert "access-control-allow-origin" not in friendly.options("/v1/cutout", headers=other).headers


@pytest.mark.parametrize(
    ("path", "field"), [("/v1/cutout?crop=subject", "image"), ("/v1.0/removebg", "image_file")]
)
def test_pages_of_other_sites_see_every_fact(segmenter: Segmenter, path: str, field: str) -> None:
    settings = Settings(origins=("https://a.example",))
    with TestClient(create_app(segmenter, settings)) as client:
        answer = client.post(path, files={field: PHOTO}, headers={"Origin": "https://a.example"})
    assert answer.status_code == 200
    shown = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    facts = {name for name in answer.headers if name.startswith(("limner-", "x-"))}
    assert len(facts) > 3
    assert facts - {name.lower() for name in HEADERS} <= shown


def test_threads_are_the_cores_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    with keep_to(3):
        assert Settings().workers == 3


def test_no_answer_in_time_is_told(segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def stuck(*_: object) -> None:
        free.wait(20)
        raise InputError("too late")

    app = create_app(segmenter, Settings(time_limit_s=0.2, workers=1))
    monkeypatch.setattr(app.state.service, "_cut", stuck)
    with TestClient(app) as client:
        answer = client.post("/v1/cutout", content=PHOTO)
        free.set()
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "time-limit",
        "5",
    )


@pytest.mark.parametrize("settings", [{"queue": 0}, {"max_bytes": -1}, {"upload_s": 0}])
def test_limits_that_cannot_be(settings: dict[str, int]) -> None:
    with pytest.raises(InputError):
        Settings(**settings)  # type: ignore[arg-type]
