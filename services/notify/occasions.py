"""Periodic acts, each a row with a unique key (act, subject, slot): done once, however often the sweep runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.act (
        act text NOT NULL,
        subject text NOT NULL,
        slot timestamptz NOT NULL,
        done_at timestamptz,
        counted jsonb NOT NULL DEFAULT '{{}}',
        PRIMARY KEY (act, subject, slot)
    )
    """,  # counted: what it found, for the next one to compare with
    "CREATE UNIQUE INDEX IF NOT EXISTS act_next ON {schema}.act (act, subject) WHERE done_at IS NULL",
)


async def lock_next(connection: AsyncConnection, act: str) -> tuple[str, datetime] | None:
    """Lock and return subject and slot of the act that is to be done next, or None where none is foreseen."""
    rows = await connection.execute(
        text("SELECT subject, slot FROM notify.act WHERE act = :act AND done_at IS NULL FOR UPDATE"), {"act": act}
    )
    row = rows.first()
    return (row.subject, row.slot) if row else None


async def foresee(connection: AsyncConnection, act: str, subject: str, *, slot: datetime) -> None:
    """Foresee an act; one that is foreseen already, or was done, stays as it is."""
    await connection.execute(
        text("INSERT INTO notify.act (act, subject, slot) VALUES (:act, :subject, :slot) ON CONFLICT DO NOTHING"),
        {"act": act, "subject": subject, "slot": slot},
    )


async def forget(connection: AsyncConnection, act: str, *, after: datetime) -> None:
    """Let an act that is foreseen after an instant be foreseen anew: other rules say when it is done."""
    await connection.execute(
        text("DELETE FROM notify.act WHERE act = :act AND done_at IS NULL AND slot > :after"),
        {"act": act, "after": after},
    )


async def done(
    connection: AsyncConnection, act: str, subject: str, *, slot: datetime, at: datetime, counted: Mapping[str, Any]
) -> None:
    await connection.execute(
        text(
            "UPDATE notify.act SET done_at = :at, counted = CAST(:counted AS jsonb) "
            "WHERE act = :act AND subject = :subject AND slot = :slot"
        ),
        {"act": act, "subject": subject, "slot": slot, "at": at, "counted": orjson.dumps(counted).decode()},
    )


async def last_done(connection: AsyncConnection, act: str, subject: str) -> tuple[datetime, dict[str, Any]] | None:
    """Return slot and counts of the latest act that was done, or None."""
    rows = await connection.execute(
        text(
            "SELECT slot, counted FROM notify.act WHERE act = :act AND subject = :subject AND done_at IS NOT NULL "
            "ORDER BY slot DESC LIMIT 1"
        ),
        {"act": act, "subject": subject},
    )
    row = rows.first()
    return (row.slot, row.counted) if row else None
