"""Pictures from addresses that clients name, without a way into the network where the server stands.

A name is resolved once, and the connection goes to the addresses that were checked: a name that changes its
answer (DNS rebinding) gains nothing. Each redirect is checked like the first address.
"""

import ipaddress
import re
import socket
import ssl
from asyncio import StreamReader, StreamWriter, get_running_loop, open_connection
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import anyio
import h11

from limner._version import __version__
from limner.errors import InputError

ANY = "any"
"""The host that stands for all of them."""
PORTS = {"http": 80, "https": 443}
MAX_URL = 4096
MAX_REDIRECTS = 3
MAX_HEAD_BYTES = 32_768
LOOKUPS = 8
"""Names that are resolved at a time."""
_KEPT = "/?%:@!$&'()*+,;=~"  # characters of a path and query that are sent as they are
_REDIRECTS = {301, 302, 303, 307, 308}
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_CLOUDS_OWN = [ipaddress.ip_network(one) for one in ("192.0.0.0/24", "168.63.129.16/32")]
# Oracle's metadata and Azure's host: to Python they are public.

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str  # in lower case, ASCII; an IPv6 address without brackets
    port: int
    path: str  # with the query


class Fetcher:
    """Gets files from the hosts that the operator allows."""

    def __init__(self, hosts: Iterable[str] = (), *, max_bytes: int, time_s: float) -> None:
        """Nothing is fetched yet.

        Args:
            hosts: ``HOST`` for its ports 80 and 443, ``HOST:PORT``, or ``any``. An IP address that is listed
                may be private; all others must be public.
            max_bytes: Of a file.
            time_s: For a file, from the lookup of the name to the last byte, redirects included.

        Raises:
            InputError: If an entry is no host.
        """
        self._any, self._allowed = False, set[tuple[str, int]]()
        for entry in hosts:
            if entry == ANY:
                self._any = True
            else:
                self._allowed.update(_entry(entry))
        self._max_bytes, self._time_s = max_bytes, time_s
        self._lookups = ThreadPoolExecutor(LOOKUPS, "limner-lookup")  # a slow one holds up nothing else

    async def __call__(self, url: str) -> bytes:
        """The file at an address.

        Raises:
            InputError: If it is not allowed, is too large, takes too long, or cannot be had.
        """
        if not self._any and not self._allowed:
            raise InputError(
                "this server fetches nothing (it was started without --allow-urls): send the file"
            )
        try:
            with anyio.fail_after(self._time_s):
                return await self._follow(url)
        except TimeoutError as error:
            raise InputError(f"the address gave no file within {self._time_s:g} s") from error
        except ssl.SSLError as error:
            raise InputError(f"the address has no valid certificate: {error.reason}") from error
        except OSError as error:
            raise InputError(f"the address cannot be reached: {error.strerror or error}") from error
        except h11.RemoteProtocolError as error:
            raise InputError(f"the address does not answer in HTTP: {error}") from error

    async def _follow(self, url: str) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._get(target_of(url))
            if isinstance(answer, bytes):
                return answer
            url = urljoin(url, answer)
        raise InputError(f"the address redirects more than {MAX_REDIRECTS} times")

    async def _get(self, target: Target) -> bytes | str:
        """The file, or where it is instead."""
        reader, writer = await self._connect(target)
        try:
            return await _exchange(reader, writer, target, self._max_bytes)
        finally:
            writer.transport.abort()

    async def _connect(self, target: Target) -> tuple[StreamReader, StreamWriter]:
        addresses = await self._checked(target)
        encrypted = self._tls if target.scheme == "https" else None
        name = target.host if encrypted else None
        for number, address in enumerate(addresses, 1):
            try:
                return await open_connection(str(address), target.port, ssl=encrypted, server_hostname=name)
            except OSError:
                if number == len(addresses):
                    raise
        raise InputError(f"{target.host} has no address")

    async def _checked(self, target: Target) -> list[Address]:
        """The addresses of an allowed host, all of them allowed.

        Raises:
            InputError: If host or port is not allowed, or one of the addresses is neither public nor listed.
        """
        host, port = target.host, target.port
        if not (self._any and port in PORTS.values()) and (host, port) not in self._allowed:
            raise InputError(f"this server does not fetch from {host[:100]}, port {port}: send the file")
        found = await get_running_loop().run_in_executor(
            self._lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        addresses = list(dict.fromkeys(ipaddress.ip_address(place[0]) for *_, place in found))
        if not all(is_public(one) or (str(one), port) in self._allowed for one in addresses):
            raise InputError(f"{host[:100]} is not a public address: send the file")
        return addresses

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def target_of(url: str) -> Target:
    """Where an address leads.

    Raises:
        InputError: If it is no plain http or https address.
    """
    parts, port = _split(url if len(url) <= MAX_URL else "")
    if parts.scheme not in PORTS:
        raise InputError(f"an address begins with http:// or https:// and is short, got '{url[:100]}'")
    if parts.username is not None or parts.password is not None:
        raise InputError("the address holds a user name or password: leave it out")
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_KEPT)
    return Target(parts.scheme, _host_name(parts), port or PORTS[parts.scheme], path)


