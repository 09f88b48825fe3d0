"""Who heads several units has all their lines at one desk; when that changes the lines change theirs. Their SQL.

`line.own_post` is the post of whose head a line is for, where another is the desk of that head. Before a slot news goes
over to the desk of today. Once a unit has a head of its own again, that head is told anew; who was told and is still at
the desk keeps what was told for the settlement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.addressing.directory import Directory
from services.notify.policies.policy import NEAR, NOTHING

INDEX = (
    "CREATE INDEX IF NOT EXISTS line_own_post ON notify.line (own_post, post) "
    "WHERE own_post IS NOT NULL AND post IS NOT NULL "
    "AND former = ''"
)
GIVEN = "unnest(CAST(:owns AS text[]), CAST(:posts AS text[])) AS p(own, post)"
SHARED = "own_post IS NOT NULL AND post IS NOT NULL AND former = ''"
SEATED = "l.own_post = p.own AND l.post = p.post AND l.former = '' AND l.own_post IS NOT NULL"
AWAY = f"{SEATED} AND l.news IS DISTINCT FROM 'settled'"


class Seat(NamedTuple):
    """own: the post for whose head lines are. post: the desk at which that head was told."""

    own: str
    post: str


async def is_any_shared(connection: AsyncConnection) -> bool:
    """Return whether a line is at another desk than its own unit's, so that it may have to leave with nothing due."""
    found = await connection.execute(text(f"SELECT EXISTS (SELECT FROM notify.line WHERE {SHARED})"))
    return bool(found.scalar_one())


async def leave(connection: AsyncConnection, units: Directory) -> bool:
    """Let lines leave the desks of those who do not head their units any more; says whether any may have to."""
    rows = await connection.execute(text(f"SELECT DISTINCT own_post, post FROM notify.line WHERE {SHARED}"))
    away = [seat for seat in (Seat(*row) for row in rows) if _is_away(units, seat)]
    if away:
        await _leave(connection, units, away)
    return bool(away)


async def join(connection: AsyncConnection, units: Directory, *, at: datetime) -> None:
    """Let news that is due go to the desk of who heads its unit today."""
    if units.desks:
        await connection.execute(
            text(
                f"UPDATE notify.line l SET own_post = coalesce(l.own_post, l.post), post = p.post FROM {GIVEN} "
                "WHERE l.news IS NOT NULL AND l.slot_at <= :at AND l.post = p.own AND p.own <> p.post"
            ),
            {"at": at, "owns": list(units.desks), "posts": list(units.desks.values())},
        )


def _is_away(units: Directory, seat: Seat) -> bool:
    """Return whether two posts have two heads now. Where neither has any, nobody is told of either here."""
    return units.desk(seat.own) != units.desk(seat.post) and (units.is_headed(seat.own) or units.is_headed(seat.post))


async def _leave(connection: AsyncConnection, units: Directory, away: Sequence[Seat]) -> None:
    """Let lines leave a desk. Who was told there and heads the unit still hears of it where it is now."""
    last = await _last_told(connection, {seat.post for seat in away})
    stay = [seat for seat in away if (contact := units.contact(seat.own)) and contact.email == last.get(seat.post)]
    there = [seat for seat in away if (contact := units.contact(seat.post)) and contact.email == last.get(seat.post)]
    await connection.execute(
        text(
            "SELECT id FROM notify.obligation WHERE id IN (SELECT l.obligation_id FROM notify.line l, "
            f"{GIVEN} WHERE {SEATED}) ORDER BY id FOR UPDATE"
        ),
        _given(away),
    )
    await connection.execute(
        text(
            "UPDATE notify.line l SET post = NULL, slot_at = NULL, held = '', own_post = NULL, "
            f"news = CASE WHEN told > {NEAR} THEN 'changed' ELSE 'new' END FROM {GIVEN} WHERE {AWAY}"
        ),
        _given(stay),
    )
    gone = [seat for seat in away if seat not in there]
    await connection.execute(
        text(
            "UPDATE notify.line l SET post = l.own_post, slot_at = NULL, held = '', own_post = NULL "
            f"FROM {GIVEN} WHERE {SEATED} AND l.news = 'settled'"
        ),
        _given(gone),
    )
    await _hand_over(connection, away, there=there)


async def _hand_over(connection: AsyncConnection, away: Sequence[Seat], *, there: Sequence[Seat]) -> None:
    """Let what was told wait at the desk for its settlement, and who heads the unit now be told anew.

    there: where who was told is still at the desk. Nobody else hears there of another unit's matter.
    """
    await connection.execute(
        text(
            "INSERT INTO notify.line (obligation_id, role, level, told, post, former, told_at_once) "
            "SELECT l.obligation_id, l.role, l.told, l.told, l.post, l.post, l.told_at_once "
            f"FROM notify.line l, {GIVEN} WHERE {AWAY} AND l.told > {NEAR} AND l.role <> 'receiving' "
            "ON CONFLICT (obligation_id, role, former) DO UPDATE SET level = excluded.level, told = excluded.told, "
            "news = NULL, slot_at = NULL, held = '', post = excluded.post, told_at_once = excluded.told_at_once"
        ),
        _given(there),
    )
    await connection.execute(
        text(
            f"UPDATE notify.line l SET told = {NOTHING}, told_at_once = false, news = 'new', post = NULL, "
            f"slot_at = NULL, held = '', own_post = NULL FROM {GIVEN} WHERE {AWAY}"
        ),
        _given(away),
    )


def _given(seats: Sequence[Seat]) -> dict[str, list[str]]:
    return {"owns": [seat.own for seat in seats], "posts": [seat.post for seat in seats]}


async def _last_told(connection: AsyncConnection, posts: Iterable[str]) -> dict[str, str]:
    """Return to what address the last mail of each post went."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT ON (post) post, recipient FROM notify.notice WHERE post = ANY(:posts) "
            "AND channel = 'email' AND kind IN ('digest', 'at_once') AND instead_of = '' AND recipient <> '' "
            "ORDER BY post, slot DESC"
        ),
        {"posts": sorted(posts)},
    )
    return {row.post: row.recipient for row in rows}
