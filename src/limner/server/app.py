"""The routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from limner._version import __version__
from limner.errors import InputError
from limner.models.segmenter import Segmenter
from limner.server import openapi, removebg
from limner.server.guard import Guard
from limner.server.options import FORMATS, read_options, to_options
from limner.server.problems import LimitError, RefusedError, answer
from limner.server.service import Job, Service
from limner.server.settings import Settings
from limner.server.uploads import FORM, RAW, read_upload

PICTURE = ("image", "file")
"""Names that the picture may have in a form: ours and rembg's."""
WEB = Path(__file__).parent / "web"
PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/api.js": ("api.js", "text/javascript; charset=utf-8"),
    "/app.js": ("app.js", "text/javascript; charset=utf-8"),
    "/preview.js": ("preview.js", "text/javascript; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Path -> file and media type."""


def create_app(segmenter: Segmenter, settings: Settings | None = None) -> FastAPI:
    """The application, for uvicorn or any other ASGI server.

    Args:
        segmenter: The loaded model.
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
    _add_page(app)
    _add_errors(app, service)
    app.add_middleware(Guard, settings=settings, telemetry=service.telemetry)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Api-Key"],
            expose_headers=[
                "Limner-Frame",
                "Limner-Subject",
                "Limner-Confidence",
                "Retry-After",
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
            photo, picture = _pictures(upload.files)
            if picture is not None and "background" in query:
                raise RefusedError(422, "given-twice", "'background' is in the query and in the form")
            parameters = read_options(query, upload.fields)
            job = Job(
                data=photo,
                options=to_options(parameters, picture=picture is not None),
                format=parameters.format,
                compress=parameters.compress,
                metadata=parameters.metadata,
                background=picture,
            )
            made = await service.make(job, request.is_disconnected)
            frame = ",".join(str(value) for value in asdict(made.frame).values())
            headers = {
                "Limner-Frame": frame,
                "Limner-Subject": f"{made.subject_fraction:.4f}",
                "Limner-Confidence": f"{made.confidence:.4f}",
            }
            return Response(made.data, headers=headers, media_type=FORMATS[job.format])

    @app.post(
        "/v1.0/removebg",
        summary="The API of remove.bg",
        description="For existing clients: change their address. The result is free and made here.",
        response_class=Response,
        responses=openapi.removebg_responses(),
        openapi_extra=openapi.removebg_extra(),
    )
    async def remove_background(request: Request) -> Response:
        with service.admitted():
            types = (FORM, "application/x-www-form-urlencoded", "application/json")
            job = removebg.read_job(await read_upload(request, settings, *types))
            made = await service.make(job, request.is_disconnected)
            if made.box is None:
                raise RefusedError(400, "unknown_foreground", "no person was found in the picture")
            headers = removebg.headers(made)
            if "application/json" in request.headers.get("accept", ""):
                return JSONResponse(removebg.as_json(made), headers=headers)
            return Response(made.data, headers=headers, media_type=FORMATS[job.format])

    @app.get("/v1/models", summary="The model that is served", responses=openapi.problem_responses(401))
    async def models() -> dict[str, list[dict[str, Any]]]:
        row = {
            "name": spec.name,
            "description": spec.description,
            "licence": spec.licence,
            "size": spec.size,
            "parameters": spec.parameters,
            "sha256": spec.sha256,
            "device": service.segmenter.device,
        }
        return {"models": [row]}

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


def _pictures(files: dict[str, bytes]) -> tuple[bytes, bytes | None]:
    """The picture, named as here or as in rembg, and the background.

    Raises:
        RefusedError: If there is no picture, or another file.
    """
    names = files.keys() & set(PICTURE)
    if len(names) > 1:
        raise RefusedError(422, "given-twice", f"the picture was given twice, as {' and as '.join(PICTURE)}")
    if not names or files.keys() - names - {"background"}:
        message = "the form holds the picture as a file named image, and may hold one named background"
        raise RefusedError(422, "no-picture", message)
    return files[names.pop()], files.get("background")


def _add_page(app: FastAPI) -> None:
    for path, (name, media_type) in PAGE.items():
        _add_file(app, path, (WEB / name).read_bytes(), media_type)


def _add_file(app: FastAPI, path: str, data: bytes, media_type: str) -> None:
    @app.get(path, include_in_schema=False)
    async def file() -> Response:
        return Response(data, media_type=media_type, headers={"Cache-Control": "no-cache"})


def _add_errors(app: FastAPI, service: Service) -> None:
    def tell(request: Request, problem: RefusedError) -> Response:
        if isinstance(problem, LimitError):
            service.telemetry.rejected.labels(problem.code).inc()
        return answer(problem, request.url.path)

    @app.exception_handler(RefusedError)
    async def refused(request: Request, error: RefusedError) -> Response:
        return tell(request, error)

    @app.exception_handler(InputError)
    async def unusable(request: Request, error: InputError) -> Response:
        return tell(request, RefusedError(422, "input", str(error)))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, _: ClientDisconnect) -> Response:
        return tell(request, LimitError(408, "gone", "the client closed the connection"))

    @app.exception_handler(HTTPException)
    async def routed(request: Request, error: HTTPException) -> Response:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return tell(
            request,
            RefusedError(error.status_code, code, f"{request.method}: {error.detail}", headers=error.headers),
        )

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> Response:
        return tell(request, RefusedError(500, "internal", "the server made a mistake; its log says more"))
