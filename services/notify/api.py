"""What notify answers over HTTP: open escalations and notices, a page at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request

from services.notify import overview
from shared.http import KEY
from shared.service import Running

router = APIRouter(prefix="/v1", tags=["notify"], dependencies=KEY)

Limit = Annotated[int, Query(ge=1, le=1000)]
Status = Literal["stored", "sent", "failed", "withheld", "recorded", "withdrawn"]
BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


@router.get("/escalations")
async def escalations(request: Request, unit: str | None = None, after: str = "", limit: Limit = 200) -> dict[str, Any]:
    """List open escalations. `next`: what to send as `after` for the next page, null at the end."""
    running: Running = request.app.state.running
    async with running.engine.connect() as connection:
        found = await overview.list_escalations(connection, unit=unit, after=after, limit=limit)
    return {"escalations": found, "next": found[-1]["obligation_id"] if len(found) == limit else None}


@router.get("/notices")
async def notices(
    request: Request, status: Status | None = None, after: str = "", limit: Limit = 200
) -> dict[str, Any]:
    """List notices, the oldest slots first. `next`: what to send as `after` for the next page, null at the end."""
    running: Running = request.app.state.running
    async with running.engine.connect() as connection:
        found = await overview.list_notices(connection, status=status, after=_place(after), limit=limit)
    last = found[-1] if len(found) == limit else None
    return {"notices": found, "next": f"{last['slot'].isoformat()}~{last['notice_id']}" if last else None}


def _place(after: str) -> tuple[datetime, str]:
    if not after:
        return BEGIN, ""
    slot, _, id = after.partition("~")
    try:
        at = datetime.fromisoformat(slot.replace(" ", "+"))
    except ValueError:
        raise HTTPException(422, "after: send what the page before gave as `next`") from None
    if at.tzinfo is None:
        raise HTTPException(422, "after: send what the page before gave as `next`")
    return at, id
