import base64
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from limner.images import Photo, encode_frames, encode_image, load_image
from limner.server import Settings, create_app, service
from limner.server.problems import RefusedError
from limner.server.removebg_fields import NOT_PEOPLE, decode_base64, read_wanted
from limner.server.sandbox import Sandbox
from tests.conftest import decode
from tests.server.conftest import PHOTO

PATH = "/v1.0/removebg"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[TestClient]:
    """An application that finds the same drawn person in every picture."""
    with TestClient(create_app(Sandbox())) as client:
        yield client


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


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("application/json, image/*;q=0.5", "application/json"),
        ("application/json, text/plain, */*", "image/png"),  # axios says so, and expects the picture
        ("image/*", "image/png"),
        ("*/*", "image/png"),
        ("application/json;q=0.1, image/png", "image/png"),
        ("application/json;q=x", "image/png"),
        ("", "image/png"),
    ],
)
def test_json_for_those_who_like_it_best(sandbox: TestClient, accept: str, kind: str) -> None:
    answer = sandbox.post(PATH, files={"image_file": PHOTO}, headers={"Accept": accept})
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(
    "spelling",
    [
        lambda data: base64.b64encode(data).decode(),
        lambda data: base64.encodebytes(data).decode(),
        lambda data: base64.encodebytes(data).decode().replace("\n", "\r\n"),
        lambda data: " " + base64.b64encode(data).decode() + "\n",
        lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
        lambda data: base64.b64encode(data).decode().replace("+", " "),
        lambda data: "data:image/jpeg;base64," + base64.b64encode(data).decode(),
        lambda data: "data:;base64,\n" + base64.encodebytes(data).decode(),
        lambda data: "DATA:image/JPEG;charset=x;base64, " + base64.b64encode(data).decode(),
    ],
)
@pytest.mark.parametrize("end", [0, 1, 2])
def test_base64_as_it_is_written(spelling: Callable[[bytes], str], end: int) -> None:
    data = bytes(range(256)) + bytes(end)
    assert decode_base64(spelling(data)) == data


@pytest.mark.parametrize("text", ["!", "a", "äöü", "AAAA=A", "data:image/png", "%2B"])
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(RefusedError, match="image_file_b64: it is not base64"):
        decode_base64(text)


@pytest.mark.parametrize(
    "odd",
    [
        {"crop": "False", "add_shadow": "0", "semitransparency": "YES"},
        {"crop": "off", "roi": "0,0,100%,100%", "position": "Original", "scale": "ORIGINAL"},
        {"bg_color": "null", "roi": "undefined", "crop_margin": "undefined", "type": " Person "},
        {"crop_margin": "50%", "channels": "RGBA", "format": "PNG", "shadow_opacity": "30"},
        {"shadow_type": "none", "add_shadow": "true", "size": "Auto"},
        {"some_option": "of a plug-in"},
    ],
)
def test_values_that_change_nothing(sandbox: TestClient, odd: dict[str, str]) -> None:
    plain = sandbox.post(PATH, files={"image_file": PHOTO}, data={"size": "auto"})
    answer = sandbox.post(PATH, files={"image_file": PHOTO}, data={"size": "auto", **odd})
    assert answer.status_code == 200, answer.text
    assert answer.content == plain.content
    assert answer.headers.get("limner-ignored") == ("some_option" if "some_option" in odd else None)


def test_parameters_of_the_query_and_names_that_no_header_holds(sandbox: TestClient) -> None:
    answer = sandbox.post(f"{PATH}?size=hd&é%0A=1", files={"image_file": PHOTO}, data={"size": "preview"})
    assert answer.headers["x-width"] == "500"
    assert answer.headers["limner-ignored"] == r"\u00e9\n"


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        (None, 250_000), ("preview", 250_000), ("medium", 1_500_000), ("hd", 4_000_000),
        ("4k", 25_000_000), ("full", 25_000_000), ("auto", 25_000_000), ("50MP", 50_000_000),
    ],
)  # fmt: skip
def test_the_pixels_of_a_size(size: str | None, pixels: int) -> None:
    fields = {} if size is None else {"size": size}
    assert read_wanted(fields, {"image_file": b"x"}).most_pixels == pixels


