"""The work calendars as they are announced: their SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

TABLE = """
CREATE TABLE intake.calendar (
    name text PRIMARY KEY,
    revision integer NOT NULL,
    document json NOT NULL
)
"""


async def lock_calendars(connection: AsyncConnection) -> dict[str, tuple[int, dict[str, Any]]]:
    """Lock all calendars, in order of their names; returns revision and document of each."""
    rows = await connection.execute(
        text("SELECT name, revision, document FROM intake.calendar ORDER BY name FOR UPDATE")
    )
    return {name: (revision, document) for name, revision, document in rows}


async def list_calendars(connection: AsyncConnection) -> list[dict[str, Any]]:
    rows = await connection.execute(text("SELECT revision, document FROM intake.calendar ORDER BY name"))
    return [{**document, "revision": revision} for revision, document in rows]


async def put_calendars(connection: AsyncConnection, calendars: Mapping[str, tuple[int, dict[str, Any]]]) -> None:
    names = sorted(calendars)
    await connection.execute(
        text(
            "INSERT INTO intake.calendar (name, revision, document) "
            "SELECT * FROM unnest(CAST(:names AS text[]), CAST(:revisions AS integer[]), CAST(:documents AS json[])) "
            "ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, document = excluded.document"
        ),
        {
            "names": names,
            "revisions": [calendars[name][0] for name in names],
            "documents": [orjson.dumps(calendars[name][1]).decode() for name in names],
        },
    )
