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
# what is owed in a feedback beside its answer is told apart by the last word of its id
KIND = "CASE WHEN kind = 'answer' AND split_part(obligation_id, '/', 3) <> '' THEN 'answer/' || \
split_part(obligation_id, '/', 3) ELSE kind END"
UNIT_WORD, NAME_WORD = "coalesce(unit_code, unit)", "CASE WHEN unit_code IS NULL THEN unit_name END"


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
        "unit_code": "text",
        "due_at": "timestamptz",
        "near_at": "timestamptz",
        "state": "text",
        "timing": "text",
        "end": "text",
        "confidential": "boolean",
    },
)
COMPLAINT = Table(
    "complaint",
    {
        "code": "text",
        "revision": "integer",
        "answered_at": "timestamptz",
        "state": "text",
        "restricted": "boolean",
    },
)
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
UNIT = Table(
    "unit",
    {
        "code": "text",
        "revision": "integer",
        "name": "text",
        "aliases": "jsonb",
        "active": "boolean",
        "valid_from": "date",
        "valid_until": "date",
        "successors": "jsonb",
    },
)

SENDING = Table("sending", {"what": "text", "revision": "integer", "mode": "text", "paused": "boolean"})  # one row


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
    """Count by the unit that deadline found, else by its words as the events have them, which are resolved afterwards.

    While paused nothing falls due: a paused matter is overdue only if it was so when the pause began. What turned out
    not to be is void, and ended neither in time nor late. What is confidential is in no count.
    """
    ended = "state = 'ended' AND \"end\" IS DISTINCT FROM 'void'"
    overdue = "state = 'open' AND due_at < :now OR state = 'paused' AND timing = 'overdue'"
    rows = await connection.execute(
        text(
            f"SELECT {UNIT_WORD} AS word, {NAME_WORD} AS name, {KIND} AS thing, "
            "count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'paused'), "
            "count(*) FILTER (WHERE state = 'open' AND near_at <= :now AND due_at >= :now), "
            f"count(*) FILTER (WHERE {overdue}), min(due_at) FILTER (WHERE {overdue}), "
            f"count(*) FILTER (WHERE {ended} AND timing IN ('early', 'on_time')), "
            f"count(*) FILTER (WHERE {ended} AND timing = 'late') "
            "FROM console.obligation WHERE NOT confidential GROUP BY word, name, thing"
        ),
        {"now": now},
    )
    return [Group._make(row) for row in rows]


async def list_units(connection: AsyncConnection) -> list[Unit]:
    rows = await connection.execute(
        text(
            "SELECT code, name, aliases, active, CAST(valid_from AS text) AS since, "
            "CAST(valid_until AS text) AS until, successors FROM console.unit ORDER BY code"
        )
    )
    return [
        Unit(row.code, row.name, tuple(row.aliases), row.active, row.since, row.until, tuple(row.successors))
        for row in rows
    ]


async def list_notices(connection: AsyncConnection) -> list[Notice]:
    """Return the latest notices, the newest slot first."""
    rows = await connection.execute(
        text(
            "SELECT slot, unit, role, channel, items, status, reason, sent_at FROM console.notice "
            "ORDER BY slot DESC, unit, channel, notice_id LIMIT :shown"
        ),
        {"shown": NOTICES_SHOWN},
    )
    return [Notice._make(row) for row in rows]


async def count_notices(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(text("SELECT status, count(*) AS notices FROM console.notice GROUP BY status"))
    return {row.status: row.notices for row in rows}


async def count_escalations(connection: AsyncConnection) -> dict[int, int]:
    """Count what is being pressed for, by the level reached; what is confidential is not counted."""
    rows = await connection.execute(
        text(
            "SELECT level, count(*) AS pressed FROM console.escalation e WHERE closed_at IS NULL AND NOT EXISTS "
            "(SELECT FROM console.obligation o WHERE o.obligation_id = e.obligation_id AND o.confidential) "
            "GROUP BY level ORDER BY level"
        )
    )
    return {row.level: row.pressed for row in rows}


async def count_feedback(connection: AsyncConnection) -> dict[str, int]:
    """Count feedback by its state; none of what is restricted. One said before states were is answered or received."""
    rows = await connection.execute(
        text(
            "SELECT CASE WHEN state = 'received' AND answered_at IS NOT NULL THEN 'answered' ELSE state END AS state, "
            "count(*) AS number FROM console.complaint WHERE NOT restricted GROUP BY 1"
        )
    )
    return {row.state: row.number for row in rows}


async def list_fresh(connection: AsyncConnection) -> list[Fresh]:
    """Return up to when each stream and source was heard; of INTAKE only the directory is, which ages well."""
    rows = await connection.execute(
        text("SELECT kind, name, at FROM console.fresh WHERE (kind, name) <> ('stream', 'INTAKE') ORDER BY kind, name")
    )
    return [Fresh._make(row) for row in rows]


async def get_sending(connection: AsyncConnection) -> tuple[str | None, bool]:
    """Return the sending mode that an operator of notify chose, None where none did, and whether sending is paused."""
    row = (await connection.execute(text("SELECT mode, paused FROM console.sending"))).one_or_none()
    return (row.mode, row.paused) if row else (None, False)
