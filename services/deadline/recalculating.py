"""Walks over all obligations, in the background and with progress: to reckon open ones anew, to say all again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline import acts, counting, moves, reference_store, said_store, store
from services.deadline.acts import RECALCULATE, REPUBLISH, Act
from services.deadline.reference import Reference, Row
from services.deadline.refolding import put_folded, say
from services.deadline.store import Matter, Put
from shared import db, quarantine
from shared.clock import PROVINCE_ZONE, machine_now
from shared.cloudevents import Outgoing
from shared.events import DueChange, ObligationChanged
from shared.instants import canonical
from shared.logs import log, told
from shared.service import Running

CHUNK = 500  # matters of one transaction: they are locked while it lasts
IDLE_S = 2.0  # between two looks for work
BECAUSE: Mapping[str, DueChange] = {"calendar": "calendar", "procedure": "procedure", "unit": "directory"}


async def ask(connection: AsyncConnection, before: Reference, after: Reference, new: Sequence[Row]) -> None:
    """Ask for a walk over the open obligations that new reference data may move. One that waits takes more on."""
    by_kind: dict[str, list[str]] = {}
    for row in new:
        by_kind.setdefault(row.kind, []).append(row.name)
    for kind, names in by_kind.items():
        if kind == "unit" and before.units == after.units and before.marks() == after.marks():
            continue
        if kind == "unit" and not await store.is_any_open(connection):  # the directory's first load
            continue
        detail = {"procedures": sorted(names)} if kind == "procedure" else {}
        waiting = await acts.lock_unfinished(connection, RECALCULATE, subject=BECAUSE[kind])
        if waiting:
            also = waiting.detail.get("procedures", ())
            await acts.begin_again(connection, waiting, detail={"procedures": sorted({*names, *also})} if also else {})
        else:
            await _add(connection, RECALCULATE, subject=BECAUSE[kind], detail=detail)


async def walk_for_ever(running: Running) -> None:
    """Carry out what was asked for, a transaction at a time; a crash costs the one in hand.

    Where a page fails its matters are walked one by one, and one that fails alone is put into quarantine and passed
    over: it must not hold up the others, nor be forgotten.
    """
    one_by_one = 0  # so many are left of a page that failed
    while True:
        worked = True
        try:
            worked = await walk(running, limit=1 if one_by_one else CHUNK)
            one_by_one = max(one_by_one - 1, 0)
        except Exception as error:
            if db.is_transient(error):
                log.warning("walk_waits", error=told(error))
                worked = False
            elif not one_by_one:
                log.warning("walk_one_by_one", error=type(error).__name__)
                one_by_one = CHUNK
            else:
                log.error("matter_not_reckoned", exc_info=error)
                worked = await _pass_over(running, error)
        if not worked:
            await asyncio.sleep(IDLE_S)


async def walk(running: Running, *, limit: int) -> bool:
    """Take one step of the oldest unfinished walk; says whether there was one. limit: matters of the step."""
    worked = False
    async with running.engine.connect() as connection:
        if not await acts.count_unfinished(connection):
            return False

    async def step(connection: AsyncConnection) -> list[Outgoing]:
        nonlocal worked
        known = await reference_store.current(connection)  # before the act's row: who changes it locks in this order
        act = await acts.lock_next(connection, (RECALCULATE, REPUBLISH))
        if act is None:
            return []
        worked, now = True, running.clock.now()
        if act.act == RECALCULATE:
            events = await _recalculate(connection, act, known=known, now=now, limit=limit)
        else:
            events = await _republish(connection, act, now=now, limit=limit)
        await counting.tally(connection, events, now=now)
        return events

    await running.commit(step, cause="walk")
    await running.relay.catch_up()
    return worked


async def _pass_over(running: Running, error: Exception) -> bool:
    """Put the matter that a recalculation stands before into quarantine, and let the walk go on behind it.

    returns: False where it is no recalculation that cannot go on: there no matter is at fault. It waits behind those.
    """
    passed = False

    async def step(connection: AsyncConnection) -> list[Outgoing]:
        nonlocal passed
        act = await acts.lock_next(connection, (RECALCULATE, REPUBLISH))
        if act and act.act == RECALCULATE:
            passed = True
            page = await store.list_matters(connection, after=act.cursor, limit=1, open_only=True)
            entries = [
                quarantine.Entry(
                    "deadline", "not_reckoned", told(error), f"job {act.id}/{id}", machine_now(), id.encode()
                )
                for id in page
            ]
            await quarantine.add(connection, "deadline", entries)
            await acts.go_on(connection, act, cursor=max(page, default=None), done=len(page), changed=0)
        return []

    await running.commit(step, cause="walk")
    return passed


async def _recalculate(
    connection: AsyncConnection, act: Act, *, known: Reference, now: datetime, limit: int
) -> list[Outgoing]:
    """Reckon a page of open matters anew; what moved keeps its old value and the reason."""
    if not act.cursor:
        await acts.set_total(connection, act, total=await store.count_matters(connection))
    page = await store.list_matters(connection, after=act.cursor, limit=limit, open_only=True, lock=True)
    touched = {id: put for id, put in page.items() if _concerns(act, put)}
    because: Any = act.subject
    said = await said_store.list_said(connection, list(touched))
    done = await put_folded(
        connection,
        {id: Matter(put.obligation, put.parts) for id, put in touched.items()},
        said,
        {id: put.trace for id, put in touched.items()},
        known=known,
        now=now,
        because=because,
    )
    moved = [(old, new) for old, new in done.moved if moves.is_move(old, new)]
    await moves.add(connection, moved, because=because, at=now)
    await acts.go_on(connection, act, cursor=max(page, default=None), done=len(page), changed=len(moved))
    return done.events


def _concerns(act: Act, put: Put) -> bool:
    procedures = act.detail.get("procedures")
    return procedures is None or put.obligation["procedure"] in procedures


async def _republish(connection: AsyncConnection, act: Act, *, now: datetime, limit: int) -> list[Outgoing]:
    """Say a page of present states again, with their revisions: hearers that know them ignore them."""
    since = act.detail.get("since")
    since_at = datetime.fromisoformat(since) if since else None
    if not act.cursor:
        await acts.set_total(connection, act, total=await store.count_obligations(connection, since=since_at))
    page = await store.list_states(connection, after=act.cursor, limit=limit, since=since_at)
    last = page[-1].obligation["obligation_id"] if page else None
    await acts.go_on(connection, act, cursor=last, done=len(page), changed=0)
    return [say(ObligationChanged, put.obligation, now=now, trace=put.trace, again=act.id) for put in page]


async def ask_to_republish(connection: AsyncConnection, *, since: datetime | None) -> int:
    """Ask for every present state to be said again, or those that changed since; returns the id of the walk."""
    detail = {"since": since.isoformat()} if since else {}
    return await _add(connection, REPUBLISH, subject="", detail=detail)


async def ask_for_turns(connection: AsyncConnection, *, after: datetime, until: datetime) -> None:
    """Ask for a walk for each day up to `until` on which units gave way to others, so that what is open goes over."""
    known = await reference_store.newest(connection)
    days = known.units.turns(after=canonical(after)[:10], until=canonical(until)[:10])
    if days:
        slot = datetime.combine(date.fromisoformat(days[-1]), time(), PROVINCE_ZONE)
        await acts.add(connection, RECALCULATE, subject="directory", slot=slot, detail={}, finished=False)


async def _add(connection: AsyncConnection, act: str, *, subject: str, detail: dict[str, Any]) -> int:
    """Add a walk; its slot is the moment it was asked for, the next one where another was asked for in the same."""
    while True:
        slot = machine_now()
        id = await acts.add(connection, act, subject=subject, slot=slot, detail=detail, finished=False)
        if id is not None:
            return id
