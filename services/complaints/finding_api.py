"""HTTP for officers: search, what may be the same matter, many reports about one unit or officer."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import permissions, store
from services.complaints.asking import NO_STORE, Asking, commit, no_page, running_of, seen
from services.complaints.finding import duplicates, pattern_store, patterns, query, searching
from services.complaints.finding.store import Visible
from services.complaints.permissions import Actor
from shared.cloudevents import Outgoing

router = APIRouter(prefix="/v1/complaints", tags=["complaints"])
Moment = Annotated[datetime | None, Query()]
Word = Annotated[str | None, Query(max_length=80)]


def may_find(actor: Actor) -> Visible:
    return Visible(*permissions.may_find(actor))


@router.get("/search")
async def search(
    request: Request,
    response: Response,
    actor: Asking,
    q: Annotated[str, Query(max_length=query.LONGEST)] = "",
    handler: Word = None,
    state: Word = None,
    kind: Word = None,
    since: Moment = None,
    until: Moment = None,
    before: Annotated[str | None, Query(max_length=80)] = None,
    limit: Annotated[int, Query(ge=1, le=searching.MOST)] = 50,
) -> dict[str, Any]:
    """Search the words of feedback that is not under seal, the newest first.

    q: words, "phrases", -words to leave out, a beginning of the last word; with accents only what has them.
    """
    response.headers.update(NO_STORE)
    if any(at and at.tzinfo is None for at in (since, until)):
        raise HTTPException(422, "since, until: give a time with its offset, such as 2026-11-20T09:00:00+07:00")
    filters = searching.Filters(handler=handler, state=state, kind=kind, since=since, until=until)
    try:
        wanted = query.read(q)
    except query.QueryTooLongError as error:
        raise HTTPException(422, f"q: {error}") from None
    async with running_of(request).engine.connect() as connection:
        ended = await store.find_visible(connection, actor, before) if before is not None else None
        if before is not None and ended is None:
            raise no_page("before")
        page = await searching.search(
            connection, wanted, visible=may_find(actor), filters=filters, before=ended, limit=limit
        )
    return {
        "found": [{name: value for name, value in asdict(one).items() if name != "complaint_id"} for one in page.found],
        "next": page.found[-1].code if page.next is not None else None,
    }


@router.get("/{code}/duplicates")
async def list_duplicates(request: Request, response: Response, code: str, actor: Asking) -> dict[str, Any]:
    """Say which other feedback may be of the same matter, and why; nothing of what is under seal."""
    response.headers.update(NO_STORE)
    async with running_of(request).engine.connect() as connection:
        feedback = await seen(connection, code, actor)
        found = await duplicates.suggest_duplicates(connection, feedback.id, visible=may_find(actor))
    return {"duplicates": [asdict(one) for one in found]}


@router.get("/patterns")
async def list_patterns(
    request: Request,
    response: Response,
    actor: Asking,
    closed: bool = False,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """List units and officers about whom there are many reports within the time that the rules set."""
    response.headers.update(NO_STORE)
    async with running_of(request).engine.connect() as connection:
        found = await pattern_store.list_patterns(
            connection, visible=_may_see(actor), closed=closed, before=before, limit=limit
        )
    return {
        "patterns": [_shown(one) for one in found],
        "next": found[-1].code if len(found) == limit else None,
    }


@router.post("/patterns/{code}/closing")
async def close_pattern(request: Request, code: str, actor: Asking) -> dict[str, Any]:
    """Close a pattern that was looked into; it opens again when it grows by half."""
    running, closed = running_of(request), list[pattern_store.Pattern | None]()

    async def close(connection: AsyncConnection) -> list[Outgoing]:
        at = running.clock.now()
        closed.append(await pattern_store.close(connection, code, visible=_may_see(actor), at=at))
        return []

    await commit(running, close)
    if closed[-1] is None:
        raise HTTPException(404, "no such pattern stands, or it is not yours to see")
    return _shown(closed[-1])


def _shown(pattern: pattern_store.Pattern) -> dict[str, Any]:
    """Return a pattern without the id of its row: gaps would tell how many are hidden."""
    return {name: value for name, value in asdict(pattern).items() if name != "id"}


def _may_see(actor: Actor) -> Visible:
    everywhere = not actor.roles.isdisjoint(("operator", "sorter", "inspector"))
    return patterns.seen_by(
        ids=actor.names,
        units=None if everywhere else sorted(actor.own),
        restricted=not actor.roles.isdisjoint(("inspector", "confidant")),
    )
