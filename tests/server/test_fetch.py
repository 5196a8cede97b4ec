"""Fetching by address: what is allowed, and each way in that an attacker would try."""

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from limner.errors import InputError
from limner.server.fetch import ANY, Fetcher, is_public, target_of

FILE = b"a picture"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + FILE


class Double:
    """An HTTP server that says what it is told to, and keeps what it heard."""

    def __init__(self, *answers: bytes | Callable[[socket.socket], None]) -> None:
        self.heard: list[bytes] = []
        self._answers = answers or (OK,)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(10)
                heard = connection.recv(65536)
                if not heard:
                    return
                answer = self._answers[min(len(self.heard), len(self._answers) - 1)]
                self.heard.append(heard)
                try:
                    if callable(answer):
                        answer(connection)
                    else:
                        connection.sendall(answer)
                except OSError:
                    pass  # the other side had enough

    def close(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listener.close()


@contextmanager
def double(*answers: bytes | Callable[[socket.socket], None]) -> Iterator[Double]:
    server = Double(*answers)
    try:
        yield server
    finally:
        server.close()


def fetch(url: str, *hosts: str, max_bytes: int = 1000, time_s: float = 5) -> bytes:
    return asyncio.run(Fetcher(hosts, max_bytes=max_bytes, time_s=time_s)(url))


class Names:
    """Stands for the system's resolver: each name has the answers that follow each other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Sequence[Sequence[str]]) -> None:
        self.asked: list[str] = []
        real = socket.getaddrinfo

        def lookup(host: str, port: int, *args: Any, **more: Any) -> list[Any]:
            name = host.removesuffix(".example")
            if name not in answers:
                return real(host, port, *args, **more)
            told = answers[name][min(self.asked.count(name), len(answers[name]) - 1)]
            self.asked.append(name)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in told]

        monkeypatch.setattr(socket, "getaddrinfo", lookup)


def test_nothing_is_fetched_unless_hosts_are_named() -> None:
    with double() as server, pytest.raises(InputError, match="--allow-urls"):
        fetch(f"http://127.0.0.1:{server.port}/")
    assert not server.heard


def test_a_file_from_a_named_host() -> None:
    with double() as server:
        here = f"127.0.0.1:{server.port}"
        assert fetch(f"http://{here}/a b/ü.jpg?size=1&x=%20#part", here) == FILE
    request, *headers = server.heard[0].decode().split("\r\n")
    assert request == "GET /a%20b/%C3%BC.jpg?size=1&x=%20 HTTP/1.1"
    assert f"Host: {here}" in headers


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na p\r\n6\r\nicture\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\na picture",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
    ],
)
def test_ways_to_send_a_body(answer: bytes) -> None:
    with double(lambda connection: send_and_end(connection, answer)) as server:
        assert fetch(f"http://127.0.0.1:{server.port}", f"127.0.0.1:{server.port}") == FILE


def send_and_end(connection: socket.socket, answer: bytes) -> None:
    connection.sendall(answer)
    connection.shutdown(socket.SHUT_WR)


PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("0.0.0.0", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    *("198.18.0.1", "192.0.2.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "100::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_of_the_internet(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InputError, match="not a public address"):
        fetch(f"http://{host}/", ANY)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1"])
def test_addresses_of_the_internet(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "017700000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "0"),
        *("localhost", "LOCALHOST.", "127.0.0.1.", "①②⑦.⓪.⓪.①", "\uff11\uff12\uff17.0.0.1", "127。0。0。1"),
        *("[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "3232235777", "0xa9fea9fe"),
    ],
)
def test_spellings_of_private_addresses(host: str) -> None:
    with pytest.raises(InputError, match="not a public address"):
        fetch(f"http://{host}/", ANY)


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://a.example/", "gopher://a.example/", "data:image/png;base64,AAAA", ""),
        *(
            "//a.example/",
            "a.example/x.jpg",
            "http://",
            "http:///x",
            "http://[",
            "http://[::1",
            "javascript:1",
        ),
        *("http://a.example:99999/", "http://a.example:x/", "http://a example/", "http://a.example%00/"),
        *("http://u:p@a.example/", "http://a.example\\@b.example/", "http://a.example@b.example/"),
        *("http://a\u0000.example/", "http://a.example/" + "x" * 5000, "http://" + "a" * 300 + ".example/"),
        *("http://..a..example/", "http://[fe80::1%25eth0]:x/", "http://a_é\ud800.example/"),
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InputError):
        fetch(url, ANY)


def test_lines_in_an_address_make_no_second_request() -> None:
    with double() as server:
        here = f"127.0.0.1:{server.port}"
        fetch(f"http://{here}/x HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET /y", here)
    assert server.heard[0].count(b"\r\n\r\n") == 1
    assert b"\nX-Evil" not in server.heard[0]


def test_ports() -> None:
    with double() as server:
        for hosts in ([ANY], ["127.0.0.1"], ["127.0.0.1:1"], ["other.example"]):
            with pytest.raises(InputError, match=f"does not fetch from 127.0.0.1, port {server.port}"):
                fetch(f"http://127.0.0.1:{server.port}/", *hosts)
    assert not server.heard


def test_a_named_host_must_not_be_private_unless_its_address_is_named_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Names(monkeypatch, inside=[["127.0.0.1"]])
    with double() as server:
        host, address = f"inside.example:{server.port}", f"127.0.0.1:{server.port}"
        with pytest.raises(InputError, match=r"inside\.example is not a public address"):
            fetch(f"http://{host}/", host)
        assert not server.heard
        assert fetch(f"http://{host}/", host, address) == FILE


def test_a_name_with_a_public_and_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, both=[["93.184.216.34", "127.0.0.1"]])
    with pytest.raises(InputError, match="not a public address"):
        fetch("http://both.example/", ANY)


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a name that first has an address that is allowed, then another one."""
    names = Names(monkeypatch, rebound=[["127.0.0.1"], ["10.0.0.1"]])
    with double() as server:
        host, address = f"rebound.example:{server.port}", f"127.0.0.1:{server.port}"
        assert fetch(f"http://{host}/", host, address) == FILE
    assert names.asked == ["rebound"]


def test_a_name_is_checked_again_after_a_redirect_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, rebound=[["127.0.0.1"], ["10.0.0.1"]])
    with double(b"HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n") as server:
        host, address = f"rebound.example:{server.port}", f"127.0.0.1:{server.port}"
        with pytest.raises(InputError, match="not a public address"):
            fetch(f"http://{host}/", host, address)
    assert names.asked == ["rebound", "rebound"]
    assert len(server.heard) == 1


