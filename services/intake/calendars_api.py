"""Intake over HTTP: the work calendars that all programs go by."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import Field, TypeAdapter

from services.intake import announcing, store
from services.intake.calendars import Calendar, CalendarsError, check
from shared.bodies import described, read_json
from shared.service import Running

router = APIRouter(tags=["calendars"])
BODY_LIMIT = 8 << 20  # bytes: some hundred calendars
CALENDARS = TypeAdapter(Annotated[list[Calendar], Field(max_length=1000)])


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.get("/calendars")
async def list_calendars(request: Request) -> list[dict[str, Any]]:
    """Return the calendars that were loaded; the province's stands here only if another took its place."""
    async with _running(request).engine.connect() as connection:
        return await store.list_described(connection, "calendar")


@router.post("/calendars", openapi_extra=described(CALENDARS))
async def load_calendars(request: Request, dry_run: bool = False) -> dict[str, Any]:
    """Take calendars and announce those that differ from what is known; others stay as they are.

    returns: the names of those added and changed. What they move is deadline's work: `/v1/jobs` there. `dry_run` only
    says what would change; what that would move, `/v1/forecast` of deadline tells.
    """
    running = _running(request)
    calendars = await read_json(request, CALENDARS, limit=BODY_LIMIT)
    new = {one.name: one.model_dump() for one in calendars}
    async with running.engine.connect() as connection:
        known = {one["name"]: one for one in await store.list_described(connection, "calendar")}
    try:
        check((known | new).values())
    except CalendarsError as error:
        raise HTTPException(422, str(error)) from error
    changes = await announcing.announce(running, announcing.CALENDARS, new, dry_run=dry_run)
    return {"dry_run": dry_run, **changes}
