"""The register's tables: sources, their keys, the version by which copies see a change, and the audit."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.sources.register import Key, Register, Source

TABLES = (
    """
    CREATE TABLE intake.source (
        name text PRIMARY KEY,
        title text NOT NULL,
        role text NOT NULL CHECK (role IN ('primary', 'mirror')),
        enabled boolean NOT NULL,
        signed boolean NOT NULL,
        watched boolean NOT NULL,
        silent_after_minutes integer,
        objects_per_minute integer,
        bytes_per_minute bigint,
        how text NOT NULL,
        made_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE intake.source_key (  -- never the key itself
        id text PRIMARY KEY,
        source text NOT NULL REFERENCES intake.source,
        digest bytea NOT NULL,
        made_at timestamptz NOT NULL,
        valid_until timestamptz
    )
    """,
    """
    CREATE TABLE intake.source_version (  -- one row: a new version at every change, by which copies see it
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        version text NOT NULL
    )
    """,
    "INSERT INTO intake.source_version (version) VALUES ('first')",
    """
    CREATE TABLE intake.audit_line (  -- refusals, and what was done to the register; nothing is taken back
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL,
        source text NOT NULL,
        deed text NOT NULL,
        why text NOT NULL,
        address text NOT NULL
    )
    """,
    """
    CREATE FUNCTION intake.audit_stays() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'a line of the audit is never changed'; END $$
    """,
    """
    CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON intake.audit_line
    FOR EACH STATEMENT EXECUTE FUNCTION intake.audit_stays()
    """,
    """
    CREATE TABLE intake.source_heard (  -- silent_since: it is silent, last heard then. due_at: when to look again
        source text PRIMARY KEY,
        heard_at timestamptz NOT NULL,
        due_at timestamptz,
        silent_since timestamptz,
        allowed_min integer,
        revision integer NOT NULL DEFAULT 0
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX source_heard_due ON intake.source_heard (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE intake.source_hour (  -- minutes of the province's time in which a source was heard
        source text NOT NULL,
        day date NOT NULL,
        hour smallint NOT NULL,
        first smallint NOT NULL,
        last smallint NOT NULL,
        gap smallint NOT NULL,
        PRIMARY KEY (source, day, hour)
    ) WITH (fillfactor = 85)
    """,
)
REMEMBERED = 4  # versions: of the databases that one process of tests uses, and of the change in hand
SOURCE_COLUMNS = tuple(Source.__slots__)
CHANGEABLE = frozenset(SOURCE_COLUMNS) - {"name", "how", "made_at"}

_known: dict[str, Register] = {}


@dataclass(frozen=True, slots=True)
class AuditLine:
    """source: the word as given, bounded. deed: refused, registered, key_made …. address: of the caller, or empty."""

    at: datetime
    source: str
    deed: str
    why: str
    address: str


async def read(connection: AsyncConnection, *, version: str | None = None) -> Register:
    """Return the register as it is now. version: the one in force, where it was read already."""
    if version is None:
        version = (await connection.execute(text("SELECT version FROM intake.source_version"))).scalar_one()
    if version not in _known:
        sources = await connection.execute(text(f"SELECT {', '.join(SOURCE_COLUMNS)} FROM intake.source ORDER BY name"))
        keys = await connection.execute(text("SELECT id, source, digest, made_at, valid_until FROM intake.source_key"))
        _known[version] = Register({row.name: Source(*row) for row in sources}, {row.id: Key(*row) for row in keys})
        while len(_known) > REMEMBERED:
            del _known[next(iter(_known))]
    return _known[version]


async def lock(connection: AsyncConnection) -> Register:
    """Return the register as it is, and let every other change of it wait for the end of this transaction."""
    rows = await connection.execute(text("SELECT version FROM intake.source_version FOR UPDATE"))
    return await read(connection, version=rows.scalar_one())


async def change(connection: AsyncConnection) -> None:
    """Let all copies read the register anew once this transaction is committed. Nothing may be changed after it."""
    await connection.execute(
        text("UPDATE intake.source_version SET version = :version"), {"version": secrets.token_hex(8)}
    )


async def add_sources(connection: AsyncConnection, sources: Iterable[Source]) -> set[str]:
    """Enter sources; returns the names of those that were not there."""
    added = set[str]()
    for source in sources:
        values = {column: getattr(source, column) for column in SOURCE_COLUMNS}
        done = await connection.execute(
            text(
                f"INSERT INTO intake.source ({', '.join(SOURCE_COLUMNS)}) "
                f"VALUES ({', '.join(f':{column}' for column in SOURCE_COLUMNS)}) ON CONFLICT DO NOTHING"
            ),
            values,
        )
        if done.rowcount:
            added.add(source.name)
    return added


async def put_source(connection: AsyncConnection, name: str, changes: Mapping[str, Any]) -> None:
    """Change a source. changes: columns of CHANGEABLE to their values."""
    names = sorted(CHANGEABLE & changes.keys())
    await connection.execute(
        text(f"UPDATE intake.source SET {', '.join(f'{column} = :{column}' for column in names)} WHERE name = :name"),
        {"name": name, **{column: changes[column] for column in names}},
    )


async def add_key(connection: AsyncConnection, key: Key) -> None:
    await connection.execute(
        text("INSERT INTO intake.source_key VALUES (:id, :source, :digest, :made_at, :valid_until)"),
        {column: getattr(key, column) for column in Key.__slots__},
    )


async def end_other_keys(connection: AsyncConnection, source: str, *, but: str, at: datetime) -> None:
    """Let a source's keys end at a moment at the latest, all but one."""
    await connection.execute(
        text(
            "UPDATE intake.source_key SET valid_until = least(valid_until, :at) "  # least() passes over NULL
            "WHERE source = :source AND id <> :but"
        ),
        {"source": source, "but": but, "at": at},
    )


async def remove_key(connection: AsyncConnection, source: str, id: str) -> bool:
    done = await connection.execute(
        text("DELETE FROM intake.source_key WHERE source = :source AND id = :id"), {"source": source, "id": id}
    )
    return bool(done.rowcount)


async def add_audit(connection: AsyncConnection, lines: Sequence[AuditLine]) -> None:
    for line in lines:
        await connection.execute(
            text(
                "INSERT INTO intake.audit_line (at, source, deed, why, address) "
                "VALUES (:at, :source, :deed, :why, :address)"
            ),
            {column: getattr(line, column) for column in AuditLine.__slots__},
        )


async def list_audit(connection: AsyncConnection, *, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Return lines of the audit, newest first. before: an id."""
    rows = await connection.execute(
        text(
            "SELECT id, at, source, deed, why, address FROM intake.audit_line "
            "WHERE CAST(:before AS bigint) IS NULL OR id < :before ORDER BY id DESC LIMIT :limit"
        ),
        {"before": before, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]
