"""What the OpenAPI of every service says of answers: any error is a problem document (RFC 9457)."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

PROBLEM_TYPE = "application/problem+json"
PROBLEM = {
    "type": "object",
    "description": "A problem document (RFC 9457). errors: the places at fault, where there are several.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_ERROR = {
    "description": "The call was refused; `detail` says why and what to do.",
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_UNTIL_LATER = {**_ERROR, "description": "Not now: a server does not answer, or too much is in hand. Try again."}
NDJSON, BYTES = "application/x-ndjson", "application/octet-stream"


def answers(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI is told of an operation that answers in another shape than JSON; a route's `responses`."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}


OPEN = ("operation",)  # tags of routes that refuse nobody


def describe(app: FastAPI) -> None:
    """Let `app` tell its OpenAPI with every answer it can give, and with shapes that can be resolved."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(get_openapi(title=app.title, version=app.version, routes=app.routes))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for path in document["paths"].values():
        for operation in path.values():
            _lift_definitions(operation, schemas)
            if set(operation.get("tags", ())) & set(OPEN):
                continue
            operation["responses"].pop("422", None)  # FastAPI's own shape of it is not what is answered
            operation["responses"] |= {"4XX": _ERROR, "503": _UNTIL_LATER}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


def _lift_definitions(part: Any, schemas: dict[str, Any]) -> None:
    """Move `$defs` of shapes that pydantic wrote out into the document's components, where references find them."""
    if isinstance(part, list):
        for one in part:
            _lift_definitions(one, schemas)
    if not isinstance(part, dict):
        return
    for name, shape in part.pop("$defs", {}).items():
        _lift_definitions(shape, schemas)
        schemas.setdefault(name, shape)
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        part["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    for one in part.values():
        _lift_definitions(one, schemas)
