"""The operator's part: what was answered, the queue of cases, and closing one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases, handlers, saying
from services.notify.addressing import absences
from services.notify.answering import asked, store, taking
from services.notify.cases import Case
from services.notify.pressing import in_force, pressing, stays
from services.notify.pressing.rules import Rules
from shared.bodies import described, read_json
from shared.cloudevents import Outgoing
from shared.events import EscalationChanged
from shared.http import KEY
from shared.service import Running

BODY_LIMIT = 4096  # bytes
BIGGEST = 2**63 - 1  # an id of the database

router = APIRouter(prefix="/v1", tags=["notify"], dependencies=KEY)

After = Annotated[int, Query(ge=0, le=BIGGEST)]
Limit = Annotated[int, Query(ge=1, le=1000)]


class Closing(BaseModel):
    """How a case ended. Of not_ours: stays, handed_over; said_settled: not_settled, corrected; own_absence: entered,
    dismissed; of all others mended, dismissed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    outcome: Annotated[str, Field(min_length=1, max_length=40)]


CLOSING = TypeAdapter(Closing)


@router.get("/answers")
async def list_answers(request: Request, response: Response, after: After = 0, limit: Limit = 200) -> dict[str, Any]:
    """List what heads answered, in its order, and what became of it. `next`: the `after` of the page that follows."""
    response.headers["Cache-Control"] = "no-store"
    running: Running = request.app.state.running
    async with running.engine.connect() as connection:
        found = await store.list_answers(connection, after=after, limit=limit)
    return {"answers": found, "next": found[-1]["answer_id"] if len(found) == limit else None}


@router.get("/cases")
async def list_cases(request: Request, after: After = 0, limit: Limit = 200) -> dict[str, Any]:
    """List what waits for the operator, the oldest first. overdue: nobody decided in time, pressing goes on."""
    running: Running = request.app.state.running
    async with running.engine.connect() as connection:
        found = await cases.list_open(connection, after=after, limit=limit)
    now = running.clock.now()
    shown = [{**case, "overdue": bool(case["answer_by"] and case["answer_by"] <= now)} for case in found]
    return {"cases": shown, "next": found[-1]["id"] if len(found) == limit else None}


@router.post("/cases/{id}/close", openapi_extra=described(CLOSING))
async def close_case(request: Request, id: Annotated[int, Path(ge=1, le=BIGGEST)]) -> dict[str, Any]:
    """Close a case with its outcome. What was said of an obligation holds its ladder no longer: pressing goes on."""
    closing = await read_json(request, CLOSING, limit=BODY_LIMIT)
    running: Running = request.app.state.running
    rules = asked.of(request).rules
    closed: list[Case] = []

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        at = running.clock.now()
        present = await in_force.rules_at(connection, rules, at=at)
        case, said = await _close(connection, id, closing.outcome, rules=present, at=at)
        closed.append(case)
        return said

    await taking.until_committed(running, work)
    return {"id": id, "kind": closed[-1].kind, "subject": closed[-1].subject, "outcome": closing.outcome}


async def _close(
    connection: AsyncConnection, id: int, outcome: str, *, rules: Rules, at: datetime
) -> tuple[Case, list[Outgoing]]:
    """Lock what a case is about first, as all others do, then the case."""
    case = await cases.find_open(connection, id)
    if case is None:
        raise HTTPException(404, "no open case has this id; `dondoc cases list` shows those that are open")
    if outcome not in (possible := cases.OUTCOMES.get(case.kind, cases.ELSE)):
        raise HTTPException(422, f"outcome: of a case {case.kind} say {' or '.join(possible)}")
    said: list[Outgoing] = []
    kind = next((kind for kind, of in store.CASE_OF.items() if of == case.kind), None)
    if kind:
        for pressed in (await taking.lock(connection, [case.subject])).values():
            now = stays.decided(pressed.stays, kind=kind, at=at)
            if now == pressed.stays:
                continue
            change = pressing.answered_by(pressed, now, event=EscalationChanged, rules=rules, at=at)
            await handlers.write(connection, [change], at=at, anew=False)
            said = [saying.escalation(event, about, at=at) for event, about in change.said]
    if case.kind == "own_absence" and outcome == "dismissed":
        await absences.withdraw(connection, [case.subject], at=at)
    if not await cases.close(connection, case.kind, [case.subject], outcome=outcome, at=at):
        raise HTTPException(409, "the case was closed meanwhile")
    return case, said
