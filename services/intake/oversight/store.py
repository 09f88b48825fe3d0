"""The tables of oversight in schema `intake` and all of their SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.memory import Memory
from shared.events import RecordKind

APPEND_ONLY = ("oversight_record", "oversight_proposal", "oversight_choice", "report_series")
TABLES = (
    """
    CREATE TABLE intake.oversight_record (  -- every state that a record had; the newest revision is the present one
        kind text NOT NULL,
        id text NOT NULL,
        revision integer NOT NULL,
        document json NOT NULL,
        source text NOT NULL,
        heard_at timestamptz NOT NULL,
        PRIMARY KEY (kind, id, revision)
    )
    """,
    """
    CREATE TABLE intake.oversight_proposal (  -- what was proposed for surprise checks, with its seed and reasons
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        document json NOT NULL
    )
    """,
    """
    CREATE TABLE intake.oversight_choice (  -- which units were chosen, by whom, and why where it is not the proposal
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        proposal bigint NOT NULL REFERENCES intake.oversight_proposal,
        at timestamptz NOT NULL,
        ordered_by text NOT NULL,
        units text[] NOT NULL,
        why text NOT NULL
    )
    """,
    """
    CREATE TABLE intake.report_series (  -- every version of a series; the newest revision holds
        name text NOT NULL,
        revision integer NOT NULL,
        document json NOT NULL,
        loaded_at timestamptz NOT NULL,
        PRIMARY KEY (name, revision)
    )
    """,
    """
    CREATE TABLE intake.report_progress (  -- up to which day a series has made its duties, and when it goes on
        name text PRIMARY KEY,
        through date,
        next_at timestamptz,
        waits text
    )
    """,
    """
    CREATE TABLE intake.report_made (  -- a duty of a series, a unit and a period is made once
        series text NOT NULL,
        period text NOT NULL,
        unit text NOT NULL,
        made_at timestamptz NOT NULL,
        PRIMARY KEY (series, period, unit)
    )
    """,
    """
    CREATE FUNCTION intake.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'what was recorded is never changed: % of %', TG_OP, TG_TABLE_NAME; END $$
    """,
    *(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON intake.{table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION intake.refuse_change()"
        for table in APPEND_ONLY
    ),
)


class Record(NamedTuple):
    """A state of something of oversight."""

    kind: RecordKind
    id: str
    revision: int
    document: Mapping[str, Any]
    source: str
    heard_at: datetime


async def find_things(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Memory]:
    """Return what is remembered of the known ones of `keys`, without a lock."""
    rows = await connection.execute(
        text("SELECT key, document::text FROM intake.thing WHERE key = ANY(:keys)"), {"keys": list(keys)}
    )
    return {key: Memory.of(orjson.loads(document)) for key, document in rows}


async def newest(
    connection: AsyncConnection, records: Iterable[tuple[RecordKind, str]]
) -> dict[tuple[RecordKind, str], Record]:
    """Return the present state of the known ones of `records`."""
    pairs = sorted(set(records))
    rows = await connection.execute(
        text(
            "SELECT DISTINCT ON (r.kind, r.id) r.kind, r.id, r.revision, r.document, r.source, r.heard_at "
            "FROM intake.oversight_record AS r "
            "JOIN unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS asked(kind, id) "
            "ON r.kind = asked.kind AND r.id = asked.id ORDER BY r.kind, r.id, r.revision DESC"
        ),
        {"kinds": [kind for kind, _ in pairs], "ids": [id for _, id in pairs]},
    )
    return {(row.kind, row.id): Record(*row) for row in rows}


async def add_records(connection: AsyncConnection, records: Sequence[Record]) -> None:
    if records:
        await connection.execute(
            text(
                "INSERT INTO intake.oversight_record (kind, id, revision, document, source, heard_at) "
                "SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:revisions AS integer[]), "
                "CAST(:documents AS json[]), CAST(:sources AS text[]), CAST(:heard AS timestamptz[]))"
            ),
            {
                "kinds": [one.kind for one in records],
                "ids": [one.id for one in records],
                "revisions": [one.revision for one in records],
                "documents": [orjson.dumps(one.document).decode() for one in records],
                "sources": [one.source for one in records],
                "heard": [one.heard_at for one in records],
            },
        )


async def list_records(
    connection: AsyncConnection, kind: RecordKind, *, after: str = "", limit: int
) -> list[dict[str, Any]]:
    """Return a page of a kind's records as they are now, by id."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT ON (id) id, revision, source, heard_at, document FROM intake.oversight_record "
            "WHERE kind = :kind AND id > :after ORDER BY id, revision DESC LIMIT :limit"
        ),
        {"kind": kind, "after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def list_history(connection: AsyncConnection, kind: RecordKind, id: str) -> list[dict[str, Any]]:
    """Return every state that a record had, the first first."""
    rows = await connection.execute(
        text(
            "SELECT revision, source, heard_at, document FROM intake.oversight_record "
            "WHERE kind = :kind AND id = :id ORDER BY revision"
        ),
        {"kind": kind, "id": id},
    )
    return [dict(row._mapping) for row in rows]


async def add_proposal(connection: AsyncConnection, document: Mapping[str, Any], *, at: datetime) -> int:
    """Keep a proposal as it was shown; returns its number."""
    row = await connection.execute(
        text("INSERT INTO intake.oversight_proposal (at, document) VALUES (:at, CAST(:document AS json)) RETURNING id"),
        {"at": at, "document": orjson.dumps(document).decode()},
    )
    return int(row.scalar_one())


async def find_proposal(connection: AsyncConnection, id: int) -> dict[str, Any] | None:
    row = await connection.execute(text("SELECT document FROM intake.oversight_proposal WHERE id = :id"), {"id": id})
    found: dict[str, Any] | None = row.scalar()
    return found


async def add_choice(
    connection: AsyncConnection, proposal: int, *, at: datetime, ordered_by: str, units: Sequence[str], why: str
) -> int:
    row = await connection.execute(
        text(
            "INSERT INTO intake.oversight_choice (proposal, at, ordered_by, units, why) "
            "VALUES (:proposal, :at, :ordered_by, CAST(:units AS text[]), :why) RETURNING id"
        ),
        {"proposal": proposal, "at": at, "ordered_by": ordered_by, "units": list(units), "why": why},
    )
    return int(row.scalar_one())


async def list_choices(connection: AsyncConnection, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return a page of the choices made, each with the units that had been proposed, the first first."""
    rows = await connection.execute(
        text(
            "SELECT c.id, c.proposal, c.at, c.ordered_by, c.units, c.why, p.document->'units' AS proposed, "
            "p.document->'seed' AS seed FROM intake.oversight_choice AS c "
            "JOIN intake.oversight_proposal AS p ON p.id = c.proposal WHERE c.id > :after ORDER BY c.id LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [{**row._mapping, "proposed": [one["unit"] for one in row.proposed]} for row in rows]


class Progress(NamedTuple):
    """How far a series has come. through: the last day of the last period done. waits: why it does not go on."""

    name: str
    through: date | None
    next_at: datetime | None
    waits: str | None


async def lock_series(connection: AsyncConnection) -> None:
    """Make other loads of series wait from here on; where a copy makes duties, wait for it."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('intake.report_series'))"))
    await connection.execute(text("SELECT name FROM intake.report_progress ORDER BY name FOR UPDATE"))


