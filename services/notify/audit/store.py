"""The table of the audit: rows are added under the lock of its head, never changed, never taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.audit import entries
from shared.chain import Entry, Head, seal
from shared.clock import machine_now
from shared.cloudevents import Outgoing

DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.audit (
        seq bigint PRIMARY KEY,
        at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        kind text NOT NULL,
        subject text NOT NULL,
        data text NOT NULL,
        hash bytea NOT NULL
    )
    """,  # data: JSON, the very text that is hashed
    "CREATE INDEX IF NOT EXISTS audit_policy ON {schema}.audit (seq) WHERE kind = 'policy'",
    """
    CREATE TABLE IF NOT EXISTS {schema}.audit_head (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        seq bigint NOT NULL,
        hash bytea NOT NULL
    )
    """,
    "INSERT INTO {schema}.audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex')) ON CONFLICT DO NOTHING",
    """
    CREATE TABLE IF NOT EXISTS {schema}.audit_anchor (
        day date PRIMARY KEY,
        seq bigint NOT NULL
    )
    """,
    """
    CREATE OR REPLACE FUNCTION {schema}.keep_audit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege'; END $$
    """,
    "CREATE OR REPLACE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION {schema}.keep_audit()",
)


async def append(connection: AsyncConnection, added: Sequence[Entry]) -> None:
    """Add entries. Do it last in a transaction: until its end every other that has something to add waits."""
    if not added:
        return
    head = await get_head(connection, lock=True)
    rows = seal(added, head=head, recorded_at=machine_now())
    await connection.execute(
        text(
            "WITH added AS (INSERT INTO notify.audit (seq, at, recorded_at, kind, subject, data, hash) "
            "SELECT * FROM unnest(CAST(:seqs AS bigint[]), CAST(:ats AS timestamptz[]), "
            "CAST(:recorded AS timestamptz[]), CAST(:kinds AS text[]), CAST(:subjects AS text[]), "
            "CAST(:datas AS text[]), CAST(:hashes AS bytea[]))) "
            "UPDATE notify.audit_head SET seq = :seq, hash = :hash"
        ),
        {
            "seqs": [row.seq for row in rows],
            "ats": [row.at for row in rows],
            "recorded": [row.recorded_at for row in rows],
            "kinds": [row.kind for row in rows],
            "subjects": [row.subject for row in rows],
            "datas": [row.data for row in rows],
            "hashes": [row.hash for row in rows],
            "seq": rows[-1].seq,
            "hash": rows[-1].hash,
        },
    )


async def keep_said(connection: AsyncConnection, said: Sequence[Outgoing]) -> None:
    """Keep what notify says, in the transaction that says it."""
    await append(connection, entries.of_events(said))


async def get_head(connection: AsyncConnection, *, lock: bool = False) -> Head:
    rows = await connection.execute(text(f"SELECT seq, hash FROM notify.audit_head{' FOR UPDATE' if lock else ''}"))
    row = rows.one()
    return Head(row.seq, bytes(row.hash))


async def list_rows(connection: AsyncConnection, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return rows as they are exported, in order; `data` stays JSON text, `hash` is hexadecimal."""
    rows = await connection.execute(
        text(
            "SELECT seq, at, recorded_at, kind, subject, data, encode(hash, 'hex') AS hash FROM notify.audit "
            "WHERE seq > :after ORDER BY seq LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def newest_policy(connection: AsyncConnection) -> str | None:
    """Return the JSON of the policy entry that was added last."""
    rows = await connection.execute(
        text("SELECT data FROM notify.audit WHERE kind = 'policy' ORDER BY seq DESC LIMIT 1")
    )
    data: str | None = rows.scalar_one_or_none()
    return data


async def add_anchor(connection: AsyncConnection, *, day: date) -> Head | None:
    """Return the head that is to be said on a day, None where one was said already."""
    head = await get_head(connection, lock=True)
    rows = await connection.execute(
        text("INSERT INTO notify.audit_anchor (day, seq) VALUES (:day, :seq) ON CONFLICT DO NOTHING RETURNING seq"),
        {"day": day, "seq": head.seq},
    )
    return head if rows.one_or_none() else None
