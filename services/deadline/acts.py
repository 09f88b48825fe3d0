"""Long work and periodic acts, a row each with a unique key: after a crash it goes on, nothing is done twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

TABLE = """
CREATE TABLE deadline.act (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    act text NOT NULL,
    subject text NOT NULL,
    slot timestamptz NOT NULL,
    detail json NOT NULL DEFAULT '{}',
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    cursor text NOT NULL DEFAULT '',
    total bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    finished_at timestamptz,
    UNIQUE (act, subject, slot)
)
"""
COLUMNS = "id, act, subject, slot, detail, asked_at, cursor, total, done, changed, finished_at"
RECALCULATE, REPUBLISH = "recalculate", "republish"
CALM_S = 2  # reference data come in several batches: the walk begins when no more have come for so long


class Act(NamedTuple):
    """One act. slot: the moment it is of. total, done, changed: obligations. finished_at: machine time."""

    id: int
    act: str
    subject: str
    slot: datetime
    detail: dict[str, Any]
    asked_at: datetime
    cursor: str
    total: int
    done: int
    changed: int
    finished_at: datetime | None


def _act(row: Row[Any]) -> Act:
    return Act._make(row)


async def add(
    connection: AsyncConnection, act: str, *, subject: str, slot: datetime, detail: dict[str, Any], finished: bool
) -> int | None:
    """Add an act; returns its id, None where it is there already, perhaps by another copy. finished: done with this."""
    rows = await connection.execute(
        text(
            "INSERT INTO deadline.act (act, subject, slot, detail, finished_at) VALUES (:act, :subject, :slot, "
            "CAST(:detail AS json), CASE WHEN :finished THEN clock_timestamp() END) "
            "ON CONFLICT (act, subject, slot) DO NOTHING RETURNING id"
        ),
        {
            "act": act,
            "subject": subject,
            "slot": slot,
            "detail": orjson.dumps(detail).decode(),
            "finished": finished,
        },
    )
    id: int | None = rows.scalar()
    return id


async def lock_unfinished(connection: AsyncConnection, act: str, *, subject: str) -> Act | None:
    rows = await connection.execute(
        text(
            f"SELECT {COLUMNS} FROM deadline.act WHERE act = :act AND subject = :subject AND finished_at IS NULL "
            "ORDER BY id LIMIT 1 FOR UPDATE"
        ),
        {"act": act, "subject": subject},
    )
    row = rows.one_or_none()
    return _act(row) if row else None


async def begin_again(connection: AsyncConnection, act: Act, *, detail: dict[str, Any]) -> None:
    """Let a locked, unfinished act begin anew with another detail."""
    await connection.execute(
        text(
            "UPDATE deadline.act SET cursor = '', total = 0, done = 0, detail = CAST(:detail AS json), "
            "asked_at = clock_timestamp() WHERE id = :id"
        ),
        {"id": act.id, "detail": orjson.dumps(detail).decode()},
    )


async def lock_next(connection: AsyncConnection, acts: Sequence[str]) -> Act | None:
    """Lock the oldest unfinished act of these, those of the kind that is named first before the others.

    One in work, or whose cause may still grow, is passed over.
    """
    rows = await connection.execute(
        text(
            f"SELECT {COLUMNS} FROM deadline.act WHERE finished_at IS NULL AND act = ANY(:acts) "
            "AND (act <> :waits OR asked_at <= clock_timestamp() - make_interval(secs => :calm_s)) "
            "ORDER BY array_position(CAST(:acts AS text[]), act), id LIMIT 1 FOR UPDATE SKIP LOCKED"
        ),
        {"acts": list(acts), "waits": RECALCULATE, "calm_s": CALM_S},
    )
    row = rows.one_or_none()
    return _act(row) if row else None


async def go_on(connection: AsyncConnection, act: Act, *, cursor: str | None, done: int, changed: int) -> None:
    """Note how far a locked act has come. cursor: None where it is finished."""
    await connection.execute(
        text(
            "UPDATE deadline.act SET cursor = coalesce(:cursor, cursor), done = done + :done, "
            "changed = changed + :changed, "
            "finished_at = CASE WHEN CAST(:cursor AS text) IS NULL THEN clock_timestamp() END WHERE id = :id"
        ),
        {"id": act.id, "cursor": cursor, "done": done, "changed": changed},
    )


async def set_total(connection: AsyncConnection, act: Act, *, total: int) -> None:
    await connection.execute(
        text("UPDATE deadline.act SET total = :total WHERE id = :id"), {"id": act.id, "total": total}
    )


async def find(connection: AsyncConnection, id: int) -> Act | None:
    rows = await connection.execute(text(f"SELECT {COLUMNS} FROM deadline.act WHERE id = :id"), {"id": id})
    row = rows.one_or_none()
    return _act(row) if row else None


async def list_newest(connection: AsyncConnection, act: str, *, limit: int) -> list[Act]:
    rows = await connection.execute(
        text(f"SELECT {COLUMNS} FROM deadline.act WHERE act = :act ORDER BY id DESC LIMIT :limit"),
        {"act": act, "limit": limit},
    )
    return [_act(row) for row in rows]


async def newest_slot(connection: AsyncConnection, act: str) -> datetime | None:
    at: datetime | None = (
        await connection.execute(text("SELECT max(slot) FROM deadline.act WHERE act = :act"), {"act": act})
    ).scalar()
    return at


async def count_unfinished(connection: AsyncConnection) -> int:
    return int(
        (await connection.execute(text("SELECT count(*) FROM deadline.act WHERE finished_at IS NULL"))).scalar_one()
    )
