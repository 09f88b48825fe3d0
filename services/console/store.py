"""The console's tables and all of their SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.overview import Fresh, Group, Notice
from shared.directory import Unit

NOTICES_SHOWN = 20


@dataclass(frozen=True)
class Table:
    """A copy of what one kind of event says. columns: name and type, the first is the key; each is also a field."""

    name: str
    columns: Mapping[str, str]

    @property
    def key(self) -> str:
        return next(iter(self.columns))


OBLIGATION = Table(
    "obligation",
    {
        "obligation_id": "text",
        "revision": "integer",
        "kind": "text",
        "unit": "text",
        "unit_name": "text",
        "due_at": "timestamptz",
        "near_at": "timestamptz",
        "state": "text",
        "timing": "text",
        "end": "text",
    },
)
COMPLAINT = Table("complaint", {"code": "text", "revision": "integer", "answered_at": "timestamptz"})
ESCALATION = Table(
    "escalation",
    {"obligation_id": "text", "revision": "integer", "level": "integer", "closed_at": "timestamptz"},
)
NOTICE = Table(
    "notice",
    {
        "notice_id": "text",
        "revision": "integer",
        "unit": "text",
        "role": "text",
        "channel": "text",
        "slot": "timestamptz",
        "status": "text",
        "reason": "text",
        "items": "integer",
        "sent_at": "timestamptz",
    },
)
UNIT = Table("unit", {"code": "text", "revision": "integer", "name": "text", "aliases": "jsonb", "active": "boolean"})


async def put(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the highest revision of each row's key; equal and lower ones change nothing."""
    newest: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        known = newest.get(row[table.key])
        if known is None or known["revision"] < row["revision"]:
            newest[row[table.key]] = row
    if not newest:
        return
    ordered = [newest[key] for key in sorted(newest)]
    columns = list(table.columns)
    quoted = [f'"{name}"' for name in columns]  # `end` is a word of SQL
    arrays = ", ".join(f"CAST(:{name} AS {table.columns[name]}[])" for name in columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in quoted[1:])
    await connection.execute(
        text(
            f"INSERT INTO console.{table.name} AS known ({', '.join(quoted)}) SELECT * FROM unnest({arrays}) "
            f"ON CONFLICT ({table.key}) DO UPDATE SET {changes} WHERE known.revision < excluded.revision"
        ),
        {name: [row[name] for row in ordered] for name in columns},
    )


async def mark_fresh(
    connection: AsyncConnection, kind: Literal["stream", "source"], ats: Mapping[str, datetime]
) -> None:
    """Note up to when each stream or source has been heard; never moves back."""
    await connection.execute(
        text(
            "INSERT INTO console.fresh AS known SELECT :kind, name, at "
            "FROM unnest(CAST(:names AS text[]), CAST(:ats AS timestamptz[])) AS t(name, at) "
            "ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at WHERE known.at < excluded.at"
        ),
        {"kind": kind, "names": sorted(ats), "ats": [ats[name] for name in sorted(ats)]},
    )


async def count_obligations(connection: AsyncConnection, now: datetime) -> list[Group]:
    """Count by the unit's words as the events have them; which unit they mean is decided afterwards.

    While paused nothing falls due: a paused matter is overdue only if it was so when the pause began. What turned out
    not to be is void, and ended neither in time nor late.
    """
    ended = "state = 'ended' AND \"end\" IS DISTINCT FROM 'void'"
    overdue = "state = 'open' AND due_at < :now OR state = 'paused' AND timing = 'overdue'"
    rows = await connection.execute(
        text(
            "SELECT unit, unit_name, kind, count(*) FILTER (WHERE state = 'open'), "
            "count(*) FILTER (WHERE state = 'paused'), "
            "count(*) FILTER (WHERE state = 'open' AND near_at <= :now AND due_at >= :now), "
            f"count(*) FILTER (WHERE {overdue}), min(due_at) FILTER (WHERE {overdue}), "
            f"count(*) FILTER (WHERE {ended} AND timing IN ('early', 'on_time')), "
            f"count(*) FILTER (WHERE {ended} AND timing = 'late') "
            "FROM console.obligation GROUP BY unit, unit_name, kind"
        ),
        {"now": now},
    )
    return [Group._make(row) for row in rows]


async def list_units(connection: AsyncConnection) -> list[Unit]:
    rows = await connection.execute(text("SELECT code, name, aliases, active FROM console.unit ORDER BY code"))
    return [Unit(row.code, row.name, tuple(row.aliases), row.active) for row in rows]


async def list_notices(connection: AsyncConnection) -> list[Notice]:
    """Return the latest notices, the newest slot first."""
    rows = await connection.execute(
        text(
            "SELECT slot, unit, role, items, status, reason, sent_at FROM console.notice "
            "ORDER BY slot DESC, notice_id LIMIT :shown"
        ),
        {"shown": NOTICES_SHOWN},
    )
    return [Notice._make(row) for row in rows]


async def count_notices(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(text("SELECT status, count(*) AS notices FROM console.notice GROUP BY status"))
    return {row.status: row.notices for row in rows}


async def count_escalations(connection: AsyncConnection) -> dict[int, int]:
    """Count what is being pressed for, by the level reached."""
    rows = await connection.execute(
        text(
            "SELECT level, count(*) AS pressed FROM console.escalation WHERE closed_at IS NULL "
            "GROUP BY level ORDER BY level"
        )
    )
    return {row.level: row.pressed for row in rows}


async def count_waiting_complaints(connection: AsyncConnection) -> int:
    rows = await connection.execute(text("SELECT count(*) FROM console.complaint WHERE answered_at IS NULL"))
    return int(rows.scalar_one())


async def list_fresh(connection: AsyncConnection) -> list[Fresh]:
    """Return up to when each stream and source was heard; of INTAKE only the directory is, which ages well."""
    rows = await connection.execute(
        text("SELECT kind, name, at FROM console.fresh WHERE (kind, name) <> ('stream', 'INTAKE') ORDER BY kind, name")
    )
    return [Fresh._make(row) for row in rows]