def is_public(address: Address) -> bool:
    """Whether it is an ordinary address of the internet.

    Private, loopback, link-local, shared, reserved and multicast ones are not; nor are IPv6 forms that carry
    an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo).
    """
    if isinstance(address, ipaddress.IPv6Address):
        carries = address.sixtofour is not None or address.teredo is not None
        return address in _GLOBAL_UNICAST and address.is_global and not carries
    special = address.is_multicast or any(address in network for network in _CLOUDS_OWN)
    return address.is_global and not special


async def _exchange(
    reader: StreamReader, writer: StreamWriter, target: Target, max_bytes: int
) -> bytes | str:
    """Ask for the file; gives it, or the address of a redirect."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
    headers = {
        "Host": _authority(target),
        "User-Agent": f"limner/{__version__}",
        "Accept": "image/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    request = h11.Request(method="GET", target=target.path, headers=list(headers.items()))
    writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    data = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            location = _location(event, max_bytes)
            if location is not None:
                return location
        elif isinstance(event, h11.Data):
            data += event.data
            if len(data) > max_bytes:
                raise _too_large(max_bytes)
        elif isinstance(event, h11.EndOfMessage):
            return bytes(data)


def _location(response: h11.Response, max_bytes: int) -> str | None:
    """Where the file is instead, if it does not follow.

    Raises:
        InputError: If it is not to be had.
    """
    headers = {name: value.decode("latin-1") for name, value in response.headers}
    if response.status_code in _REDIRECTS and b"location" in headers:
        return headers[b"location"]
    if response.status_code != 200:
        raise InputError(f"the address answers with status {response.status_code}")
    if headers.get(b"content-encoding", "identity").lower() != "identity":
        raise InputError("the address answers with a Content-Encoding that was not asked for")
    if int(headers.get(b"content-length", "0")) > max_bytes:
        raise _too_large(max_bytes)
    return None


def _too_large(max_bytes: int) -> InputError:
    return InputError(f"the file at the address has more than {max_bytes / 1e6:g} MB")


def _entry(text: str) -> list[tuple[str, int]]:
    """Host and ports of an entry of the list."""
    bare = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
    parts, port = _split(f"//{bare}")
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise InputError(f"a host is given as HOST or HOST:PORT, got '{text}'")
    return [(_host_name(parts), one) for one in ([port] if port else PORTS.values())]


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError as error:
        raise InputError(f"'{url[:100]}' is no address: {error}") from error


def _host_name(parts: SplitResult) -> str:
    """The host in lower case and ASCII."""
    host = (parts.hostname or "").rstrip(".")
    try:
        name = host.encode("idna").decode()
        if ":" in name:
            return str(ipaddress.IPv6Address(name))
    except ValueError as error:
        raise InputError(f"'{host[:100]}' is no host: {error}") from error
    if not re.fullmatch(r"[a-z0-9_.-]+", name):
        raise InputError(f"'{host[:100]}' is no host")
    return name


def _authority(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == PORTS[target.scheme] else f"{host}:{target.port}"
