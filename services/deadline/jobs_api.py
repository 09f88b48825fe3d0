"""Deadline over HTTP: jobs asked for, how far they have come, and what a change would do before it is made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from services.deadline import acts, forecasting, recalculating, reference_store
from services.deadline.reference import Reference, Row, reference
from shared import db
from shared.bodies import described, read_json
from shared.events import CalendarDescribed, ProcedureDescribed
from shared.instants import canonical
from shared.openapi import NDJSON, answers
from shared.service import Running
from shared.worktime import CalendarError

router = APIRouter(tags=["jobs"])


class Change(BaseModel):
    """Calendars and procedures in the shape in which they are announced, to be tried before they are."""

    model_config = ConfigDict(extra="forbid")
    calendars: Annotated[list[CalendarDescribed], Field(max_length=1000)] = []
    procedures: Annotated[list[ProcedureDescribed], Field(max_length=20_000)] = []


CHANGE = TypeAdapter(Change)
BIGGEST = (1 << 63) - 1  # of an id
NEWEST = 1 << 31  # a revision above all that were announced
BODY_LIMIT = 16 << 20  # bytes: a whole catalogue of procedures has two million


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.post("/republish", status_code=202)
async def republish(request: Request, since: AwareDatetime | None = None) -> dict[str, Any]:
    """Ask for every present state to be said again, with its revision; `since`: those that changed since then.

    returns: the id of the job, for `/v1/jobs/{id}`.
    """
    async with db.transaction(_running(request).engine) as connection:
        return {"id": await recalculating.ask_to_republish(connection, since=since)}


@router.get("/jobs")
async def list_jobs(
    request: Request, act: Annotated[str, Query(pattern="^(recalculate|republish|census)$")] = "recalculate"
) -> list[dict[str, Any]]:
    """Return the jobs of one kind, the newest first."""
    async with _running(request).engine.connect() as connection:
        return [one._asdict() for one in await acts.list_newest(connection, act, limit=20)]


@router.get("/jobs/{id}")
async def show_job(id: Annotated[int, Path(ge=0, le=BIGGEST)], request: Request) -> dict[str, Any]:
    """Return one job: obligations in all, done and changed, and when it was finished."""
    async with _running(request).engine.connect() as connection:
        found = await acts.find(connection, id)
    if found is None:
        raise HTTPException(404, "no such job")
    return found._asdict()


@router.post("/forecast", openapi_extra=described(CHANGE), response_class=Response, responses=answers(NDJSON))
async def forecast(request: Request) -> StreamingResponse:
    """Stream what would change if these calendars and procedures were announced: a line a page, the last is the whole.

    Nothing is stored and nothing is said.
    """
    running = _running(request)
    change = await read_json(request, CHANGE, limit=BODY_LIMIT)
    async with running.engine.connect() as connection:
        would = _would(await reference_store.list_rows(connection), change, since=canonical(running.clock.now()))
    return StreamingResponse(_forecast(running, would), media_type=NDJSON)


def _would(rows: list[Row], change: Change, *, since: str) -> Reference:
    new = [Row("calendar", one.name, since, one.model_dump(mode="json"), NEWEST) for one in change.calendars]
    new += [Row("procedure", one.code, since, one.model_dump(mode="json"), NEWEST) for one in change.procedures]
    try:
        return reference([*rows, *new])
    except CalendarError as error:
        raise HTTPException(422, f"calendars: {error}") from error


async def _forecast(running: Running, would: Reference) -> AsyncIterator[bytes]:
    async with running.engine.connect() as connection:
        snapshot = await connection.execution_options(isolation_level="REPEATABLE READ")
        async for report in forecasting.forecast(snapshot, would, now=canonical(running.clock.now())):
            yield orjson.dumps(report.document()) + b"\n"
