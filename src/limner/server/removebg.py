"""The API of remove.bg, version 1.0, for clients that already speak it: they change their address alone.

What Limner cannot do is refused; parameters that theirs does not know are ignored, and named in a header.
"""

import base64
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from limner.errors import InputError
from limner.rendering.outline import NoSubjectError
from limner.server import openapi
from limner.server.options import FORMATS, ignored_header
from limner.server.problems import RefusedError
from limner.server.removebg_fields import FIELDS, Wanted, decode_base64, given, read_wanted
from limner.server.service import BackgroundError, Job, Made, Service
from limner.server.uploads import FORM, Upload, read_upload

PATH = "/v1.0/removebg"
MEDIA_TYPES = {**{name: FORMATS[name] for name in ("png", "jpg", "webp")}, "zip": "application/zip"}
"""Format of a result -> its media type."""
TYPES = (FORM, "application/x-www-form-urlencoded", "application/json")
UNLIMITED = 1_000_000
"""Credits of an account: nothing is charged."""
HEADERS = (
    *(f"X-{name}" for name in ("Type", "Width", "Height", "Max-Width", "Max-Height", "Credits-Charged")),
    *(f"X-Foreground-{name}" for name in ("Top", "Left", "Width", "Height")),
)
"""Names of the headers of a response, beside those of limits."""


def add_routes(app: FastAPI, service: Service) -> None:
    """Declare the three addresses."""

    @app.post(
        PATH,
        summary="remove.bg: cut the person out of a picture",
        description="For existing clients: change their address. The result is free and made here.",
        response_class=Response,
        responses=_responses(),
        openapi_extra=_extra(),
    )
    async def remove_background(request: Request) -> Response:
        with service.admitted():
            upload = await _read(request, service)
            wanted = read_wanted(upload.fields, upload.files)
            job = Job(
                data=await _picture(upload, wanted.source, service.fetch),
                options=wanted.options,
                format=wanted.format,
                background=await _picture(upload, wanted.background, service.fetch)
                if wanted.background
                else None,
                most_pixels=wanted.most_pixels,
            )
            made = await _make(request, service, job, wanted)
            headers = {**_headers(made, wanted), **_allowance(service)}
            if _wants_json(request.headers.get("accept", "")):
                return JSONResponse(_as_json(made), headers=headers)
            return Response(made.data, headers=headers, media_type=MEDIA_TYPES[job.format])

    @app.get("/v1.0/account", summary="remove.bg: what is left of the credits", responses=_refusals(403))
    async def account() -> dict[str, Any]:
        credits_left = {"total": UNLIMITED, "subscription": UNLIMITED, "payg": 0, "enterprise": 0}
        api = {"free_calls": UNLIMITED, "sizes": "all"}
        return {"data": {"attributes": {"credits": credits_left, "api": api}}}

    @app.post(
        "/v1.0/improve",
        summary="remove.bg: give a picture to learn from",
        description="Taken and forgotten: nothing is kept here.",
        responses=_refusals(400, 403, 429),
        openapi_extra=_body(("image_file", "image_file_b64", "image_url", "image_filename", "tag")),
    )
    async def improve(request: Request) -> dict[str, Any]:
        with service.admitted():
            await _read(request, service)
        return {"id": "not-kept", "detail": "nothing is kept: this server does not learn from pictures"}


async def _read(request: Request, service: Service) -> Upload:
    """Body and query; what is in both counts as in the body."""
    upload = await read_upload(request, service.settings, *TYPES)
    return Upload(upload.files, given({**request.query_params, **upload.fields}))


async def _picture(upload: Upload, name: str, fetch: Callable[[str], Awaitable[bytes]]) -> bytes:
    """The picture that stands in a field, or to which the field leads.

    Raises:
        RefusedError: If there is none.
    """
    if name in upload.files:
        return upload.files[name]
    if name.endswith("_b64"):
        return decode_base64(upload.fields[name])
    try:
        return await fetch(upload.fields[name])
    except InputError as error:
        raise RefusedError(400, "invalid_parameter", f"{name}: {error}") from error


