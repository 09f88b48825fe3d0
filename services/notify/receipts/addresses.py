"""Addresses and numbers that refuse what is sent to them: the table and its SQL.

An address is known by its mark alone, a keyed hash; who it belongs to is said by unit and role.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases
from services.notify.cases import Case
from shared.events import NoticeChannel

DDL = """
    CREATE TABLE IF NOT EXISTS {schema}.failing_address (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        mark text NOT NULL UNIQUE,
        channel text NOT NULL,
        unit text NOT NULL,
        role text NOT NULL,
        failures integer NOT NULL,
        reason text NOT NULL,
        failed_at timestamptz NOT NULL,
        dead_at timestamptz,
        noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
"""  # failures: in a row; failed_at, dead_at: business time, dead_at null: not dead yet; noted_at: machine time


async def failed(
    connection: AsyncConnection,
    mark: str,
    *,
    channel: NoticeChannel,
    unit: str,
    role: str,
    reason: str,
    for_good: bool,
    dead_after: int,
    at: datetime,
) -> None:
    """Count a failure of an address, and open a case where that makes it a dead one.

    for_good: the provider says that there is no such address.
    """
    if not mark:
        return
    rows = await connection.execute(
        text(
            "INSERT INTO notify.failing_address AS a (mark, channel, unit, role, failures, reason, failed_at, dead_at) "
            "VALUES (:mark, :channel, :unit, :role, 1, :reason, :at, CASE WHEN :for_good OR :dead_after <= 1 THEN "
            "CAST(:at AS timestamptz) END) ON CONFLICT (mark) DO UPDATE SET failures = a.failures + 1, "
            "unit = excluded.unit, role = excluded.role, reason = excluded.reason, failed_at = excluded.failed_at, "
            "noted_at = clock_timestamp(), dead_at = coalesce(a.dead_at, CASE WHEN :for_good "
            "OR a.failures + 1 >= :dead_after THEN CAST(:at AS timestamptz) END) RETURNING id, dead_at"
        ),
        {
            "mark": mark, "channel": channel, "unit": unit, "role": role, "reason": reason[:200], "at": at,
            "for_good": for_good, "dead_after": dead_after,
        },
    )  # fmt: skip
    row = rows.one()
    if row.dead_at:
        detail = f"{channel} of the unit's {role}: {reason[:100]}"
        await cases.open_all(connection, [Case("dead_address", _subject(row.id), unit=unit, detail=detail)], at=at)


def _subject(id: int) -> str:
    """Return the subject of an address's case."""
    return f"address/{id}"


async def dead(connection: AsyncConnection, marks: Collection[str]) -> set[str]:
    """Return which of these addresses are dead."""
    if not marks:
        return set()
    rows = await connection.execute(
        text("SELECT mark FROM notify.failing_address WHERE dead_at IS NOT NULL AND mark = ANY(:marks)"),
        {"marks": list(marks)},
    )
    return set(rows.scalars())


async def arrived(connection: AsyncConnection, marks: Collection[str], *, at: datetime) -> None:
    """Forget the failures of addresses at which something arrived."""
    await _clear(connection, "mark = ANY(:marks)", {"marks": list(marks)}, outcome="delivered", at=at)


async def revive(connection: AsyncConnection, id: int, *, at: datetime) -> bool:
    """Forget the failures of one address at the operator's word; returns whether it was known."""
    return bool(await _clear(connection, "id = :id", {"id": id}, outcome="revived", at=at))


async def replaced(connection: AsyncConnection, marks: Collection[str], *, at: datetime) -> None:
    """Forget failing addresses that the directory does not give any more."""
    await _clear(connection, "mark = ANY(:marks)", {"marks": sorted(marks)}, outcome="replaced", at=at)


async def _clear(connection: AsyncConnection, which: str, values: dict[str, Any], *, outcome: str, at: datetime) -> int:
    rows = await connection.execute(
        text(f"DELETE FROM notify.failing_address WHERE {which} RETURNING id, dead_at"), values
    )
    gone = rows.all()
    subjects = [_subject(row.id) for row in gone if row.dead_at]
    if subjects:
        await cases.close(connection, "dead_address", subjects, outcome=outcome, at=at)
    return len(gone)


async def list_failing(connection: AsyncConnection) -> set[str]:
    rows = await connection.execute(text("SELECT mark FROM notify.failing_address"))
    return set(rows.scalars())


async def list_dead(connection: AsyncConnection, *, after: int, limit: int) -> Sequence[dict[str, Any]]:
    """Return dead addresses by id, behind `after`: whose they are, never what they are."""
    rows = await connection.execute(
        text(
            "SELECT id, channel, unit, role, failures, reason, failed_at, dead_at, noted_at "
            "FROM notify.failing_address WHERE dead_at IS NOT NULL AND id > :after ORDER BY id LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]
