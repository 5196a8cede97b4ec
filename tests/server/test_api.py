import io
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from limner import Segmenter
from limner.cli import main
from limner.images import Photo, encode_frames, load_animation
from limner.mattes.confidence import expected_iou
from limner.models.spec import DEFAULT_MODEL, read_model
from tests.conftest import PORTRAIT, decode
from tests.server.conftest import PHOTO

JPEG = {"Content-Type": "image/jpeg"}
FORM = "multipart/form-data"
RED = {"background": "red"}


@pytest.mark.parametrize(
    ("options", "arguments", "extension", "media_type"),
    [
        ({}, [], "png", "image/png"),
        ({"output": "mask"}, ["--mask"], "png", "image/png"),
        ({"background": "white", "format": "jpg"}, ["--background", "white"], "jpg", "image/jpeg"),
        (
            {"background": "#0c2340", "crop": "square"},
            ["--background", "#0c2340", "--crop", "square"],
            "png",
            "image/png",
        ),
        (
            {"background": "blur", "blur": "3", "format": "webp"},
            ["--background", "blur", "--blur", "3"],
            "webp",
            "image/webp",
        ),
        (
            {"shift": "-1.5", "feather": "2", "refine": "none", "format": "tif"},
            ["--shift", "-1.5", "--feather", "2", "--refine", "none"],
            "tif",
            "image/tiff",
        ),
        ({"refine": "fine"}, ["--refine", "fine"], "png", "image/png"),
    ],
)
def test_the_same_bytes_as_the_command(
    client: TestClient, tmp_path: Path, options: dict[str, str], arguments: list[str], extension: str,
    media_type: str,
) -> None:  # fmt: skip
    target = tmp_path / f"result.{extension}"
    assert main(["cut", str(PORTRAIT), "-o", str(target), *arguments]) == 0
    form = client.post("/v1/cutout", files={"image": PHOTO}, data=options)
    raw = client.post("/v1/cutout", content=PHOTO, headers=JPEG, params=options)
    assert form.status_code == raw.status_code == 200
    assert form.headers["content-type"] == media_type
    assert form.content == raw.content == target.read_bytes()


@pytest.mark.parametrize(
    "headers", [{"Content-Type": ""}, {"Content-Encoding": ""}, {"Content-Encoding": "Identity"}]
)
def test_headers_that_say_nothing_are_as_good_as_none(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/v1/cutout?output=mask", content=PHOTO, headers=headers).status_code == 200


@pytest.mark.parametrize("source", [".gif", ".webp", ".png"])
@pytest.mark.parametrize("made", ["png", "webp", "gif", "jpg"])
def test_an_animation_is_the_same_bytes_as_the_command(
    client: TestClient, tmp_path: Path, source: str, made: str
) -> None:
    path, target = tmp_path / f"two{source}", tmp_path / f"made.{made}"
    photo = Photo(pixels=np.asarray(PIL.Image.open(PORTRAIT).convert("RGB").resize((64, 80))))
    mirrored = replace(photo, pixels=photo.pixels[:, ::-1])
    path.write_bytes(encode_frames([(photo, 70), (mirrored, 130)], source, plays=3))
    background = ["--background", "red"] if made == "jpg" else []
    assert main(["cut", str(path), "-o", str(target), *background]) == 0
    options = {"format": made} | (RED if background else {})
    answer = client.post("/v1/cutout", content=path.read_bytes(), params=options)
    assert (answer.status_code, answer.headers["limner-frame"]) == (200, "0,0,80,64")
    assert answer.content == target.read_bytes()
    times = [70, 130] if made != "jpg" else [100]
    assert [duration_ms for _, duration_ms in load_animation(answer.content).frames] == times


@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_a_picture_with_opacity_before_itself(extension: str, client: TestClient, tmp_path: Path) -> None:
    picture = PIL.Image.open(PORTRAIT).resize((96, 96)).convert("RGBA")
    picture.paste((255, 0, 200, 0), (0, 0, 30, 96))
    picture.save(tmp_path / "hidden.png")
    target = tmp_path / f"result.{extension}"
    assert main(["cut", str(tmp_path / "hidden.png"), "-o", str(target), "--background", "original"]) == 0
    answer = client.post(
        "/v1/cutout",
        files={"image": (tmp_path / "hidden.png").read_bytes()},
        data={"background": "original", "format": extension},
    )
    assert answer.content == target.read_bytes()


def test_an_uploaded_background(client: TestClient, tmp_path: Path) -> None:
    sky = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), (10, 200, 90)).save(sky, "PNG")
    answer = client.post(
        "/v1/cutout", files={"image": PHOTO, "background": sky.getvalue()}, data={"fit": "tile"}
    )
    plain = client.post("/v1/cutout", files={"image": PHOTO}, data={"background": "rgb(10, 200, 90)"})
    assert answer.content == plain.content