async def _make(request: Request, service: Service, job: Job, wanted: Wanted) -> Made:
    """Do the job.

    Raises:
        RefusedError: If there is no person, or one of the pictures cannot be used.
    """
    try:
        made = await service.make(job, request.receive)
    except NoSubjectError as error:
        raise _no_person() from error
    except BackgroundError as error:
        raise RefusedError(400, "invalid_parameter", f"{wanted.background}: {error}") from error
    except InputError as error:
        raise RefusedError(400, "invalid_parameter", f"{wanted.source}: {error}") from error
    if not made.shows_person:
        raise _no_person()
    return made


def _no_person() -> RefusedError:
    return RefusedError(400, "unknown_foreground", "no person was found in the picture")


def _headers(made: Made, wanted: Wanted) -> dict[str, str]:
    (height, width), (max_height, max_width) = made.size, made.input_size
    return {
        **({"X-Type": "person"} if wanted.classified else {}),
        "X-Width": str(width),
        "X-Height": str(height),
        "X-Max-Width": str(max_width),
        "X-Max-Height": str(max_height),
        "X-Credits-Charged": "0",
        **{f"X-Foreground-{name.title()}": str(value) for name, value in _foreground(made).items()},
        "Limner-Subject": f"{made.subject_fraction:.4f}",
        "Limner-Confidence": f"{made.confidence:.4f}",
        **ignored_header(wanted.ignored),
    }


def _allowance(service: Service) -> dict[str, str]:
    """How many more requests are taken now; where the key has a limit, the guard tells that instead."""
    limit = service.settings.queue
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(limit - (service.accepted - service.answered)),
        "X-RateLimit-Reset": str(int(time.time()) + 1),
    }


def _wants_json(accept: str) -> bool:
    """Whether JSON is what a client likes best; clients that also take anything else expect a picture."""
    liking: dict[str, float] = {}
    for item in accept.lower().split(","):
        media, *parameters = (part.strip() for part in item.split(";"))
        weights = [part[2:] for part in parameters if part.startswith("q=")]
        try:
            liking[media] = float(weights[0]) if weights else 1.0
        except ValueError:
            liking[media] = 0.0
    pictures = max(liking.get(media, 0.0) for media in ("*/*", "image/*", *MEDIA_TYPES.values()))
    return liking.get(openapi.JSON, 0.0) > pictures


def _as_json(made: Made) -> dict[str, Any]:
    places = {f"foreground_{name}": value for name, value in _foreground(made).items()}
    return {"data": {"result_b64": base64.b64encode(made.data).decode(), **places}}


def _foreground(made: Made) -> dict[str, int]:
    """Where the subject is in the upright picture that was sent."""
    box = made.box
    if box is None:
        return {}
    return {"top": box.top, "left": box.left, "width": box.width, "height": box.height}


def _responses() -> dict[int | str, dict[str, Any]]:
    made: dict[str, Any] = {
        **dict.fromkeys(MEDIA_TYPES.values(), openapi.BINARY),
        openapi.JSON: {"type": "object", "required": ["data"]},
    }
    picture = {
        "description": "The picture, or JSON where the client likes that best.",
        "content": openapi.content(made),
        "headers": {name: {"schema": {"type": "string"}} for name in HEADERS},
    }
    return {200: picture, **_refusals(400, 403, 429, 503)}


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    texts = {400: "The request cannot be used.", 403: openapi.PROBLEMS[401]}
    names = ("title", "code", "detail")
    item = {
        "type": "object",
        "required": list(names),
        "properties": {name: {"type": "string"} for name in names},
    }
    errors = {
        "type": "object",
        "required": ["errors"],
        "properties": {"errors": {"type": "array", "items": item}},
    }
    return {
        status: {
            "description": texts.get(status, openapi.PROBLEMS.get(status, "")),
            "content": openapi.content({openapi.JSON: errors}),
        }
        for status in statuses
    }


def _extra() -> dict[str, Any]:
    return _body(tuple(FIELDS))


def _body(names: tuple[str, ...]) -> dict[str, Any]:
    """The three kinds of body; files are in forms only."""
    fields = {name: FIELDS.get(name, {"type": "string"}) for name in names}
    texts = {name: schema for name, schema in fields.items() if schema.get("format") != "binary"}
    form, plain = ({"type": "object", "properties": one} for one in (fields, texts))
    content = openapi.content({FORM: form, TYPES[1]: plain, openapi.JSON: plain})
    return {"requestBody": {"required": True, "content": content}}
