"""The versions of calendars, procedures and units as deadline heard them, and the one that is in force: their SQL.

Whoever folds holds a shared lock until its commit, whoever changes what folds rest on the exclusive one: nothing folded
by what was known before is committed after a change, so the walk over open obligations that follows misses none.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline.reference import Reference, Row, carried, reference
from shared.instants import canonical

TABLES = (
    """
    CREATE TABLE deadline.reference (
        kind text NOT NULL,
        name text NOT NULL,
        revision integer NOT NULL,
        announced_at timestamptz NOT NULL,
        document json NOT NULL,
        PRIMARY KEY (kind, name, revision)
    )
    """,
    """
    CREATE TABLE deadline.reference_version (  -- one row: a new version at every change, by which copies see it
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        version text NOT NULL
    )
    """,
)
LOCK = "hashtext('deadline.reference')"
REMEMBERED = 4  # versions: of the databases that one process of tests uses, and of the change in hand

_known: dict[str, Reference] = {}


async def current(connection: AsyncConnection) -> Reference:
    """Return what is known now, and keep it from being changed until the transaction ends."""
    await connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({LOCK})"))
    return await _read(connection)


async def newest(connection: AsyncConnection) -> Reference:
    """Return what is known now, for reading alone."""
    return await _read(connection)


async def _read(connection: AsyncConnection) -> Reference:
    version = (await connection.execute(text("SELECT version FROM deadline.reference_version"))).scalar()
    if version is None:
        return carried()
    if version not in _known:
        _known[version] = reference(await list_rows(connection), strict=False)
        while len(_known) > REMEMBERED:
            del _known[next(iter(_known))]
    return _known[version]


async def list_rows(connection: AsyncConnection) -> list[Row]:
    rows = await connection.execute(
        text(
            "SELECT kind, name, announced_at, document, revision FROM deadline.reference ORDER BY kind, name, revision"
        )
    )
    return [Row(row.kind, row.name, canonical(row.announced_at), row.document, row.revision) for row in rows]


async def change(connection: AsyncConnection, rows: Sequence[Row]) -> tuple[Reference, Reference, list[Row]]:
    """Store new versions; returns what was known before and after, and which were new.

    Waits until nobody folds by what was known before. raises: CalendarError - a calendar cannot be used.
    """
    await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    before = await _read(connection)
    stored = await connection.execute(
        text(
            "INSERT INTO deadline.reference (kind, name, revision, announced_at, document) "
            "SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:names AS text[]), CAST(:revisions AS integer[]), "
            "CAST(:ats AS timestamptz[]), CAST(:documents AS json[])) ON CONFLICT DO NOTHING "
            "RETURNING kind, name, revision"
        ),
        {
            "kinds": [row.kind for row in rows],
            "names": [row.name for row in rows],
            "revisions": [row.revision for row in rows],
            "ats": [datetime.fromisoformat(row.announced_at) for row in rows],
            "documents": [orjson.dumps(row.document).decode() for row in rows],
        },
    )
    fresh = {(row.kind, row.name, row.revision) for row in stored}
    if not fresh:
        return before, before, []
    await connection.execute(
        text(
            "INSERT INTO deadline.reference_version (version) VALUES (:version) "
            "ON CONFLICT (single) DO UPDATE SET version = excluded.version"
        ),
        {"version": secrets.token_hex(8)},
    )
    new = [row for row in rows if (row.kind, row.name, row.revision) in fresh]
    if any(row.kind == "calendar" for row in new):
        reference(await list_rows(connection))  # a calendar that cannot be used is refused here, once
    return before, await _read(connection), new