def redirect(where: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status: int) -> None:
    with double(redirect("../b.jpg", status), OK) as server:
        here = f"127.0.0.1:{server.port}"
        assert fetch(f"http://{here}/a/x/", here) == FILE
    assert server.heard[1].startswith(b"GET /a/b.jpg ")


@pytest.mark.parametrize(
    "where",
    [
        *(
            "http://127.0.0.1/",
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
        ),
        *("http://2130706433/", "//localhost/", "file:///etc/passwd", "gopher://127.0.0.1:6379/"),
        *("http://[::ffff:a9fe:a9fe]/", "http://user@127.0.0.1/", "https://0/"),
    ],
)
def test_each_redirect_is_checked(where: str) -> None:
    with double(redirect(where)) as server:
        here = f"127.0.0.1:{server.port}"
        with pytest.raises(InputError, match=r"not a public address|begins with|is no|user name"):
            fetch(f"http://{here}/", here, ANY)
    assert len(server.heard) == 1


def test_redirects_stay_on_the_hosts_that_are_named() -> None:
    with double(redirect("http://other.example/")) as server:
        here = f"127.0.0.1:{server.port}"
        with pytest.raises(InputError, match=r"does not fetch from other\.example"):
            fetch(f"http://{here}/", here)


def test_redirects_in_a_circle() -> None:
    with double(redirect("/")) as server:
        here = f"127.0.0.1:{server.port}"
        with pytest.raises(InputError, match="redirects more than 3 times"):
            fetch(f"http://{here}/", here)
    assert len(server.heard) == 4


def drip(connection: socket.socket) -> None:
    for _ in range(100):
        connection.sendall(b"H")
        time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(65536))


def endless_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-A: " + b"a" * 60_000)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (drip, "gave no file within 0.5 s"),
        (flood, "more than 0.001 MB"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "more than 0.001 MB"),
        (endless_head, "does not answer in HTTP"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "Content-Encoding"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "status 302"),
        (lambda connection: None, "does not answer in HTTP"),
    ],
)
def test_answers_that_are_of_no_use(answer: bytes | Callable[[socket.socket], None], told: str) -> None:
    with double(answer) as server:
        here = f"127.0.0.1:{server.port}"
        with pytest.raises(InputError, match=told):
            fetch(f"http://{here}/", here, time_s=0.5)


def test_a_slow_lookup_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def lookup(*_: Any, **__: Any) -> list[Any]:
        free.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    async def ask() -> None:
        try:
            await Fetcher([ANY], max_bytes=1, time_s=0.2)("http://slow.example/")
        finally:
            free.set()

    with pytest.raises(InputError, match=r"within 0\.2 s"):
        asyncio.run(ask())


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, two=[["127.0.0.2", "127.0.0.1"]])
    with double() as server:
        port = server.port
        hosts = [f"{host}:{port}" for host in ("two.example", "127.0.0.1", "127.0.0.2")]
        assert fetch(f"http://two.example:{port}/", *hosts) == FILE


def test_a_host_that_is_not_there() -> None:
    with double() as server:
        here = f"127.0.0.1:{server.port}"
    with pytest.raises(InputError, match="cannot be reached"):
        fetch(f"http://{here}/", here)


def test_encryption_is_for_the_name_and_needs_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, sure=[["127.0.0.1"]])
    with double(b"\x15\x03\x03\x00\x02\x02\x28") as server:
        host = f"sure.example:{server.port}"
        with pytest.raises(InputError, match="no valid certificate"):
            fetch(f"https://{host}/", host, f"127.0.0.1:{server.port}")
    assert b"sure.example" in server.heard[0]  # the name that the certificate must have


@pytest.mark.parametrize("host", ["", "a b", "http://a.example", "a.example/x", "u@a.example", "a.example:x"])
def test_entries_that_are_no_host(host: str) -> None:
    with pytest.raises(InputError):
        Fetcher([host], max_bytes=1, time_s=1)


def test_entries_as_people_write_them() -> None:
    fetcher = Fetcher(["Images.Example.", "::1", "[::1]:81", "b.example:8080"], max_bytes=1, time_s=1)
    allowed = {("images.example", 80), ("images.example", 443), ("::1", 80), ("::1", 443), ("::1", 81)}
    assert fetcher._allowed == {*allowed, ("b.example", 8080)}


def test_where_an_address_leads() -> None:
    assert target_of("HTTPS://A.Example/x") == ("https", "a.example", 443, "/x")
    assert target_of("http://[::1]:81?q") == ("http", "::1", 81, "/?q")
