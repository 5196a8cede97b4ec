"""The body of a request, read into memory within its limits; nothing is written to disk."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import anyio
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from limner.server.problems import LimitError, RefusedError
from limner.server.settings import Settings

MAX_FIELDS = 40
FORM = "multipart/form-data"
RAW = ("image/", "application/octet-stream")


@dataclass(frozen=True)
class Upload:
    """Uploaded files by the name of their field, and the text of the other fields; none is empty."""

    files: dict[str, bytes]
    fields: dict[str, str]


async def read_upload(request: Request, settings: Settings, *types: str) -> Upload:
    """Read the body of a request; a picture that is the body itself becomes the file ``image``.

    Args:
        request: Its body has not been read.
        settings: The limits.
        types: Media types that are taken, whole or by how they begin.

    Raises:
        RefusedError: If it is too large, too slow, malformed, or of another type.
    """
    if request.headers.get("content-encoding", "").lower() not in ("", "identity"):
        raise RefusedError(415, "content-encoding", "send the body as it is, without Content-Encoding")
    kind = (request.headers.get("content-type") or RAW[1]).partition(";")[0].strip().lower()
    if not kind.startswith(types):
        raise RefusedError(415, "content-type", f"send {', '.join(types)}, not {kind[:100]}")
    if int(request.headers.get("content-length", "0")) > settings.max_bytes:
        raise _too_large(settings)
    try:
        with anyio.fail_after(settings.upload_s):
            return await _read(request, settings, kind)
    except TimeoutError as error:
        message = f"the upload took more than {settings.upload_s:g} s"
        raise LimitError(408, "slow-upload", message, headers={"Connection": "close"}) from error
    except MultiPartException as error:
        raise RefusedError(400, "malformed-form", f"the form cannot be read: {error.message}") from error


async def _read(request: Request, settings: Settings, kind: str) -> Upload:
    body = _bounded(request, settings)
    if kind == FORM:
        forms = _Parser(
            request.headers, body, max_files=3, max_fields=MAX_FIELDS, max_part_size=settings.max_bytes
        )
        forms.spool_max_size = settings.max_bytes + 1  # stays in memory
        form = await forms.parse()
        try:
            return _upload(form.multi_items())
        finally:
            await form.close()
    if kind == "application/x-www-form-urlencoded":
        fields = FormParser(request.headers, body, max_fields=MAX_FIELDS, max_part_size=settings.max_bytes)
        return _upload((await fields.parse()).multi_items())
    data = b"".join([part async for part in body])
    if kind == "application/json":
        return Upload({}, _json(data))
    return Upload({"image": data}, {})


class _Parser(MultiPartParser):
    """Starlette's, which takes a part for a file only where it has a plain ``filename``.

    Clients also say it by ``filename*`` alone (RFC 5987), or by a picture's media type.
    """

    def on_headers_finished(self) -> None:
        """The head of a part is there."""
        part = self._current_part
        said = part.content_disposition or b""
        kind = dict(part.item_headers).get(b"content-type", b"").decode("latin-1").lower()
        if b"filename" not in parse_options_header(said)[1] and (
            b"filename*=" in said.lower() or kind.startswith(RAW)
        ):
            part.content_disposition = said + b'; filename="file"'
        super().on_headers_finished()


async def _bounded(request: Request, settings: Settings) -> AsyncGenerator[bytes, None]:
    received = 0
    async for part in request.stream():
        received += len(part)
        if received > settings.max_bytes:
            raise _too_large(settings)
        yield part


def _too_large(settings: Settings) -> RefusedError:
    return LimitError(413, "too-many-bytes", f"a request has at most {settings.max_bytes / 1e6:g} MB")


def _upload(items: list[tuple[str, UploadFile | str]]) -> Upload:
    upload = Upload({}, {})
    for name, value in items:
        if not (value if isinstance(value, str) else value.filename or value.size):
            continue  # a field that was left empty, as browsers send it
        if name in upload.files or name in upload.fields:
            raise RefusedError(422, "given-twice", f"the field '{name[:100]}' was given twice")
        if isinstance(value, str):
            upload.fields[name] = value
        else:
            upload.files[name] = value.file.read()
    return upload


def _json(data: bytes) -> dict[str, str]:
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "malformed-json", f"the body is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise RefusedError(400, "malformed-json", "the body must be a JSON object")
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }
