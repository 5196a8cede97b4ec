"""What is answered when a request cannot be served: problem+json (RFC 9457), or the errors of remove.bg."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Scope

COMPATIBLE = "/v1.0/"
"""Paths below it answer as remove.bg does."""

_COMPATIBLE_STATUS = {401: 403, 408: 400, 413: 400, 415: 400, 422: 400}
_COMPATIBLE_CODE = {"too-many-bytes": "file_too_large", "busy": "rate_limit_exceeded"}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["title", "status", "detail", "code"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what came, what was wanted, what to do"},
        "code": {"type": "string", "description": "the same for a program"},
    },
}


class RefusedError(Exception):
    """A request that is refused."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


class LimitError(RefusedError):
    """A request that is refused because of a limit; it is counted by its code."""


def own_path(scope: Scope) -> str:
    """The path of a request below the one at which another application mounts this one."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def answer(problem: RefusedError, path: str) -> JSONResponse:
    """The response that tells a problem, in the words of the API that ``path`` belongs to."""
    if path.startswith(COMPATIBLE):
        code = _COMPATIBLE_CODE.get(problem.code, problem.code)
        return JSONResponse(
            {"errors": [{"title": problem.detail, "code": code, "detail": problem.detail}]},
            _COMPATIBLE_STATUS.get(problem.status, problem.status),
            problem.headers,
        )
    content = {
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    return JSONResponse(content, problem.status, problem.headers, media_type="application/problem+json")
