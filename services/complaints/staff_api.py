"""HTTP for officers: see what is theirs to see, decide, deal with it. Who may what stands in `permissions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import acting, officers_acts, reference, sorting, store
from services.complaints.asking import (
    BODY_LIMIT,
    NO_STORE,
    Asking,
    Desk,
    commit,
    desk_of,
    no_page,
    running_of,
    seen,
)
from services.complaints.officers_acts import Asked, Surroundings
from services.complaints.permissions import Actor
from services.complaints.shapes import Decided, Extended, Joined, Moved, Published, Said
from services.complaints.store import Feedback
from services.complaints.suggesting.suggest import suggest
from shared.bodies import described, read_json
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing

B = TypeVar("B", bound=BaseModel)
Limit = Annotated[int, Query(ge=1, le=500)]
Page = Annotated[str | None, Query(max_length=80)]
State = Literal["open", "undecided", "answered", "refused"]


router = APIRouter(prefix="/v1/complaints", tags=["complaints"])


@router.get("")
async def list_complaints(
    request: Request,
    response: Response,
    actor: Asking,
    state: State | None = None,
    before: Page = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """List what the officer may see, the newest first; `next` is the `before` of the page that follows."""
    response.headers.update(NO_STORE)
    running = running_of(request)
    desk = desk_of(running)
    async with running.engine.connect() as connection:
        ended = await store.find_visible(connection, actor, before) if before is not None else None
        if before is not None and ended is None:
            raise no_page("before")
        found = await store.list_visible(connection, actor, state=state, before=ended, limit=limit)
    return {
        "complaints": [shown(desk, feedback) for feedback in found],
        "next": found[-1].case.code if len(found) == limit else None,
    }


@router.get("/counts")
async def count_complaints(request: Request, response: Response, actor: Asking) -> dict[str, dict[str, int]]:
    """Count what the officer may see, by state."""
    response.headers.update(NO_STORE)
    async with running_of(request).engine.connect() as connection:
        return {"states": await store.count_visible(connection, actor)}


@router.get("/{code}")
async def show_complaint(request: Request, response: Response, code: str, actor: Asking) -> dict[str, Any]:
    """Show a feedback with its history, and while it is undecided what it may be and who should get it, and why."""
    response.headers.update(NO_STORE)
    running = running_of(request)
    desk = desk_of(running)
    async with running.engine.connect() as connection:
        feedback = await seen(connection, code, actor)
        steps = await store.steps_of(connection, feedback.case.code)
        around = await _surroundings(connection, desk, feedback, actor)
    sees_kept = feedback.case.restricted or "inspector" in actor.roles
    return {
        **shown(desk, feedback),
        "history": [
            {
                **step._asdict(),
                "at": step.at.astimezone(PROVINCE_ZONE),
                "note": desk.office.note_of(step.code, step.revision, step.note, kept=sees_kept),
            }
            for step in steps
        ],
        "suggestion": _suggestion(desk, feedback, around, running.clock.now()),
    }


def _suggestion(desk: Desk, feedback: Feedback, around: Surroundings, at: datetime) -> dict[str, Any] | None:
    if feedback.case.kind_by is not None:
        return None
    said = suggest(desk.office.words(feedback)["text"] or "", desk.office.model)
    route = sorting.suggested(desk.office, around.units, feedback, around.dossier, kind=feedback.case.kind, at=at)
    return {**asdict(said), "unit": route.unit, "unit_why": route.why, "route": route.rule}


def _add_act(path: str, body: type[B], asked: Callable[[B, Surroundings], Asked]) -> None:
    shape = TypeAdapter(body)

    async def act(request: Request, response: Response, code: str, actor: Asking) -> dict[str, Any]:
        response.headers.update(NO_STORE)
        given = await read_json(request, shape, limit=BODY_LIMIT)
        after = await _done(request, code, actor, lambda around: asked(given, around))
        return shown(desk_of(running_of(request)), after)

    act.__doc__ = asked.__doc__ or f"Note the {path} of a feedback."
    router.post(f"/{{code}}/{path}", name=f"{path}_of_complaint", openapi_extra=described(shape))(act)


async def _done(request: Request, code: str, actor: Actor, asked: Callable[[Surroundings], Asked]) -> Feedback:
    running = running_of(request)
    desk = desk_of(running)
    after: list[Feedback] = []

    async def do(connection: AsyncConnection) -> list[Outgoing]:
        feedback = await acting.get(connection, code, actor)
        action, act = asked(await _surroundings(connection, desk, feedback, actor))
        feedback, events = await acting.by_officer(
            connection,
            desk.office,
            code,
            act,
            actor=actor,
            action=action,
            now=running.clock.now(),
            headers=dict(request.headers),
        )
        after.append(feedback)
        return events

    await commit(running, do)
    if not after:
        raise HTTPException(503, "nothing was stored; try again later")
    return after[-1]


async def _surroundings(connection: AsyncConnection, desk: Desk, feedback: Feedback, actor: Actor) -> Surroundings:
    units = await reference.units(connection)
    dossier = desk.office.words(feedback)["dossier"]
    found = await reference.dossiers(connection, [dossier] if dossier else [])
    return Surroundings(desk.office, units, found.get(dossier or ""), actor)


def shown(desk: Desk, feedback: Feedback) -> dict[str, Any]:
    """Return a feedback for an officer who may see it; never its sender."""
    case = feedback.case
    return {
        "code": case.code,
        "revision": feedback.revision,
        "source": feedback.source,
        "filed_at": case.filed_at.astimezone(PROVINCE_ZONE),
        "kind": case.kind,
        "suspected": case.suspected,
        "decided_by": case.kind_by,
        "state": case.state,
        "field": case.field,
        "categories": case.categories,
        **desk.office.words(feedback),
        "procedure": feedback.procedure,
        "handler": case.handler,
        "restricted": case.restricted,
        "hides_identity": case.hides_identity,
        "anonymous": feedback.anonymous,
        "terms": [term.model_dump(mode="json") for term in case.terms],
        "moves": case.moves,
        "reopened": case.reopened,
        "rating": case.rating,
        "joined_to": case.joined_to,
        "remote": case.remote,
        "instance": case.instance,
        "answered_at": case.answered_at.astimezone(PROVINCE_ZONE) if case.answered_at else None,
        "answer": desk.office.answer(feedback),
        "published_at": case.published_at.astimezone(PROVINCE_ZONE) if case.published_at else None,
        "published_question": case.published_question,
        "published_answer": case.published_answer,
    }


_add_act("decision", Decided, officers_acts.decide)
_add_act("refusal", Said, officers_acts.refuse)
_add_act("acceptance", Said, officers_acts.accept)
_add_act("request", Said, officers_acts.ask)
_add_act("transfer", Moved, officers_acts.transfer)
_add_act("return", Said, officers_acts.not_ours)
_add_act("extension", Extended, officers_acts.extend)
_add_act("answer", Said, officers_acts.answer)
_add_act("publication", Published, officers_acts.publish)
_add_act("withdrawal", Said, officers_acts.withdraw)
_add_act("joining", Joined, officers_acts.join)
_add_act("separation", Said, officers_acts.separate)
