"""Makes notices anew that nobody took: from the present state, under the same id, or not at all if nothing is left.

Waiting is machine time, as delivery's; what the text says is of business time. Never while a notice is leased.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import saying
from services.notify.addressing import store as addressing
from services.notify.addressing.directory import Directory
from services.notify.pressing import in_force
from services.notify.pressing.rules import Rules
from services.notify.stored import Notice
from services.notify.sweeping import digesting, waiting
from services.notify.sweeping.waiting import Waiting
from services.notify.telling import rendering
from services.notify.telling.entries import Entry
from shared import db, metrics
from shared.cloudevents import Outgoing
from shared.logs import log, told
from shared.service import Running

EVERY_S = 60
AT_ONCE = 20  # a digest may cover thousands of matters


async def refresh_for_ever(running: Running, *, rules: Rules) -> None:
    """Look now and then for notices that wait too long, for ever; failures of the database are waited out."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            more = True
            while more:
                made: list[Outgoing] = []

                async def work(connection: AsyncConnection, made: list[Outgoing] = made) -> list[Outgoing]:
                    made += await refresh(connection, at=running.clock.now(), rules=rules)
                    return made

                await running.commit(work, cause="refreshing")
                more = len(made) == AT_ONCE
        except Exception as error:
            if not db.is_transient(error):
                raise
            log.warning("refreshing_waits", error=told(error))


async def refresh(connection: AsyncConnection, *, at: datetime, rules: Rules) -> list[Outgoing]:
    """Make some notices anew that no relay took within half an hour, or withdraw them."""
    stale = await waiting.lock_stale(connection, limit=AT_ONCE)
    if not stale:
        return []
    rules = await in_force.rules_at(connection, rules, at=at)
    units = await addressing.get_directory(connection, policy=rules.policy, at=at)
    left = await waiting.left_of(connection, [one.id for one in stale])
    await waiting.forget_untold(connection, [one.id for one in stale])
    readable = {one.id: [e for e, who in left.get(one.id, ()) if units.may_read(one.post, who)] for one in stale}
    again = await _again(connection, stale, readable, units=units, at=at, rules=rules)
    gone = [one.id for one in stale if one.id not in again]
    states = [
        *await waiting.put_again(connection, list(again.values())),
        *await waiting.withdraw(connection, gone),
    ]
    await waiting.put_items(connection, {id: readable[id] for id in again})
    for state in states:
        metrics.notices.labels(state["channel"], "withdrawn" if state["status"] == "withdrawn" else "again").inc()
    return [saying.notice(state, at=at, traces=()) for state in states]


async def _again(
    connection: AsyncConnection,
    stale: Sequence[Waiting],
    entries: dict[str, list[Entry]],
    *,
    units: Directory,
    at: datetime,
    rules: Rules,
) -> dict[str, Notice]:
    """Return the notices of which something is left, made from the present state, by id."""
    matters = partial(rendering.matters, rules=rules)
    every = {
        one.id: matters(one.post, one.slot, entries[one.id], kind=one.kind, id=one.id)
        for one in stale
        if entries[one.id]
    }
    present = await digesting.gather(connection, list(every.values()), units=units, at=at, rules=rules)
    made: dict[str, Notice] = {}
    for one in stale:
        if of := every.get(one.id):
            made[one.id] = waiting.as_it_was(rendering.by(one.channel, of, present), one)
    return made