def large() -> bytes:
    """The photo, turned on its side by its EXIF data, 1200 x 900 when upright."""
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    data = io.BytesIO()
    PIL.Image.open(io.BytesIO(PHOTO)).resize((900, 1200)).save(data, "JPEG", exif=exif)
    return data.getvalue()


def test_the_person_is_told_in_pixels_of_the_upright_input(sandbox: TestClient) -> None:
    boxes = []
    for fields in ({"size": "full"}, {"size": "preview"}, {"size": "full", "crop": "true", "scale": "50%"}):
        headers = sandbox.post(PATH, files={"image_file": large()}, data=fields).headers
        assert (headers["x-max-width"], headers["x-max-height"]) == ("1200", "900")
        boxes.append([int(headers[f"x-foreground-{name}"]) for name in ("top", "left", "width", "height")])
    assert boxes[0] == boxes[2]
    np.testing.assert_allclose(boxes[0], boxes[1], atol=4)


def test_a_region_in_pixels_is_of_the_input(sandbox: TestClient) -> None:
    fields = {"roi": "600px 0 1200 900", "channels": "alpha"}
    alpha = decode(sandbox.post(PATH, files={"image_file": large()}, data=fields).content)
    assert alpha.shape[1] == 577  # of a quarter of a megapixel
    columns = np.flatnonzero(alpha.any(axis=0))
    assert 287 <= columns[0] <= 290
    same = sandbox.post(PATH, files={"image_file": large()}, data={**fields, "roi": "50% 0% 100% 100%"})
    np.testing.assert_array_equal(decode(same.content), alpha)


def alpha_box(data: bytes) -> tuple[int, int, int, int]:
    """Top, left, height and width of what is half opaque or more."""
    seen = decode(data)[..., 3] >= 128
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_margins(sandbox: TestClient) -> None:
    def cut(margin: str) -> NDArray[np.uint8]:
        fields = {"size": "full", "crop": "1", "crop_margin": margin}
        return decode(sandbox.post(PATH, files={"image_file": PHOTO}, data=fields).content)

    height, width = cut("0").shape[:2]
    assert cut("10px").shape[:2] == (height + 20, width + 20)
    assert cut("10px 5").shape[:2] == (height + 20, width + 10)
    assert cut("50%").shape[:2] == (2 * height, 2 * width)
    assert cut("99%").shape == cut("50%").shape  # no more than remove.bg gives
    made = cut("1px 2px 30px 40px")
    assert made.shape[:2] == (height + 31, width + 42)
    inner, wanted = made[1:-30, 40:-2], cut("0")
    np.testing.assert_array_equal(inner[..., 3], wanted[..., 3])
    assert np.abs(inner.astype(int) - wanted).mean() < 0.5  # colours are estimated anew


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"scale": "50%"}, (0.5, 0.5)),
        ({"scale": "50%", "position": "0% 100%"}, (1.0, 0.0)),
        ({"scale": "50", "position": "100%"}, (1.0, 1.0)),
        ({"scale": "80%", "position": "center"}, (0.5, 0.5)),
        ({"position": "0%"}, (0.0, 0.0)),
    ],
)
def test_scale_and_position(sandbox: TestClient, fields: dict[str, str], place: tuple[float, float]) -> None:
    made = sandbox.post(PATH, files={"image_file": PHOTO}, data={"size": "full", **fields}).content
    assert decode(made).shape == (512, 512, 4)
    top, left, height, width = alpha_box(made)
    if "scale" in fields:
        fraction = float(fields["scale"].rstrip("%")) / 100
        assert max(height, width) == pytest.approx(fraction * 512, abs=2)
    assert top == pytest.approx(place[0] * (512 - height), abs=2)
    assert left == pytest.approx(place[1] * (512 - width), abs=2)


