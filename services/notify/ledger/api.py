"""The ledger over HTTP: how the morning's census compares with what was pressed, and why one matter was or was not."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.ledger import groups, history, levels, looking, store
from services.notify.ledger.standing import standing
from services.notify.modes import modes
from services.notify.pressing import in_force
from services.notify.pressing.pressing import Pressed
from services.notify.pressing.rules import Rules
from services.notify.settings import Mode
from shared.cloudevents import Outgoing
from shared.http import KEY
from shared.service import Running

After = Annotated[str, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=1000)]


def routes(rules: Rules, environment: Mode) -> APIRouter:
    """Return the routes. environment: the sending mode of the settings."""
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=KEY)

    @router.get("/ledger")
    async def ledger(request: Request, after: After = "", limit: Limit = 200) -> dict[str, Any]:
        """Tell how the newest census compares, and what differs. `next`: what to send as `after` for the next page."""
        running: Running = request.app.state.running
        async with running.engine.connect() as connection:
            return await _told(connection, running, after=after, limit=limit)

    @router.post("/ledger/look")
    async def look(request: Request, limit: Limit = 200) -> dict[str, Any]:
        """Look now at what differed, and tell what still does. What differs for 15 minutes stands, and is an alarm."""
        running: Running = request.app.state.running

        async def work(connection: AsyncConnection) -> list[Outgoing]:
            await looking.look(connection, running.clock.now(), mode=environment, asked=True)
            return []

        await running.commit(work, cause="request")
        async with running.engine.connect() as connection:
            return await _told(connection, running, after="", limit=limit)

    @router.get("/obligations/{id:path}/pressing")
    async def pressing(request: Request, id: str) -> dict[str, Any]:
        """Tell of one obligation what became of each level, whom it concerns, and every notice that tells of it."""
        running: Running = request.app.state.running
        async with running.engine.connect() as connection:
            found = await history.find(connection, id)
            if found is None:
                raise HTTPException(
                    404, "notify has not heard of it; its id is `<kind>/<code>`, such as `dossier/<MaHoSo>`"
                )
            return await _pressing(connection, found, running, rules=rules, environment=environment)

    return router


async def _told(connection: AsyncConnection, running: Running, *, after: str, limit: int) -> dict[str, Any]:
    found = await store.list_differences(connection, after=after, limit=limit)
    return {
        "census": await store.newest(connection),
        "differences": await store.count_differences(connection),
        "standing": await store.count_standing(connection, now=running.clock.now()),
        "obligations": found,
        "next": found[-1]["obligation_id"] if len(found) == limit else None,
    }


async def _pressing(
    connection: AsyncConnection, found: Pressed, running: Running, *, rules: Rules, environment: Mode
) -> dict[str, Any]:
    of, at = found.obligation, running.clock.now()
    rules = await in_force.rules_at(connection, rules, at=at)
    notices = await history.list_notices(connection, of.obligation_id)
    group = await groups.get_group(connection, of.obligation_id, at=at)
    paused = (await modes.get(connection, default=environment)).paused
    told = [notice["level"] for notice in notices if notice["news"] != "settled"]
    return {
        "obligation_id": of.obligation_id,
        "kind": of.kind,
        "unit": found.unit,
        "state": of.state,
        "due_at": of.due_at,
        "backlog": of.backlog,
        "revision": of.revision,
        "standing": standing(group.facts, paused=paused) if group.known == "same" else "not_overdue",
        "raised": found.raised if found.raised >= 0 else None,
        "raised_at": found.raised_at,
        "closed_at": found.closed_at,
        "levels": levels.outcomes(rules.steps(of, found.meant), raised=found.raised, told=told, at=at),
        "lines": await history.list_lines(connection, of.obligation_id),
        "notices": notices,
    }
