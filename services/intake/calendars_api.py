"""Intake over HTTP: the work calendars that all programs go by."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import calendar_store
from services.intake.calendars import Calendar, CalendarsError, check
from shared.cloudevents import Outgoing, outgoing
from shared.events import CalendarDescribed
from shared.service import Running

router = APIRouter(tags=["calendars"])


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.get("/calendars")
async def list_calendars(request: Request) -> list[dict[str, Any]]:
    """Return the calendars that were loaded; the province's stands here only if another took its place."""
    async with _running(request).engine.connect() as connection:
        return await calendar_store.list_calendars(connection)


@router.post("/calendars")
async def load_calendars(
    calendars: Annotated[list[Calendar], Body(max_length=1000)], request: Request
) -> dict[str, list[str]]:
    """Take calendars and announce those that differ from what is known; others stay as they are.

    returns: the names of those added, changed and unchanged. What they move is deadline's work: `/v1/work` there.
    """
    running = _running(request)
    told: dict[str, list[str]] = {"added": [], "changed": [], "unchanged": []}
    now = running.clock.now()
    new = {one.name: one.model_dump() for one in calendars}

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        known = await calendar_store.lock_calendars(connection)
        check(({name: document for name, (_, document) in known.items()} | new).values())
        put: dict[str, tuple[int, dict[str, Any]]] = {}
        for name, document in sorted(new.items()):
            revision, before = known.get(name, (0, None))
            what = "added" if before is None else "changed" if before != document else "unchanged"
            told[what].append(name)
            if before != document:
                put[name] = (revision + 1, document)
        if not put:
            return []
        await calendar_store.put_calendars(connection, put)
        return [
            outgoing(
                CalendarDescribed,
                id=f"calendar:{name}:{revision}",
                about=name,
                time=now,
                data=CalendarDescribed(**document, revision=revision),
            )
            for name, (revision, document) in put.items()
        ]

    try:
        await running.commit(work, cause="calendars")
    except CalendarsError as error:
        raise HTTPException(422, str(error)) from error
    return told
