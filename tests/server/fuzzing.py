"""Uploads that no honest client would send, whole HTTP requests of them.

`benchmarks/fuzz_serve.py` sends ten thousand, `tests/server/test_fuzz.py` a few hundred.
"""

import socket
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from limner.server.options import Parameters
from tests.mutations import damaged, specimens

EXPECTED = {200, 400, 405, 413, 415, 422, 429}
"""What may be answered."""
VALUES = [
    *(
        "",
        "0",
        "1",
        "-1",
        "1e999",
        "nan",
        "inf",
        "0x10",
        "true",
        "None",
        "\x00",
        "é" * 9,
        "'\"<>",
        "../../etc/passwd",
    ),
    *("white", "#12345678", "blur", "grey", "original", "picture", "rgb(999,0,0)", "hsl(1e9,1%,1%)", "mask"),
    *("cutout", "composite", "png", "jpg", "webp", "tif", "square", "35x45mm", "2x2in", "1:1", "1:0", "0:0"),
    *("tile", "contain", "none", "fast", "0.5,0.5", "2,2", "nan,nan", "99999999999999999999", "9" * 5000),
]
NAMES = [
    *Parameters.model_fields,
    "image",
    "image_file",
    "bg_color",
    "size",
    "om",
    "bgc",
    "ae",
    "",
    "\x00",
    "a" * 3000,
]
FILES = ["image", "background", "image_file", "bg_image_file", "file", "other"]


class Fuzz:
    """Requests by number: the same number, the same request."""

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._files = seed, specimens()

    def request(self, number: int) -> bytes:
        """One request, with a true Content-Length."""
        rng = np.random.default_rng((self._seed, number))
        picture = damaged(self._files, self._seed, number)[1]
        if rng.random() < 0.5:
            picture = _pick(list(self._files.values()), rng)
        elif rng.random() < 0.2:
            picture = rng.bytes(int(rng.integers(0, 3000)))
        kind, body = self._body(picture, rng)
        if rng.random() < 0.2:
            body = _spoilt(body, rng)
        path = str(rng.choice([*["/v1/cutout"] * 4, "/v1.0/removebg", "/api/remove"]))
        if rng.random() < 0.4:
            path += "?" + "&".join(
                f"{_quoted(_pick(NAMES, rng))}={_quoted(_pick(VALUES, rng))}" for _ in range(2)
            )
        head = [
            f"POST {path} HTTP/1.1".encode(),
            b"Host: x",
            b"Connection: close",
            b"Content-Type: " + kind,
            b"Content-Length: %d" % len(body),
        ]
        return b"\r\n".join([*head, b"", b""]) + body

    def _body(self, picture: bytes, rng: np.random.Generator) -> tuple[bytes, bytes]:
        if rng.random() < 0.4:
            kinds = [
                b"image/jpeg",
                b"image/png",
                b"application/octet-stream",
                b"text/html",
                b"application/json",
            ]
            return _pick([*kinds, b"application/x-www-form-urlencoded", b"multipart/form-data"], rng), picture
        boundary = _pick([b"b", b"-" * 70, b'"', b"a b"], rng)
        parts = [(_pick(FILES, rng) if rng.random() < 0.3 else "image", picture, _pick(_FILE_NAMES, rng))]
        for _ in range(int(rng.integers(0, 5)) // 2):
            parts.append((_pick(NAMES, rng), _pick(VALUES, rng).encode(), None))
        body = b"".join(_part(boundary, *part) for part in parts) + b"--" + boundary + b"--\r\n"
        return b"multipart/form-data; boundary=" + boundary, body


_FILE_NAMES: list[str | None] = ["p.jpg", "../../p", "/etc/passwd", "C:\\p", "p\x00.png", "é" * 500, "", None]


def _part(boundary: bytes, name: str, data: bytes, file_name: str | None) -> bytes:
    file = "" if file_name is None else f'; filename="{file_name}"'
    disposition = f'Content-Disposition: form-data; name="{name}"{file}'.encode()
    return b"--" + boundary + b"\r\n" + disposition + b"\r\n\r\n" + data + b"\r\n"


def _spoilt(body: bytes, rng: np.random.Generator) -> bytes:
    data: NDArray[np.uint8] = np.frombuffer(body, np.uint8).copy()
    ways: list[Callable[[], NDArray[np.uint8]]] = [
        lambda: data[: int(rng.integers(0, len(data) + 1))],
        lambda: np.where(rng.random(len(data)) < 0.02, rng.integers(0, 256, len(data)), data).astype(
            np.uint8
        ),
        lambda: np.concatenate((data, data)),
        lambda: np.delete(data, slice(int(rng.integers(0, 200)), int(rng.integers(200, 400)))),
    ]
    return ways[int(rng.integers(len(ways)))]().tobytes()


def _pick(choices: list, rng: np.random.Generator):  # type: ignore[no-untyped-def,type-arg]
    return choices[int(rng.integers(len(choices)))]


def _quoted(text: str) -> str:
    return "".join(
        letter
        if letter.isalnum() and letter.isascii()
        else "".join(f"%{byte:02x}" for byte in letter.encode())
        for letter in text
    )


def send(port: int, request: bytes, *, timeout_s: float = 60.0) -> int:
    """Send a request to this machine, and read the whole answer; gives its status, 0 without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        answer = b""
        try:
            connection.sendall(request)
            while part := connection.recv(1 << 20):
                answer = answer or part
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
