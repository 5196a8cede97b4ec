"""Limner below a path of a FastAPI, a Django and a Flask application."""

import io
from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from limner.server import Settings, parse_keys
from tests.conftest import PORTRAIT, ROOT
from tests.test_docs import load_script

beside = load_script(ROOT / "integrations" / "asgi.py").beside


def with_fastapi() -> ASGIApp:
    app = FastAPI()

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    return app


def with_flask() -> ASGIApp:
    from asgiref.wsgi import WsgiToAsgi
    from flask import Flask

    app = Flask("shop")
    app.add_url_rule("/hello", view_func=lambda: "hello")
    return WsgiToAsgi(app)  # type: ignore[no-untyped-call]


def with_django() -> ASGIApp:
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse
    from django.urls import path

    if not settings.configured:
        urls = type("urls", (), {"urlpatterns": [path("hello", lambda request: HttpResponse("hello"))]})
        settings.configure(ROOT_URLCONF=urls, ALLOWED_HOSTS=["*"], SECRET_KEY="of a test")
    return get_asgi_application()  # type: ignore[no-any-return]


@pytest.mark.parametrize("make", [with_fastapi, with_flask, with_django])
def test_limner_answers_below_its_path_and_the_application_elsewhere(make: Callable[[], ASGIApp]) -> None:
    app = beside(make(), model="small", settings=Settings(keys=parse_keys("s3cret-of-the-shop")))
    key = {"X-Api-Key": "s3cret-of-the-shop"}
    with TestClient(app) as client:
        assert "hello" in client.get("/hello").text
        assert client.get("/v1/models").status_code == 404
        page = client.get("/limner/")
        assert page.status_code == 200
        assert "Limner" in page.text
        assert client.post("/limner/v1/cutout", content=PORTRAIT.read_bytes()).status_code == 401
        answer = client.post(
            "/limner/v1/cutout", content=PORTRAIT.read_bytes(), headers={"Content-Type": "image/jpeg", **key}
        )
        assert answer.status_code == 200, answer.text
        cutout = np.array(PIL.Image.open(io.BytesIO(answer.content)))
        assert cutout.shape == (512, 512, 4)
        assert 0.2 < (cutout[..., 3] > 127).mean() < 0.8