def test_margins_make_no_more_pixels_than_the_size_has(sandbox: TestClient) -> None:
    fields = {"size": "preview", "crop": "true", "crop_margin": "50%"}
    headers = sandbox.post(PATH, files={"image_file": PHOTO}, data=fields).headers
    assert int(headers["x-width"]) * int(headers["x-height"]) <= 250_000


def test_the_type_is_told_unless_none_is_wanted(sandbox: TestClient) -> None:
    for level in ("none", "1", "2", "latest"):
        headers = sandbox.post(PATH, files={"image_file": PHOTO}, data={"type_level": level}).headers
        assert headers.get("x-type") == (None if level == "none" else "person")


@pytest.mark.parametrize("kind", NOT_PEOPLE)
def test_what_is_not_a_person_is_not_cut(sandbox: TestClient, kind: str) -> None:
    answer = sandbox.post(PATH, files={"image_file": PHOTO}, data={"type": kind})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_foreground")


@pytest.mark.parametrize("fields", [{}, {"crop": "true"}, {"scale": "50%", "format": "zip"}])
def test_nobody_is_an_unknown_foreground(sandbox: TestClient, fields: dict[str, str]) -> None:
    grey = encode_image(np.full((64, 64, 3), 128, np.uint8), ".png")
    answer = sandbox.post(PATH, files={"image_file": grey}, data=fields)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_foreground")


def test_a_cut_out_that_is_probably_wrong_is_an_unknown_foreground(
    sandbox: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LEAST_CONFIDENCE", 0.9999)
    answer = sandbox.post(PATH, files={"image_file": PHOTO})
    assert answer.json()["errors"][0]["code"] == "unknown_foreground"


def test_pictures_that_cannot_be_used_are_named(sandbox: TestClient) -> None:
    for files, name in (
        ({"image_file": b"no picture"}, "image_file: "),
        ({"image_file": PHOTO, "bg_image_file": b"no picture"}, "bg_image_file: "),
    ):
        answer = sandbox.post(PATH, files=files)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["title"].startswith(name)
    for name in ("image_url", "bg_image_url"):
        more = {"image_file_b64": base64.b64encode(PHOTO).decode()} if name == "bg_image_url" else {}
        answer = sandbox.post(PATH, json={name: "http://10.0.0.1/x.jpg", **more})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["title"].startswith(f"{name}: this server fetches nothing")


def test_an_animation_becomes_a_still(sandbox: TestClient) -> None:
    frames = [(Photo(pixels=load_image(PHOTO)), 50)] * 2
    moving = encode_frames(iter(frames), ".webp")
    answer = sandbox.post(PATH, files={"image_file": moving}, data={"crop": "true"})
    assert answer.status_code == 200, answer.text


def test_limits_are_told_in_their_words(sandbox: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(create_app(Sandbox(), Settings(max_bytes=1000, queue=1))) as small:
        answer = small.post(PATH, files={"image_file": PHOTO})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "file_too_large")
        monkeypatch.setattr(small.app.state.service, "accepted", 5)  # type: ignore[attr-defined]
        answer = small.post(PATH, files={"image_file": b"x"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "rate_limit_exceeded")
    assert answer.headers["retry-after"] == "1"


def test_the_account(sandbox: TestClient) -> None:
    attributes = sandbox.get("/v1.0/account").json()["data"]["attributes"]
    assert attributes["credits"].keys() == {"total", "subscription", "payg", "enterprise"}
    assert attributes["api"].keys() == {"free_calls", "sizes"}  # the Ruby client takes no others
    assert attributes["credits"]["total"] > 1000


def test_improve_keeps_nothing_and_says_so(sandbox: TestClient) -> None:
    answer = sandbox.post("/v1.0/improve", files={"image_file": PHOTO}, data={"tag": "x"})
    assert answer.status_code == 200
    assert answer.json()["id"]
    assert "nothing is kept" in answer.json()["detail"]
    assert (
        sandbox.post("/v1.0/improve", content=b"{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )
