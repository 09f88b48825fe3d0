"""What went out or would have, over HTTP: by day and post, and who had too many on a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request

from services.notify.modes import report
from shared.http import KEY
from shared.service import Running

router = APIRouter(prefix="/v1/report", tags=["report"], dependencies=KEY)

Since = Annotated[date, Query(alias="from", description="First day of the province.")]
Until = Annotated[date, Query(alias="to", description="Last day, included.")]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("")
async def rows(request: Request, since: Since, until: Until, after: str = "", limit: Limit = 500) -> dict[str, Any]:
    """List a row for each day and post that had notices. `next`: what to send as `after` for the next page."""
    running: Running = request.app.state.running
    async with running.engine.connect() as connection:
        found = await report.list_rows(connection, since=since, until=until, after=_place(after, since), limit=limit)
    last = found[-1] if len(found) == limit else None
    return {"rows": found, "next": f"{last['day'].isoformat()}~{last['unit']}" if last else None}


@router.get("/people")
async def people(
    request: Request, since: Since, until: Until, over: Annotated[int, Query(ge=0, le=1000)] = 4, limit: Limit = 200
) -> dict[str, Any]:
    """List people with more than `over` notices of one channel on a day, by the codes of their posts."""
    running: Running = request.app.state.running
    async with running.engine.connect() as connection:
        found = await report.list_burdened(connection, since=since, until=until, over=over, limit=limit)
    return {"people": found}


def _place(after: str, since: date) -> tuple[date, str]:
    day, _, unit = after.partition("~")
    try:
        return (date.fromisoformat(day) if after else since), unit
    except ValueError:
        raise HTTPException(422, "after: send what the page before gave as `next`") from None