async def list_series(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return the version of each series that holds, with its revision, by name."""
    rows = await connection.execute(
        text("SELECT DISTINCT ON (name) revision, document FROM intake.report_series ORDER BY name, revision DESC")
    )
    return [{**row.document, "revision": row.revision} for row in rows]


async def add_series(
    connection: AsyncConnection, name: str, revision: int, document: Mapping[str, Any], *, at: datetime
) -> None:
    await connection.execute(
        text(
            "INSERT INTO intake.report_series (name, revision, document, loaded_at) "
            "VALUES (:name, :revision, CAST(:document AS json), :at)"
        ),
        {"name": name, "revision": revision, "document": orjson.dumps(document).decode(), "at": at},
    )


async def list_progress(connection: AsyncConnection) -> dict[str, Progress]:
    rows = await connection.execute(text("SELECT name, through, next_at, waits FROM intake.report_progress"))
    return {row.name: Progress(*row) for row in rows}


async def claim_series(connection: AsyncConnection, *, now: datetime) -> Progress | None:
    """Lock one series that has duties to make at `now` and that no other copy is at."""
    rows = await connection.execute(
        text(
            "SELECT name, through, next_at, waits FROM intake.report_progress WHERE next_at <= :now "
            "ORDER BY next_at, name LIMIT 1 FOR UPDATE SKIP LOCKED"
        ),
        {"now": now},
    )
    row = rows.first()
    return Progress(*row) if row else None


async def put_progress(connection: AsyncConnection, progress: Progress) -> None:
    await connection.execute(
        text(
            "INSERT INTO intake.report_progress (name, through, next_at, waits) "
            "VALUES (:name, :through, :next_at, :waits) ON CONFLICT (name) DO UPDATE "
            "SET through = excluded.through, next_at = excluded.next_at, waits = excluded.waits"
        ),
        progress._asdict(),
    )


async def next_series_at(connection: AsyncConnection) -> datetime | None:
    found: datetime | None = (
        await connection.execute(text("SELECT min(next_at) FROM intake.report_progress"))
    ).scalar()
    return found


async def add_made(
    connection: AsyncConnection, series: str, period: str, units: Sequence[str], *, at: datetime
) -> list[str]:
    """Note that duties are made; returns the units of which none was noted before."""
    rows = await connection.execute(
        text(
            "INSERT INTO intake.report_made (series, period, unit, made_at) "
            "SELECT :series, :period, unit, :at FROM unnest(CAST(:units AS text[])) AS unit "
            "ON CONFLICT DO NOTHING RETURNING unit"
        ),
        {"series": series, "period": period, "units": sorted(units), "at": at},
    )
    return sorted(rows.scalars())