def test_an_alpha_of_ones_own(client: TestClient) -> None:
    rows, columns = decode(PHOTO).shape[:2]
    alpha = np.add.outer(np.arange(rows), np.arange(columns)).astype(np.uint8)  # all values, and specks
    files = {"image": PHOTO, "alpha": as_png(alpha)}
    cutout = client.post("/v1/cutout", files=files)
    np.testing.assert_array_equal(decode(cutout.content)[..., 3], alpha)
    mask = client.post("/v1/cutout", files=files, data={"output": "mask", "crop": "subject", "margin": "0"})
    top, left, height, width = map(int, mask.headers["limner-frame"].split(","))
    np.testing.assert_array_equal(decode(mask.content), alpha[top : top + height, left : left + width])

    small = client.post("/v1/cutout", files={"image": PHOTO, "alpha": as_png(alpha[:9, :7])})
    assert (small.status_code, small.json()["detail"][:24]) == (422, "the alpha is 7 x 9 pixel")
    refined = client.post("/v1/cutout", files=files, data={"refine": "none"})
    assert (refined.status_code, refined.json()["code"]) == (422, "contradiction")
    assert client.post("/v1/cutout", files={"image": PHOTO, "alpha": b"no"}).json()["detail"][:6] == "alpha:"


def test_an_alpha_of_ones_own_holds_the_opacity_of_the_photo(client: TestClient) -> None:
    pixels = np.full((40, 30, 4), 128, np.uint8)
    pixels[20:, :, 3] = 0
    alpha = np.full((40, 30), 64, np.uint8)
    answer = client.post("/v1/cutout", files={"image": as_png(pixels), "alpha": as_png(alpha)})
    made = decode(answer.content)[..., 3]
    assert (made[:20] == 64).all()
    assert not made[20:].any()


def as_png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_what_is_told_about_the_result(client: TestClient) -> None:
    answer = client.post("/v1/cutout?output=mask&crop=subject&margin=0", content=PHOTO, headers=JPEG)
    top, left, height, width = map(int, answer.headers["limner-frame"].split(","))
    assert answer.headers["limner-box"] == answer.headers["limner-frame"]
    mask = decode(answer.content)
    assert mask.shape == (height, width)
    whole = decode(client.post("/v1/cutout?output=mask", content=PHOTO, headers=JPEG).content)
    np.testing.assert_array_equal(mask, whole[top : top + height, left : left + width])
    assert float(answer.headers["limner-subject"]) == pytest.approx(float(whole.mean()) / 255, abs=2e-4)
    confidence = expected_iou(Segmenter()(decode(PHOTO)))
    assert float(answer.headers["limner-confidence"]) == pytest.approx(confidence, abs=0.01)
    wall = as_png(np.full((40, 30, 3), 120, np.uint8))
    assert "limner-box" not in client.post("/v1/cutout", content=wall).headers


