"""Bodies of HTTP requests, read with a bound: what is longer is not taken into memory."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the body. limit: bytes; a longer one is answered with 413."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise HTTPException(413, f"a body may have {limit} bytes at most")
        parts.append(part)
    return b"".join(parts)


async def read_json(request: Request, shape: TypeAdapter[T], *, limit: int) -> T:
    """Return a JSON body in its shape; one that does not fit is answered with 422 and its places."""
    body = await read_body(request, limit=limit)
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_context=False)) from None


def described(shape: TypeAdapter[Any]) -> dict[str, Any]:
    """Return what OpenAPI is told of a body that `read_json` takes."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape.json_schema()}}}}
