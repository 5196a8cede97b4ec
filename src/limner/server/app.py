"""The routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from http import HTTPStatus
from pathlib import PurePath
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from limner._version import __version__
from limner.errors import InputError, MissingExtraError
from limner.models.segmenter import Segmenter
from limner.rendering.outline import Frame
from limner.server import openapi, rembg, removebg
from limner.server.guard import REQUEST_ID, SHOWN, Guard
from limner.server.options import FORMATS, IGNORED, read_options, to_options
from limner.server.page import MEDIA_TYPES, page_files
from limner.server.problems import LimitError, RefusedError, answer, own_path
from limner.server.sandbox import Sandbox
from limner.server.service import Job, Service
from limner.server.settings import Settings
from limner.server.uploads import FORM, RAW, read_upload

PICTURE = ("image", "file")
"""Names that the picture may have in a form: ours and rembg's."""


def create_app(segmenter: Segmenter | Sandbox, settings: Settings | None = None) -> FastAPI:
    """The application, for uvicorn or any other ASGI server.

    Args:
        segmenter: The loaded model, or a stand-in.
        settings: The limits.
    """
    settings = settings or Settings()
    service = Service(segmenter, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="Limner",
        version=__version__,
        summary="Finds the person in a portrait photo and cuts them out.",
        description=openapi.DESCRIPTION,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    _add_routes(app, service)
    rembg.add_routes(app, service)
    removebg.add_routes(app, service)
    _add_page(app)
    _add_errors(app, service)
    app.add_middleware(Guard, keyring=service.keyring, telemetry=service.telemetry)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Api-Key", REQUEST_ID],
            expose_headers=[
                "Limner-Frame",
                "Limner-Box",
                "Limner-Subject",
                "Limner-Confidence",
                IGNORED,
                rembg.MODEL_HEADER,
                *SHOWN,
                *removebg.HEADERS,
            ],
        )
    return app


def _add_routes(app: FastAPI, service: Service) -> None:
    settings, spec = service.settings, service.segmenter.spec

    @app.post(
        "/v1/cutout",
        summary="Cut the person out of a picture",
        response_class=Response,
        responses=openapi.cutout_responses(),
        openapi_extra=openapi.cutout_extra(),
    )
    async def cutout(request: Request) -> Response:
        given = [(name, value) for name, value in request.query_params.multi_items() if value]
        query = dict(given)
        if len(query) < len(given):
            raise RefusedError(422, "given-twice", "an option was given twice")
        with service.admitted():
            upload = await read_upload(request, settings, FORM, *RAW)
            photo, picture, alpha = _pictures(upload.files)
            if picture is not None and "background" in query:
                raise RefusedError(422, "given-twice", "'background' is in the query and in the form")
            parameters = read_options(query, upload.fields)
            if alpha is not None and not {"refine", "subjects"}.isdisjoint({*query, *upload.fields}):
                raise RefusedError(
                    422, "contradiction", "an alpha is taken as it is: leave out refine and subjects"
                )
            job = Job(
                data=photo,
                options=to_options(parameters, picture=picture is not None),
                format=parameters.format,
                compress=parameters.compress,
                metadata=parameters.metadata,
                background=picture,
                alpha=alpha,
            )
            made = await service.make(job, request.receive)
            headers = {
                "Limner-Frame": _numbers(made.frame),
                **({"Limner-Box": _numbers(made.box)} if made.box else {}),
                "Limner-Subject": f"{made.subject_fraction:.4f}",
                "Limner-Confidence": f"{made.confidence:.4f}",
            }
            return Response(made.data, headers=headers, media_type=FORMATS[job.format])

    @app.get("/v1/models", summary="The model that is served", responses=openapi.problem_responses(401))
    async def models() -> dict[str, list[dict[str, Any]]]:
        names = ("name", "description", "licence", "size", "parameters", "sha256")
        row = {name: getattr(spec, name) for name in names}
        return {"models": [{**row, "device": service.segmenter.device}]}

    @app.get(
        "/metrics",
        summary="For Prometheus",
        response_class=Response,
        responses={
            200: {"description": "Text format.", "content": {"text/plain": {"schema": {"type": "string"}}}},
            **openapi.problem_responses(401),
        },
    )
    async def metrics() -> Response:
        return Response(service.telemetry.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/healthz", summary="Whether the process answers")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        summary="Whether pictures are taken",
        responses=openapi.problem_responses(503),
    )
    async def readyz() -> dict[str, str]:
        if not service.ready:
            raise RefusedError(503, "not-ready", "the network is not served")
        return {"status": "ready"}


def _numbers(frame: Frame) -> str:
    return ",".join(str(value) for value in asdict(frame).values())


def _pictures(files: dict[str, bytes]) -> tuple[bytes, bytes | None, bytes | None]:
    """The picture, named as here or as in rembg, the background and the alpha.

    Raises:
        RefusedError: If there is no picture, or another file.
    """
    names = files.keys() & set(PICTURE)
    if len(names) > 1:
        raise RefusedError(422, "given-twice", f"the picture was given twice, as {' and as '.join(PICTURE)}")
    if not names or files.keys() - names - {"background", "alpha"}:
        message = (
            "the form holds the picture as a file named image, and may hold files named background and alpha"
        )
        raise RefusedError(422, "no-picture", message)
    return files[names.pop()], files.get("background"), files.get("alpha")


def _add_page(app: FastAPI) -> None:
    for path, data in page_files().items():
        route = "/" if path == "index.html" else f"/{path}"
        _add_file(app, route, data, MEDIA_TYPES[PurePath(path).suffix])


def _add_file(app: FastAPI, path: str, data: bytes, media_type: str) -> None:
    @app.get(path, include_in_schema=False)
    async def file() -> Response:
        return Response(data, media_type=media_type, headers={"Cache-Control": "no-cache"})


def _add_errors(app: FastAPI, service: Service) -> None:
    async def tell(request: Request, error: Exception) -> Response:
        problem = _problem(request, error)
        if isinstance(problem, LimitError):
            service.telemetry.rejected.labels(problem.code).inc()
        request.state.code = problem.code
        response = answer(problem, own_path(request.scope))
        response.headers[REQUEST_ID] = (
            request.state.request_id
        )  # a mistake of ours is answered outside the guard
        return response

    for kind in (RefusedError, InputError, MissingExtraError, ClientDisconnect, HTTPException, Exception):
        app.add_exception_handler(kind, tell)


def _problem(request: Request, error: Exception) -> RefusedError:
    """What a client is told of an error."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, InputError):
        return RefusedError(422, "input", str(error))
    if isinstance(error, MissingExtraError):
        return RefusedError(422, "missing-extra", f"the server lacks a package: {error}")
    if isinstance(error, ClientDisconnect):
        return LimitError(408, "gone", "the client closed the connection")
    if isinstance(error, HTTPException):
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail = f"{request.method}: {error.detail}"
        return RefusedError(error.status_code, code, detail, headers=error.headers)
    return RefusedError(500, "internal", "the server made a mistake; its log says more")
