"""The audit over HTTP: its head, and its rows a page at a time as they are exported."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from services.notify.audit import store
from shared.http import KEY
from shared.service import Running

router = APIRouter(prefix="/v1/audit", tags=["audit"], dependencies=KEY)


@router.get("/head")
async def head(request: Request) -> dict[str, Any]:
    """Tell number and hash of the newest row."""
    running: Running = request.app.state.running
    async with running.engine.connect() as connection:
        newest = await store.get_head(connection)
    return {"seq": newest.seq, "hash": newest.hash.hex()}


@router.get("", response_class=Response, responses={200: {"content": {"application/x-ndjson": {}}}})
async def rows(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """List rows behind number `after`, a line each; fewer than `limit` where there are no more."""
    running: Running = request.app.state.running
    async with running.engine.connect() as connection:
        found = await store.list_rows(connection, after=after, limit=limit)
    lines = [orjson.dumps(row | {"data": orjson.Fragment(row["data"])}) + b"\n" for row in found]
    return Response(b"".join(lines), media_type="application/x-ndjson")