@pytest.mark.parametrize(
    ("status", "code", "request_"),
    [
        (422, "input", {"files": {"image": b"no picture"}}),
        (422, "input", {"files": {"image": PHOTO[:9000]}}),
        (422, "input", {"files": {"image": b""}}),
        (422, "input", {"files": {"image": PHOTO, "background": b"no picture"}}),
        (422, "input", {"files": {"image": PHOTO}, "data": {"background": "no colour"}}),
        (422, "input", {"files": {"image": PHOTO}, "data": {"background": "rgb(999, 0, 0)"}}),
        (422, "input", {"files": {"image": PHOTO}, "data": {"crop": "circle"}}),
        (422, "no-picture", {"files": {"picture": PHOTO}}),
        (422, "no-picture", {"files": {"image": PHOTO, "other": PHOTO}}),
        (422, "given-twice", {"files": {"image": PHOTO, "file": PHOTO}}),
        (422, "no-picture", {"data": {"image": "text"}, "files": {"background": PHOTO}}),
        (422, "options", {"files": {"image": PHOTO}, "data": {"blurr": "3"}}),
        (422, "options", {"files": {"image": PHOTO}, "params": {"shift": "far"}}),
        (422, "options", {"files": {"image": PHOTO}, "params": {"align": "1"}}),
        (422, "given-twice", {"files": {"image": PHOTO}, "data": {"blur": "3"}, "params": {"blur": "3"}}),
        (422, "given-twice", {"files": [("image", PHOTO), ("image", PHOTO)]}),
        (422, "given-twice", {"content": PHOTO, "headers": JPEG, "params": [("blur", "3"), ("blur", "4")]}),
        (422, "contradiction", {"files": {"image": PHOTO}, "data": {"format": "jpg"}}),
        (422, "contradiction", {"files": {"image": PHOTO}, "data": {"output": "composite"}}),
        (422, "input", {"files": {"image": PHOTO}, "data": {**RED, "output": "mask"}}),
        (422, "contradiction", {"files": {"image": PHOTO}, "data": {**RED, "output": "cutout"}}),
        (415, "content-type", {"content": b"{}", "headers": {"Content-Type": "application/json"}}),
        (415, "content-encoding", {"content": PHOTO, "headers": {**JPEG, "Content-Encoding": "gzip"}}),
        (400, "malformed-form", {"content": b"x", "headers": {"Content-Type": f"{FORM}; boundary=a"}}),
        (400, "malformed-form", {"content": b"x", "headers": {"Content-Type": FORM}}),
    ],
)  # fmt: skip
def test_bad_input_is_told_as_a_problem(
    client: TestClient, status: int, code: str, request_: dict[str, Any]
) -> None:
    answer = client.post("/v1/cutout", **request_)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert len(problem["detail"]) > 10


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/cutout", 405), ("GET", "/nothing", 404), ("POST", "/", 405)]
)
def test_wrong_addresses_are_problems_too(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == answer.json()["status"] == status


def test_health_models_and_page(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/v1/models").json()["models"][0]["size"] == list(read_model(DEFAULT_MODEL)[1].size)
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "'unsafe" not in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/", "/style.css", "/healthz", "/readyz", "/v1/models", "/metrics", "/openapi.json"]
)
def test_head_is_answered_as_get_without_the_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert int(head.headers["content-length"]) > 0
    assert client.head("/v1/cutout").status_code == 405


def form(*parts: tuple[str, str, bytes]) -> dict[str, Any]:
    """A form as some client writes it: each part's disposition, media type and content."""
    body = b"".join(
        f"--b\r\nContent-Disposition: form-data; {head}\r\n{kind}\r\n".encode() + content + b"\r\n"
        for head, kind, content in parts
    )
    return {"content": body + b"--b--\r\n", "headers": {"Content-Type": f'{FORM}; boundary="b"'}}


JPEG_PART = "Content-Type: image/jpeg\r\n"
BYTES_PART = "Content-Type: application/octet-stream\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [('name="{}"; filename="p.jpg"', JPEG_PART, PHOTO)],
        [('name="{}"; filename="写真.jpg"', JPEG_PART, PHOTO)],
        [("name=\"{}\"; filename*=utf-8''%E5%86%99.jpg", JPEG_PART, PHOTO)],
        [("name=\"{}\"; filename=\"p.jpg\"; filename*=utf-8''%E5%86%99.jpg", JPEG_PART, PHOTO)],
        [('name="{}"', JPEG_PART, PHOTO)],
        [('name="{}"', BYTES_PART, PHOTO)],
        [("name={}; filename=p.jpg", "", PHOTO)],
        # A form of a page whose other fields were left empty.
        [('name="{}"; filename="p.jpg"', JPEG_PART, PHOTO), ('name="format"', "", b"")],
        [
            ('name="{}"; filename="p.jpg"', JPEG_PART, PHOTO),
            ('name="background"; filename=""', BYTES_PART, b""),
            ('name="blur"', "", b""),
        ],
    ],
)  # fmt: skip
def test_forms_as_clients_send_them(client: TestClient, parts: list[tuple[str, str, bytes]]) -> None:
    for path, field in (("/v1/cutout", "image"), ("/v1/cutout", "file"), ("/v1.0/removebg", "image_file")):
        if path == "/v1.0/removebg":  # has fields of its own names
            parts = [part for part in parts if "background" not in part[0] and "blur" not in part[0]]
        request = form(*((head.replace("{}", field), kind, content) for head, kind, content in parts))
        answer = client.post(path, **request)
        assert answer.status_code == 200, (path, field, answer.text[:200])


