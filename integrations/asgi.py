"""Limner below a path of your own ASGI application: its page, its API, its limits.

    app = beside(fastapi_app)                          # FastAPI, Starlette
    application = beside(get_asgi_application())       # Django: in asgi.py
    app = beside(WsgiToAsgi(flask_app))                # Flask: asgiref.wsgi.WsgiToAsgi

Run it with uvicorn. Copy this file into your project and change it. It needs the extra `serve`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from limner.models.segmenter import Segmenter
from limner.server import Settings, create_app


def beside(
    app: ASGIApp, path: str = "/limner", *, model: str = "base", settings: Settings | None = None
) -> Starlette:
    """An application that answers below a path with Limner, and elsewhere with another one."""
    limner = create_app(Segmenter(model), settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with limner.router.lifespan_context(limner):  # its threads start and stop with the server
            yield

    return Starlette(routes=[Mount(path, limner), Mount("/", app)], lifespan=lifespan)
