"""Where a service remembers how far business time has come in each stream it hears."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

DDL = "CREATE TABLE {schema}.tick (stream text PRIMARY KEY, at timestamptz NOT NULL)"


async def reached(connection: AsyncConnection, schema: str) -> dict[str, datetime]:
    """Return the last tick taken from each stream."""
    rows = await connection.execute(text(f"SELECT stream, at FROM {schema}.tick"))
    return {row.stream: row.at for row in rows}


async def put(connection: AsyncConnection, schema: str, *, stream: str, at: datetime) -> None:
    await connection.execute(
        text(
            f"INSERT INTO {schema}.tick VALUES (:stream, :at) "
            "ON CONFLICT (stream) DO UPDATE SET at = greatest(tick.at, excluded.at)"
        ),
        {"stream": stream, "at": at},
    )
