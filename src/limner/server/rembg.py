"""The server of rembg, for clients that already speak it: they change their address alone.

Its models are not here; every picture is cut by the model that is served. Parameters that rembg does not know
are ignored, as there, and named in a header.
"""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limner.rendering.options import Options
from limner.server import openapi
from limner.server.options import explain, ignored_header
from limner.server.problems import RefusedError
from limner.server.service import Job, Made, Service
from limner.server.uploads import FORM, read_upload

PATH = "/api/remove"
MODEL_HEADER = "Limner-Model"
"""The header that names the model that cut, whichever was asked for."""

NOT_HERE = {
    "sam": "cuts what a prompt points at",
    "u2net_cloth_seg": "finds clothes",
    "isnet-anime": "cuts drawings",
    "birefnet-cod": "finds hidden animals",
    **dict.fromkeys(("u2net_custom", "dis_custom", "ben_custom"), "is a file of the client's own"),
}
"""Models of rembg that make something else than the subject of a photo, and what."""

WITHOUT_EFFECT = {"af", "ab", "ae", "extras"}


class Parameters(BaseModel):
    """What a client may say of how to cut; in a form, or in the query."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field("", max_length=100, description="Any but the models for other tasks; see the header.")
    a: bool = Field(False, description="Alpha matting; edges are refined in any case.")
    af: int = Field(240, ge=0, le=255, description="Checked, without effect.")
    ab: int = Field(10, ge=0, le=255, description="Checked, without effect.")
    ae: int = Field(10, ge=0, description="Checked, without effect.")
    om: bool = Field(False, description="The mask alone, in grey.")
    ppm: bool = Field(False, description="Post-processing; masks are cleaned in any case.")
    dc: bool = Field(False, description="Edge colours; they are corrected in any case.")
    vm: bool = Field(False, description="Edge refinement; edges are refined in any case.")
    bgc: str = Field("", max_length=50, description="Colour behind: red,green,blue,opacity, each 0 to 255.")
    extras: str = Field("", description="Settings of rembg's models, without effect.")


def read_options(values: Mapping[str, str]) -> tuple[Options, list[str]]:
    """How a request wants its picture, and the names of what has no effect.

    Raises:
        RefusedError: If it is something else than Limner can do, or a value is no such value.
    """
    try:
        wanted = Parameters.model_validate({name: value for name, value in values.items() if value})
    except ValidationError as error:
        raise RefusedError(422, "options", explain(error)) from error
    if wanted.model in NOT_HERE:
        message = f"model: '{wanted.model}' {NOT_HERE[wanted.model]}; this server cuts people out of photos"
        raise RefusedError(422, "model", message)
    background = "transparent" if wanted.om else _colour(wanted.bgc)  # theirs, too, is not for a mask
    used = Parameters.model_fields.keys() - WITHOUT_EFFECT
    return Options(mask=wanted.om, background=background), sorted(values.keys() - used)


def add_routes(app: FastAPI, service: Service) -> None:
    """Declare the two ways in, and the address at which clients look whether the server is there."""

    async def cut(request: Request, data: bytes, options: Options, ignored: list[str]) -> Response:
        still = service.settings.max_pixels  # theirs, too, takes the first frame
        job = Job(data=data, options=options, metadata="strip", most_pixels=still)
        made = await service.make(job, request.receive)
        if not made.shows_person:
            raise RefusedError(422, "no-subject", "no person was found in the picture")
        return Response(made.data, headers=_headers(made, service, ignored), media_type="image/png")

    @app.post(
        PATH,
        summary="rembg's server: cut out an upload",
        response_class=Response,
        responses=_responses(*openapi.PROBLEMS),
        openapi_extra=_extra(form=True),
    )
    async def upload(request: Request) -> Response:
        with service.admitted():
            sent = await read_upload(request, service.settings, FORM)
            if "file" not in sent.files:
                raise RefusedError(422, "no-picture", "the form holds the picture as a file named file")
            wanted = read_options({**request.query_params, **sent.fields})
            return await cut(request, sent.files["file"], *wanted)

    @app.get(
        PATH,
        summary="rembg's server: cut out what is at an address",
        response_class=Response,
        responses=_responses(401, 408, 422, 429, 503),
        openapi_extra=_extra(form=False),
    )
    async def address(request: Request) -> Response:
        values = dict(request.query_params)
        url = values.pop("url", "")
        if not url:
            raise RefusedError(422, "no-picture", "url: give the address of the picture")
        wanted = read_options(values)
        with service.admitted():
            return await cut(request, await service.fetch(url), *wanted)

    @app.get("/api", include_in_schema=False)
    async def description() -> dict[str, Any]:
        return app.openapi()


def _colour(text: str) -> str:
    """A background in the words of `Options`."""
    if not text:
        return "transparent"
    numbers = [int(one) for one in text.split(",")] if re.fullmatch(r"\d{1,3}(,\d{1,3}){2,3}", text) else []
    if not numbers or max(numbers) > 255:
        message = f"bgc: red,green,blue,opacity, each from 0 to 255, got '{text}'"
        raise RefusedError(422, "options", message)
    return "#" + "".join(f"{number:02x}" for number in numbers)


def _headers(made: Made, service: Service, ignored: list[str]) -> dict[str, str]:
    return {
        MODEL_HEADER: service.segmenter.spec.name,
        "Limner-Subject": f"{made.subject_fraction:.4f}",
        "Limner-Confidence": f"{made.confidence:.4f}",
        **ignored_header(ignored),
    }


def _responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    header = {"description": "The model that cut.", "schema": {"type": "string", "example": "base"}}
    picture = {
        "description": "The cut-out, the mask, or the subject before the colour.",
        "content": {"image/png": {"schema": openapi.BINARY}},
        "headers": {MODEL_HEADER: header},
    }
    return {200: picture, **openapi.problem_responses(*statuses)}


def _extra(*, form: bool) -> dict[str, Any]:
    """Parameters and body; in a form, colour and extras stay in the query."""
    fields = Parameters.model_json_schema()["properties"]
    query = {name: fields[name] for name in ("bgc", "extras")} if form else fields
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": schema} for name, schema in query.items()
    ]
    if not form:
        url = {"type": "string", "description": "Where the picture is; its host must be allowed."}
        return {"parameters": [{"name": "url", "in": "query", "required": True, "schema": url}, *parameters]}
    properties = {"file": openapi.BINARY, **{name: fields[name] for name in fields if name not in query}}
    body = {"type": "object", "required": ["file"], "properties": properties}
    return {
        "parameters": parameters,
        "requestBody": {"required": True, "content": {FORM: {"schema": body}}},
    }
