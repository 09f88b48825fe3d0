"""HTTP of complaints: citizens file and follow with a code, staff list and answer with the key."""

from __future__ import annotations

import math
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import store
from services.complaints.filing import Answer, Filing, addressee, dossier_key, new_code, read_code
from services.complaints.limits import Allowance
from services.complaints.settings import Settings
from services.complaints.store import Complaint
from shared import tracing
from shared.bodies import described, read_json
from shared.clock import PROVINCE_ZONE, monotonic_s
from shared.cloudevents import Outgoing, outgoing
from shared.events import ComplaintAnswered, ComplaintChanged, ComplaintFiled
from shared.http import KEY
from shared.logs import log
from shared.service import Running
from shared.worktime import CalendarEndsError, vietnam, working_days_after

BODY_LIMIT = 256 * 1024  # bytes: the longest text allowed, each letter decomposed and escaped

router = APIRouter(tags=["complaints"])
filings, lookups = Allowance(), Allowance()
FILING, ANSWER = TypeAdapter(Filing), TypeAdapter(Answer)


def _started(request: Request) -> Running:
    return cast(Running, request.app.state.running)


def _settings(request: Request) -> Settings:
    return cast(Settings, _started(request).settings)


def _slow_down(allowance: Allowance, request: Request, per_minute: int) -> None:
    address = request.client.host if request.client else ""
    if wait_s := allowance.wait_s(address, per_minute=per_minute, at_s=monotonic_s()):
        after = str(math.ceil(wait_s))
        raise HTTPException(429, "too many calls from this address", headers={"Retry-After": after})


async def _may_file(request: Request) -> None:
    _slow_down(filings, request, _settings(request).complaints_filings_per_minute)


async def _may_look(request: Request) -> None:
    _slow_down(lookups, request, _settings(request).complaints_lookups_per_minute)


async def _commit(running: Running, work: Callable[[AsyncConnection], Awaitable[list[Outgoing]]]) -> None:
    """Commit, or say that the caller may try again. A database error names the values it was given: it ends here."""
    try:
        await running.commit(work, cause="request")
    except (DBAPIError, OSError, TimeoutError) as error:
        log.error("not_stored", error=type(error).__name__)
        raise HTTPException(503, "nothing was stored; try again later", headers={"Retry-After": "10"}) from None


@router.post("/v1/complaints", status_code=201, dependencies=[Depends(_may_file)], openapi_extra=described(FILING))
async def file_complaint(request: Request, response: Response) -> dict[str, Any]:
    """Take a feedback and return the code to follow it by. The code is the secret: it is shown this once."""
    filing = await read_json(request, FILING, limit=BODY_LIMIT)
    running = _started(request)
    filed: list[Complaint] = []

    async def add(connection: AsyncConnection) -> list[Outgoing]:
        complaint = await store.add_complaint(
            connection,
            code=new_code(),
            written=filing.text,
            contact=filing.contact,
            unit=addressee(filing),
            dossier=dossier_key(filing),
            filed_at=running.clock.now(),
            answer_working_days=_settings(request).complaints_answer_working_days,
        )
        filed.append(complaint)
        return [_said(ComplaintFiled, complaint, at=complaint.filed_at, request=request)]

    await _commit(running, add)
    response.headers["Location"] = f"/v1/complaints/{filed[0].code}"
    return _shown_to_sender(filed[0])


@router.get("/v1/complaints/{code}", dependencies=[Depends(_may_look)])
async def follow_complaint(request: Request, response: Response, code: str) -> dict[str, Any]:
    """Say how a feedback stands, and the answer once there is one; never what was written nor by whom."""
    response.headers["Cache-Control"] = "no-store"
    async with _started(request).engine.connect() as connection:
        known = read_code(code)
        complaint = await store.find_complaint(connection, known) if known else None
    if complaint is None:
        raise HTTPException(404, "no feedback has this code")
    return _shown_to_sender(complaint)


@router.get("/v1/complaints", dependencies=KEY)
async def list_complaints(
    request: Request,
    response: Response,
    state: Literal["open", "answered"] | None = None,
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """List feedback for the staff who answer, newest first; `next` is the `before` of the page that follows."""
    response.headers["Cache-Control"] = "no-store"
    answered = None if state is None else state == "answered"
    async with _started(request).engine.connect() as connection:
        found = await store.list_complaints(connection, answered=answered, before=before, limit=limit)
    return {
        "complaints": [_shown_to_staff(complaint) for complaint in found],
        "next": found[-1].id if len(found) == limit else None,
    }


@router.post("/v1/complaints/{code}/answer", dependencies=KEY, openapi_extra=described(ANSWER))
async def answer_complaint(request: Request, code: str) -> dict[str, Any]:
    """Answer a feedback. The same answer again changes nothing; another one is refused, the first was sent."""
    answer = await read_json(request, ANSWER, limit=BODY_LIMIT)
    running = _started(request)
    answered: list[Complaint] = []

    async def put(connection: AsyncConnection) -> list[Outgoing]:
        known = read_code(code)
        complaint = await store.find_complaint(connection, known, lock=True) if known else None
        if complaint is None:
            raise HTTPException(404, "no feedback has this code")
        if complaint.answer is not None:
            if complaint.answer != answer.text:
                raise HTTPException(409, "this feedback has another answer already")
            answered.append(complaint)
            return []
        at = max(running.clock.now(), complaint.filed_at)
        complaint = await store.mark_answered(connection, complaint.id, answer=answer.text, at=at)
        answered.append(complaint)
        return [_said(ComplaintAnswered, complaint, at=at, request=request)]

    await _commit(running, put)
    return _shown_to_staff(answered[0])


def _said(event: type[ComplaintChanged], complaint: Complaint, *, at: datetime, request: Request) -> Outgoing:
    """Return the event of a change. Its fields are named one by one, so that no new column can slip into it."""
    data = event(
        code=complaint.code,
        revision=complaint.revision,
        unit=complaint.unit,
        dossier=complaint.dossier,
        filed_at=complaint.filed_at,
        answered_at=complaint.answered_at,
        answer_working_days=complaint.answer_working_days,
    )
    id = f"{complaint.code}:{complaint.revision}"
    trace = tracing.received(request.headers, seed=uuid.uuid4().hex)
    return outgoing(event, id=id, about=complaint.code, time=at, data=data, trace=trace)


def _shown_to_sender(complaint: Complaint) -> dict[str, Any]:
    return {
        "code": complaint.code,
        "state": "open" if complaint.answered_at is None else "answered",
        "filed_at": _local(complaint.filed_at),
        "answer_working_days": complaint.answer_working_days,
        "answer_expected_on": _expected_on(complaint),
        "answered_at": _local(complaint.answered_at),
        "answer": complaint.answer,
    }


def _shown_to_staff(complaint: Complaint) -> dict[str, Any]:
    return {
        **_shown_to_sender(complaint),
        "text": complaint.text,
        "contact": complaint.contact,
        "unit": complaint.unit,
        "dossier": complaint.dossier,
        "revision": complaint.revision,
    }


def _local(at: datetime | None) -> datetime | None:
    return at.astimezone(PROVINCE_ZONE) if at else None


def _expected_on(complaint: Complaint) -> str | None:
    """Return the date to expect the answer by: a hint, the due time itself is deadline's."""
    try:
        due = working_days_after(vietnam(), start=complaint.filed_at, days=complaint.answer_working_days)
    except CalendarEndsError:
        return None
    return due.date().isoformat()
