"""Data quality over HTTP: flags with their evidence, counts by unit, and a look on demand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, get_args

from fastapi import APIRouter, HTTPException, Query, Request

from services.intake.quality import store, walk_store
from services.intake.quality.rules import Flag
from services.intake.quality.store import Wanted
from services.intake.settings import IntakeSettings
from shared import db
from shared.clock import PROVINCE_ZONE
from shared.service import Running

router = APIRouter(prefix="/quality", tags=["quality"])
LONGEST = timedelta(days=400)  # of a look on demand
DAYS = IntakeSettings().quality_days or 30

First = Annotated[date | None, Query(alias="from", description="day of reception, included")]
Last = Annotated[date | None, Query(alias="to", description="day of reception, included")]
Unit = Annotated[str | None, Query(max_length=200, description="code in the directory, else the agency id")]
FlagQuery = Annotated[str | None, Query(pattern=f"^({'|'.join(get_args(Flag))})$")]


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.get("")
async def list_flags(
    request: Request,
    unit: Unit = None,
    flag: FlagQuery = None,
    first: First = None,
    last: Last = None,
    gone: Annotated[bool, Query(description="also flags that hold no longer")] = False,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """List flags with their evidence, by id; a page goes on behind the last id of the one before."""
    async with _running(request).engine.connect() as connection:
        return await store.list_flags(connection, Wanted(unit, flag, first, last, gone), after=after, limit=limit)


@router.get("/counts")
async def count_flags(
    request: Request, unit: Unit = None, flag: FlagQuery = None, first: First = None, last: Last = None
) -> list[dict[str, Any]]:
    """Count what is flagged now, by unit and flag: dossiers, and of `numbers_missing` the numbers."""
    async with _running(request).engine.connect() as connection:
        return await store.count_flags(connection, Wanted(unit, flag, first, last))


@router.post("/checks", status_code=202)
async def begin_check(request: Request, first: First = None, last: Last = None) -> dict[str, int]:
    """Ask for a look at the dossiers received in some days, at most 400; else as many as each night. Answers its id."""
    running = _running(request)
    now = running.clock.now()
    last = last or now.astimezone(PROVINCE_ZONE).date()
    first = first or last - timedelta(days=DAYS)
    if not timedelta() <= last - first <= LONGEST:
        raise HTTPException(422, f"from: must be on or before `to`, and at most {LONGEST.days} days before it")
    async with db.transaction(running.engine) as connection:
        id = await walk_store.add_walk(connection, slot=None, first=first, last=last, now=now)
    assert id is not None  # only a slot may be taken
    return {"id": id}


@router.get("/checks/{id}")
async def show_check(id: int, request: Request) -> dict[str, Any]:
    """Return how far a look is: how many dossiers it has seen, and when it was finished."""
    async with _running(request).engine.connect() as connection:
        found = await walk_store.find_walk(connection, id)
    if found is None:
        raise HTTPException(404, "no such look")
    return found
