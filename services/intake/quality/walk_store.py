"""The walks over recent dossiers, nightly and asked for: how far each is. Their SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(slots=True)
class Walk:
    """A walk over the dossiers received from `first` to `last`, and how far it is.

    slips: by source, how many dossiers it saw accepted and how many of these with a slip.
    """

    id: int
    first: date
    last: date
    stage: str
    agency: str
    cursor: str
    seen: int
    slips: dict[str, list[int]]


async def find_state(connection: AsyncConnection) -> tuple[datetime | None, datetime | None]:
    """Return the newest night that was begun, and when the oldest unfinished walk was asked for."""
    rows = await connection.execute(
        text(
            "SELECT (SELECT max(slot) FROM intake.quality_walk), "
            "(SELECT begun_at FROM intake.quality_walk WHERE finished_at IS NULL ORDER BY id LIMIT 1)"
        )
    )
    newest, begun = rows.one()
    return newest, begun


async def add_walk(
    connection: AsyncConnection, *, slot: datetime | None, first: date, last: date, now: datetime
) -> int | None:
    """Ask for a walk; returns its id, None where another copy began that night's."""
    rows = await connection.execute(
        text(
            "INSERT INTO intake.quality_walk (slot, first, last, begun_at) VALUES (:slot, :first, :last, :now) "
            "ON CONFLICT (slot) DO NOTHING RETURNING id"
        ),
        {"slot": slot, "first": first, "last": last, "now": now},
    )
    found: int | None = rows.scalar()
    return found


async def lock_unfinished(connection: AsyncConnection) -> Walk | None:
    rows = await connection.execute(
        text(
            "SELECT id, first, last, stage, agency, cursor, seen, slips FROM intake.quality_walk "
            "WHERE finished_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        )
    )
    return next((Walk(*row) for row in rows), None)


async def find_last_slips(connection: AsyncConnection) -> dict[str, list[int]]:
    """Return what the newest whole walk of a night counted, empty where there was none."""
    rows = await connection.execute(
        text(
            "SELECT slips FROM intake.quality_walk WHERE slot IS NOT NULL AND finished_at IS NOT NULL "
            "ORDER BY slot DESC LIMIT 1"
        )
    )
    return rows.scalar() or {}


async def put_walk(connection: AsyncConnection, walk: Walk, *, finished_at: datetime | None) -> None:
    await connection.execute(
        text(
            "UPDATE intake.quality_walk SET stage = :stage, agency = :agency, cursor = :cursor, seen = :seen, "
            "slips = CAST(:slips AS jsonb), finished_at = :finished_at WHERE id = :id"
        ),
        {
            "id": walk.id,
            "stage": walk.stage,
            "agency": walk.agency,
            "cursor": walk.cursor,
            "seen": walk.seen,
            "slips": orjson.dumps(walk.slips).decode(),
            "finished_at": finished_at,
        },
    )


async def find_walk(connection: AsyncConnection, id: int) -> dict[str, Any] | None:
    rows = await connection.execute(
        text("SELECT id, first, last, seen, begun_at, finished_at FROM intake.quality_walk WHERE id = :id"), {"id": id}
    )
    return next((dict(row._mapping) for row in rows), None)
