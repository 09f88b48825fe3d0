"""HTTP for the figures of feedback by unit."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response

from services.complaints import permissions, reference
from services.complaints.asking import NO_STORE, Asking, desk_of, running_of
from services.complaints.effects import figures, store
from shared.clock import PROVINCE_ZONE

LONGEST = timedelta(days=366)
FIRST, LAST = date(2000, 1, 1), date(2100, 12, 31)
From = Annotated[date, Query(alias="from", ge=FIRST, le=LAST, description="The first day, by when it was filed.")]
To = Annotated[date, Query(alias="to", ge=FIRST, le=LAST, description="The last day, included.")]
router = APIRouter(prefix="/v1", tags=["complaints"])


@router.get("/effects")
async def show_effects(request: Request, response: Response, actor: Asking, since: From, until: To) -> dict[str, Any]:
    """Count feedback against the unit that it is about; nothing restricted, nothing about the one who asks.

    Operator and sorters see every unit, a handler the own one, and of it what was decided. Shares are in percent, null
    where there is nothing to share.
    """
    response.headers.update(NO_STORE)
    if not permissions.may_count(actor):
        raise HTTPException(403, "only the operator, sorters, and handlers of a unit see these figures")
    if not since <= until <= since + LONGEST:
        raise HTTPException(422, "`to` must not lie before `from`, nor more than a year after it")
    running = running_of(request)
    now = running.clock.now()
    policy = desk_of(running).office.policy(now)
    async with running.engine.connect() as connection:
        found = await store.count(
            connection,
            actor,
            since=_begin(since),
            until=_begin(until + timedelta(days=1)),
            now=now,
            disliked=policy.rating.disliked,
            categories=tuple(policy.categories),
        )
        units = await reference.units(connection)
    return {
        "from": since,
        "to": until,
        "at": now.astimezone(PROVINCE_ZONE),
        "categories": dict(policy.categories),
        "units": [figures.row(one, units.name(one.unit) if one.unit else figures.UNKNOWN) for one in found],
        "total": figures.row(figures.total(found), figures.TOTAL),
    }


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), PROVINCE_ZONE)
