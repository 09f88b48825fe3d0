"""Reckons the timers of all that is open anew, a page at a time, once another policy or calendar is in force."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import occasions, store
from services.notify.addressing import store as addressing
from services.notify.answering import store as answers
from services.notify.pressing import in_force, pressing
from services.notify.pressing.rules import Rules
from services.notify.sweeping import reporting
from shared.logs import log

NOTHING_YET = ""


class Marks(NamedTuple):
    """What timers are reckoned by: fingerprint of the policy and version of the calendars."""

    policy: str
    calendars: str


_announced: WeakKeyDictionary[Engine, Marks] = WeakKeyDictionary()


async def look(connection: AsyncConnection, rules: Rules, *, at: datetime, limit: int) -> bool:
    """Reckon timers anew, a page at a time, once other rules are in force; says whether it did.

    What was raised stays raised; a level above that is reached already by the rules now is due at once.
    """
    marks = await _marks(connection, rules, at=at)
    row = (
        await connection.execute(text("SELECT policy, calendars, next_at, cursor FROM notify.in_force"))
    ).one_or_none()
    engine = connection.engine.sync_engine
    next_at = rules.policies.next_at(at) if rules.policies else None
    if row and Marks(row.policy, row.calendars) == marks:
        _announced[engine] = marks
        if row.next_at != next_at:
            await connection.execute(text("UPDATE notify.in_force SET next_at = :next_at"), {"next_at": next_at})
    elif row is None or _announced.get(engine) != marks:
        await _enter(connection, marks, rules, at=at, next_at=next_at)
    else:  # another copy went by another file since: it is not argued with, and walks by itself
        return False
    return await _walk(connection, rules, at=at, limit=limit)


async def _marks(connection: AsyncConnection, rules: Rules, *, at: datetime) -> Marks:
    known = await in_force.get_calendars(connection, rules, at=at)
    return Marks(rules.policy.fingerprint, known.version if known else rules.calendar.version)


async def _enter(
    connection: AsyncConnection, marks: Marks, rules: Rules, *, at: datetime, next_at: datetime | None
) -> None:
    await connection.execute(
        text(
            "INSERT INTO notify.in_force (policy, calendars, since, next_at, cursor) "
            "VALUES (:policy, :calendars, :at, :next_at, :begin) ON CONFLICT (single) DO UPDATE SET "
            "policy = excluded.policy, calendars = excluded.calendars, since = excluded.since, "
            "next_at = excluded.next_at, cursor = excluded.cursor"
        ),
        {**marks._asdict(), "at": at, "next_at": next_at, "begin": NOTHING_YET},
    )
    await addressing.forget_slots(connection, at=at)
    await occasions.forget(connection, reporting.ACT, after=at)
    log.info("rules_in_force", policy=rules.policy.version, fingerprint=marks.policy, calendars=marks.calendars)


async def _walk(connection: AsyncConnection, rules: Rules, *, at: datetime, limit: int) -> bool:
    """Take the next page of what is open, if a walk is under way."""
    cursor = (
        await connection.execute(text("SELECT cursor FROM notify.in_force WHERE cursor IS NOT NULL FOR UPDATE"))
    ).scalar_one_or_none()
    if cursor is None:
        return False
    locked = await store.lock_open(connection, after=cursor, limit=limit)
    page = list((await answers.with_stays(connection, {one.obligation.obligation_id: one for one in locked})).values())
    anew = [pressing.reckoned(pressed, rules=rules, at=at) for pressed in page]
    changed = [new for old, new in zip(page, anew, strict=True) if new != old]
    if changed:
        await store.put_obligations(connection, changed, anew=False)
    ended = len(page) < limit
    await connection.execute(
        text("UPDATE notify.in_force SET cursor = :cursor"),
        {"cursor": None if ended else page[-1].obligation.obligation_id},
    )
    return True
