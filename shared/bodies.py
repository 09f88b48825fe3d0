"""Bodies of HTTP requests, read with bounds: of size, packed and unpacked, of time, and of what is held at once."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import monotonic_s

T = TypeVar("T")
PATIENCE_S = 10.0  # for a body's first bytes and for any pause, beside the time that its size allows
SLOWEST_BYTES_PER_S = 16 << 10  # a body that comes slower on average holds a connection and is given up
AGAIN_S = "2"  # when to come again where too much is in memory
HELD = "dondoc.bodies_held"  # in a request's scope: bytes it holds
GZIP = 31  # zlib's number for a gzip header and trailer


class BodiesBound:
    """Counts the bytes of all bodies in memory, and gives them back when their request is done."""

    def __init__(self, app: ASGIApp, *, at_once: int) -> None:
        self._app, self._at_once, self.held = app, at_once, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        scope[HELD] = mine = Share(self)
        try:
            return await self._app(scope, receive, send)
        finally:
            self.held -= mine.bytes

    def take(self, bytes: int) -> bool:
        """Return whether so many more fit, and count them."""
        if self.held + bytes > self._at_once:
            return False
        self.held += bytes
        return True


class Share:
    """What one request holds."""

    def __init__(self, of: BodiesBound) -> None:
        self._of, self.bytes = of, 0

    def take(self, bytes: int) -> None:
        """Hold so many more. raises: HTTPException - 503: with those of others they are too many."""
        if not self._of.take(bytes):
            headers = {"Retry-After": AGAIN_S, "Connection": "close"}
            raise HTTPException(503, "too much is being received now; send again", headers)
        self.bytes += bytes


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the body, unpacked where it is sent with `Content-Encoding: gzip`. limit: bytes, packed and unpacked.

    raises: HTTPException - as `read_raw` and `unpacked`.
    """
    return unpacked(request, await read_raw(request, limit=limit), limit=limit)


async def read_raw(request: Request, *, limit: int) -> bytes:
    """Return the body as it was sent. raises: HTTPException - as `arriving`."""
    return b"".join([part async for part in arriving(request, limit=limit, keeps=limit)])


async def arriving(request: Request, *, limit: int, keeps: int) -> AsyncIterator[bytes]:
    """Yield the body as it comes. keeps: bytes of it that its taker has in memory at once, at most.

    raises: HTTPException - 413 longer than `limit`, 408 slower than a body may come, 400 cut off, 503 too much at once.
    """
    size, waited_s, coming, share = 0, 0.0, request.stream(), request.scope.get(HELD)
    while True:
        began_s = monotonic_s()
        try:
            async with asyncio.timeout(PATIENCE_S + size / SLOWEST_BYTES_PER_S - waited_s):
                part = await anext(coming, None)
        except ClientDisconnect:
            raise HTTPException(400, "the body was cut off") from None
        except TimeoutError:
            slow = "the body comes too slowly; send smaller ones, or over a faster line"
            raise HTTPException(408, slow, {"Connection": "close"}) from None
        if part is None:
            return
        waited_s += monotonic_s() - began_s
        held, size = min(size, keeps), size + len(part)
        if size > limit:
            raise HTTPException(413, f"a body may have {limit} bytes at most", {"Connection": "close"})
        if share and held < keeps:
            share.take(min(size, keeps) - held)
        yield part


def unpacked(request: Request, raw: bytes, *, limit: int) -> bytes:
    """Return a body as it was before `Content-Encoding: gzip`; no more than `limit` bytes are ever unpacked.

    raises: HTTPException - 413 longer than `limit`, 400 not one whole gzip, 415 packed in another way.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise HTTPException(415, "send bodies as they are, or packed with gzip", {"Accept-Encoding": "gzip"})
    unpacking = zlib.decompressobj(GZIP)
    try:
        body = unpacking.decompress(raw, limit + 1)
    except zlib.error:
        raise HTTPException(400, "the body is no gzip") from None
    if len(body) > limit:
        raise HTTPException(413, f"a body may have {limit} bytes at most, unpacked")
    if not unpacking.eof or unpacking.unused_data:  # a second member could be one of a million empty ones
        raise HTTPException(400, "the body's gzip is cut off, or more than one")
    if share := request.scope.get(HELD):
        share.take(len(body))
    return body


async def read_json(request: Request, shape: TypeAdapter[T], *, limit: int) -> T:
    """Return a JSON body in its shape; one that does not fit is answered with 422 and its places."""
    return fit(await read_body(request, limit=limit), shape)


def fit(body: bytes | str, shape: TypeAdapter[T]) -> T:
    """Return JSON in its shape. raises: RequestValidationError - it does not fit, answered with 422 and its places."""
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False, include_context=False)) from None


def takes(*media_types: str) -> dict[str, Any]:
    """Return what OpenAPI is told of a body that is read as it comes, in one of these shapes."""
    content = {one: {"schema": {} if one == "application/json" else {"type": "string"}} for one in media_types}
    return {"requestBody": {"required": True, "content": content}}


def described(shape: TypeAdapter[Any]) -> dict[str, Any]:
    """Return what OpenAPI is told of a body that `read_json` takes."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape.json_schema()}}}}
