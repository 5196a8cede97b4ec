"""What the description of the API says beyond what FastAPI can see."""

from typing import Any

from limner.server.options import FORMATS, Parameters
from limner.server.problems import SCHEMA
from limner.server.uploads import FORM

DESCRIPTION = """Pictures in, cut-outs, mattes or composites out. Nothing is stored, logged or fetched.

    curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' http://127.0.0.1:8000/v1/cutout -o person.png
    curl -F image=@photo.jpg -F background=white -F format=jpg http://127.0.0.1:8000/v1/cutout -o id.jpg
    curl -F image=@photo.jpg -F background=@beach.jpg http://127.0.0.1:8000/v1/cutout -o beach.png
"""
JSON = "application/json"
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
PROBLEMS = {
    400: "The body is malformed.",
    401: "The API key is missing or wrong.",
    408: "The upload took too long.",
    413: "The request has too many bytes.",
    415: "The body is of a type that is not taken.",
    422: "The picture or an option cannot be used.",
    429: "Too many requests are under way; Retry-After says when to try again.",
    503: "No answer within the time limit; Retry-After says when to try again.",
}
"""Status -> what it means."""


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route."""
    problem = content({"application/problem+json": SCHEMA})
    return {status: {"description": PROBLEMS[status], "content": problem} for status in statuses}


def cutout_responses() -> dict[int | str, dict[str, Any]]:
    """Of ``/v1/cutout``."""
    picture = {
        "description": "The picture.",
        "content": content(dict.fromkeys(FORMATS.values(), BINARY)),
        "headers": {
            "Limner-Frame": {
                "description": "What is shown of the upright picture: top,left,height,width in pixels.",
                "schema": {"type": "string", "example": "0,40,512,400"},
            },
            "Limner-Box": {
                "description": "The subject's box, in the form of Limner-Frame; absent if there is none.",
                "schema": {"type": "string", "example": "32,61,480,372"},
            },
            "Limner-Subject": {
                "description": "Fraction of the picture covered by the subject; near 0, no person was found.",
                "schema": {"type": "number", "example": 0.4213},
            },
            "Limner-Confidence": {
                "description": "How good the cut-out probably is: the expected IoU of its mask, 0 to 1.",
                "schema": {"type": "number", "example": 0.9713},
            },
        },
    }
    return {200: picture, **problem_responses(*PROBLEMS)}


def cutout_extra() -> dict[str, Any]:
    """Parameters and body of ``/v1/cutout``."""
    options = Parameters.model_json_schema()["properties"]
    properties = {
        "image": {**BINARY, "description": "The picture; file is another name of it."},
        **options,
        "background": {**options["background"], "anyOf": [BINARY, {"type": "string"}]},
        "alpha": {
            **BINARY,
            "description": "A grey picture of the same size: what is kept, instead of what is found.",
        },
    }
    form = {"type": "object", "required": ["image"], "properties": properties}
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in options.items()
        ],
        "requestBody": _body({FORM: form, "image/*": BINARY, "application/octet-stream": BINARY}),
    }


def _body(schemas: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": content(schemas)}


def content(schemas: dict[str, Any]) -> dict[str, Any]:
    """Media type -> what stands there, from media type -> schema."""
    return {media: {"schema": schema} for media, schema in schemas.items()}