def test_empty_options_are_not_given(client: TestClient) -> None:
    plain = client.post("/v1/cutout", content=PHOTO, headers=JPEG)
    answer = client.post("/v1/cutout?background=&blur=&crop=", content=PHOTO, headers=JPEG)
    assert (answer.status_code, answer.content) == (200, plain.content)


def test_metrics_count(client: TestClient) -> None:
    def value(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)

    names = [
        'limner_requests_total{route="/v1/cutout",status="200"}',
        'limner_stage_seconds_count{stage="network"}',
        "limner_batch_images_sum",
        'limner_requests_total{route="/v1/cutout",status="422"}',
    ]
    before = [value(name) for name in names]
    client.post("/v1/cutout", content=PHOTO, headers=JPEG)
    client.post("/v1/cutout", content=b"no", headers=JPEG)
    assert [value(name) for name in names] == [count + 1 for count in before]
    assert value("limner_queue_requests") == 0
    assert value("limner_queue_limit") == 32


def test_the_description_has_the_right_types(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    cutout = paths["/v1/cutout"]["post"]
    assert set(cutout["responses"]["200"]["content"]) == {
        "image/png",
        "image/webp",
        "image/jpeg",
        "image/tiff",
        "image/gif",
    }
    assert set(cutout["responses"]["422"]["content"]) == {"application/problem+json"}
    assert set(cutout["requestBody"]["content"]) == {
        "multipart/form-data",
        "image/*",
        "application/octet-stream",
    }
    assert "image/png" in paths["/v1.0/removebg"]["post"]["responses"]["200"]["content"]
    assert list(paths["/metrics"]["get"]["responses"]["200"]["content"]) == ["text/plain"]


@pytest.fixture
def written() -> Iterator[list[str]]:
    """Paths that are opened for writing while the test runs."""
    paths: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching:
            return
        if event == "open":
            path, mode, flags = arguments
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or (mode and set(mode) & set("wax+")):
                paths.append(str(path))
        elif event in {"os.mkdir", "os.rename", "tempfile.mkstemp", "tempfile.mkdtemp"}:
            paths.append(str(arguments[0]))

    sys.addaudithook(watch)
    yield paths
    watching = False


def test_no_file_is_written_and_no_name_logged(
    client: TestClient, written: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    noise = io.BytesIO()
    rng = np.random.default_rng(0)
    PIL.Image.fromarray(rng.integers(0, 256, (1200, 1200, 3), dtype=np.uint8)).save(noise, "PNG")
    caplog.set_level("DEBUG")
    for name in ("secret-name.png", "../../secret-name.png", "/etc/secret-name", "secret\x00name\r\n.png"):
        files = {"image": (name, noise.getvalue()), "background": (name, noise.getvalue())}
        answer = client.post("/v1/cutout", files=files)
        assert answer.status_code == 200
        assert "content-disposition" not in answer.headers
    assert written == []
    assert "secret" not in caplog.text
    tempfile.TemporaryFile().close()
    assert written  # the watch works
