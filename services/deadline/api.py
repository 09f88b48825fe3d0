"""Deadline over HTTP: obligations as they are, and the export of the world at a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, get_args

import orjson
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from services.deadline import due, jobs_api, moves, reconciliations_api, reference_store, said_store, store
from services.deadline.course import at_moment
from services.deadline.explaining import explained, explained_unit
from services.deadline.folding import fold
from services.deadline.reference import Reference
from services.deadline.refolding import TERMS
from shared.bodies import read_body
from shared.events import Kind, Obligation
from shared.http import KEY
from shared.instants import canonical
from shared.openapi import NDJSON, answers
from shared.service import Running

router = APIRouter(prefix="/v1", dependencies=KEY)
router.include_router(jobs_api.router)
router.include_router(reconciliations_api.router)
PAGE = 1000
UNTOLD = ("restricted", "confidential")
QUESTIONS_BYTES = 64 * 1024  # some hundred questions: they are answered while all else of this process waits
_QUESTIONS = {"requestBody": {"required": True, "content": {NDJSON: {"schema": {"type": "string"}}}}}


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.get("/obligations", tags=["obligations"])
async def list_obligations(
    request: Request,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    kind: Annotated[str | None, Query(pattern=f"^({'|'.join(get_args(Kind))})$")] = None,
) -> list[Mapping[str, Any]]:
    """Return a page of obligations in id order, timing as of now; what is confidential is in no list and no export."""
    running = _running(request)
    async with running.engine.connect() as connection:
        known = await reference_store.newest(connection)
        page = await store.list_obligations(connection, after=after, limit=limit, kind=kind)
    now = canonical(running.clock.now())
    return [_told(_shown(obligation, now, known)) for obligation in page]


@router.get("/obligations/{id:path}", tags=["obligations"])
async def show_obligation(id: str, request: Request) -> dict[str, Any]:
    """Return one obligation, timing as of now, and why its due date is what it is."""
    running = _running(request)
    async with running.engine.connect() as connection:
        obligation = await store.find_obligation(connection, id)
        if obligation is None or obligation.get("confidential"):
            raise HTTPException(404, "no such obligation; its id is `<kind>/<code>`, such as `dossier/<MaHoSo>`")
        matter = obligation["parent"] or id
        said = await said_store.list_said(connection, [matter])
        moved = await moves.list_of(connection, id)
        known = await reference_store.newest(connection)
    now = canonical(running.clock.now())
    known = known.on(now)
    folded = next(
        (f for f in fold(matter, said[matter], known=known, terms=TERMS) if f.course.obligation_id == id), None
    )
    explanation = None
    if folded:
        explanation = explained(folded, now=now, moved=moved) | {"unit": explained_unit(folded, known.units)}
    return {**_told(_shown(obligation, now, known)), "explanation": explanation}


@router.get("/export/obligations", tags=["obligations"], response_class=Response, responses=answers(NDJSON))
async def export_obligations(
    request: Request, as_of: AwareDatetime | None = None, known_at: AwareDatetime | None = None
) -> StreamingResponse:
    """Stream one line per obligation.

    as_of: the world at that moment, from the facts that had happened by then. known_at: only from what was recorded by
    then, and by calendars and limits as they were known then; `as_of` is the same moment where it is not given.
    """
    running = _running(request)
    moment = _moment("as_of", as_of or known_at)
    _moment("known_at", known_at)
    lines = _at(running, moment, known_at) if moment else _present(running)
    return StreamingResponse(lines, media_type=NDJSON)


def _moment(name: str, at: datetime | None) -> str | None:
    try:
        return canonical(at) if at else None
    except OverflowError:
        raise HTTPException(422, f"{name} lies outside the years 1 to 9999 of Vietnamese time") from None


@router.post("/due", tags=["due"], openapi_extra=_QUESTIONS, response_class=Response, responses=answers(NDJSON))
async def answer_due(request: Request) -> Response:
    """Answer when limits run out, as `dondoc due` does: one JSON question a line, one answer a line, in order.

    What is longer than a body may be, the command takes.
    """
    body = await read_body(request, limit=QUESTIONS_BYTES)
    answers = [orjson.dumps(due.answer(line)) for line in body.split(b"\n") if line.strip()]
    return Response(b"\n".join((*answers, b"")), media_type=NDJSON)


async def _present(running: Running) -> AsyncIterator[bytes]:
    now = canonical(running.clock.now())
    after = ""
    async with running.engine.connect() as connection:
        known = await reference_store.newest(connection)
        while page := await store.list_obligations(connection, after=after, limit=PAGE):
            yield _lines(_shown(one, now, known) for one in page)
            after = page[-1]["obligation_id"]


async def _at(running: Running, moment: str, known_at: datetime | None) -> AsyncIterator[bytes]:
    by = canonical(known_at) if known_at else None
    async with running.engine.connect() as connection:
        known = (await reference_store.newest(connection)).on(moment)
        async for said in said_store.stream_said(connection, page=PAGE, recorded_by=known_at):
            shown = (
                at_moment(one.obligation, now=moment, calendar=one.calendar)
                for id in sorted(said)
                for one in fold(id, said[id], known=known, terms=TERMS, until=moment, known_at=by)
                if not one.course.confidential
            )
            yield _lines(shown)


def _shown(obligation: Obligation, moment: str, known: Reference) -> Obligation:
    calendar = known.calendar(
        obligation["unit"], obligation["unit_name"], at=None, unit_code=obligation.get("unit_code")
    )
    return at_moment(obligation, now=moment, calendar=calendar)


def _told(obligation: Obligation) -> Mapping[str, Any]:
    """Return what is told of an obligation: all but who must not be told of it, which is for who presses alone."""
    return {name: value for name, value in obligation.items() if name not in UNTOLD}


def _lines(obligations: Iterable[Obligation]) -> bytes:
    return b"".join(orjson.dumps(_told(one)) + b"\n" for one in obligations)
