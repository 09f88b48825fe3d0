"""Deadline over HTTP: obligations as they are, and the export of the world at a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from services.deadline import due, store
from services.deadline.course import at_moment
from services.deadline.explaining import explained
from services.deadline.handlers import course_of, fold
from shared.events import Obligation
from shared.http import KEY
from shared.instants import canonical
from shared.service import Running
from shared.worktime import vietnam

router = APIRouter(prefix="/v1", dependencies=KEY)
PAGE = 1000
QUESTIONS_BYTES = 64 * 1024  # some hundred questions: they are answered while all else of this process waits
_QUESTIONS = {"requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}}


def _running(request: Request) -> Running:
    running: Running = request.app.state.running
    return running


@router.get("/obligations", tags=["obligations"])
async def list_obligations(
    request: Request,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    kind: Annotated[str | None, Query(pattern="^(dossier|answer)$")] = None,
) -> list[dict[str, Any]]:
    """Return a page of obligations in id order, timing as of now."""
    running = _running(request)
    async with running.engine.connect() as connection:
        page = await store.list_obligations(connection, after=after, limit=limit, kind=kind)
    now = canonical(running.clock.now())
    return [dict(at_moment(obligation, now=now, calendar=vietnam())) for obligation in page]


@router.get("/obligations/{id:path}", tags=["obligations"])
async def show_obligation(id: str, request: Request) -> dict[str, Any]:
    """Return one obligation, timing as of now, and why its due date is what it is."""
    running = _running(request)
    async with running.engine.connect() as connection:
        obligation = await store.find_obligation(connection, id)
        said = await store.list_said(connection, [id])
    if obligation is None:
        raise HTTPException(404, "no such obligation; its id is `dossier/<code>` or `answer/<code>`")
    shown = dict(at_moment(obligation, now=canonical(running.clock.now()), calendar=vietnam()))
    course = course_of(id, said[id], until=None)
    return shown | {"explanation": explained(course, obligation, calendar=vietnam()) if course else None}


@router.get("/export/obligations", tags=["obligations"])
async def export_obligations(request: Request, as_of: AwareDatetime | None = None) -> StreamingResponse:
    """Stream one line per obligation. `as_of`: the world at that moment, from the facts that had happened by then."""
    try:
        moment = canonical(as_of) if as_of else None
    except OverflowError:
        raise HTTPException(422, "as_of lies outside the years 1 to 9999 of Vietnamese time") from None
    running = _running(request)
    lines = _at(running, moment) if moment else _present(running)
    return StreamingResponse(lines, media_type="application/x-ndjson")


@router.post("/due", tags=["due"], openapi_extra=_QUESTIONS)
async def answer_due(request: Request) -> Response:
    """Answer when limits run out, as `dondoc due` does: one JSON question a line, one answer a line, in order."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > QUESTIONS_BYTES:
            raise HTTPException(413, f"a body may have {QUESTIONS_BYTES} bytes at most; `dondoc due` takes more")
    answers = [orjson.dumps(due.answer(line)) for line in body.split(b"\n") if line.strip()]
    return Response(b"\n".join((*answers, b"")), media_type="application/x-ndjson")


async def _present(running: Running) -> AsyncIterator[bytes]:
    now = canonical(running.clock.now())
    after = ""
    async with running.engine.connect() as connection:
        while page := await store.list_obligations(connection, after=after, limit=PAGE):
            yield _lines(page, now)
            after = page[-1]["obligation_id"]


async def _at(running: Running, moment: str) -> AsyncIterator[bytes]:
    async with running.engine.connect() as connection:
        async for said in store.stream_said(connection, page=PAGE):
            folded = (fold(id, said[id], until=moment) for id in sorted(said))
            yield _lines([obligation for obligation in folded if obligation], moment)


def _lines(obligations: list[Obligation], moment: str) -> bytes:
    calendar = vietnam()
    return b"".join(orjson.dumps(at_moment(o, now=moment, calendar=calendar)) + b"\n" for o in obligations)
