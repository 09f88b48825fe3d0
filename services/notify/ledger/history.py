"""All that was done to press for one obligation: its levels, whom it concerns, each notice that tells of it. SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import store
from services.notify.pressing.pressing import Pressed


async def find(connection: AsyncConnection, id: str) -> Pressed | None:
    """Return an obligation and how far pressing for it has come."""
    rows = await connection.execute(
        text(f"SELECT {store.PRESSED} FROM notify.obligation WHERE id = :id AND revision >= 0"), {"id": id}
    )
    row = rows.one_or_none()
    return store.pressed(row) if row else None


async def list_lines(connection: AsyncConnection, id: str) -> list[dict[str, Any]]:
    """Return whom it concerns: a post by its unit's code, what it was told of, and what it is to be told when."""
    rows = await connection.execute(
        text(
            "SELECT role, post AS unit, level, nullif(told, -1) AS told, news, slot_at, former <> '' AS former "
            "FROM notify.line WHERE obligation_id = :id ORDER BY level, role, former"
        ),
        {"id": id},
    )
    return [dict(row._mapping) for row in rows]


async def list_notices(connection: AsyncConnection, id: str) -> list[dict[str, Any]]:
    """Return every notice that tells of it, the oldest first; never an address."""
    rows = await connection.execute(
        text(
            "SELECT n.id AS notice_id, n.slot, n.post AS unit, n.role, n.channel, i.level, i.news, i.revision, "
            "n.status, n.reason, n.why, n.stored_at, n.sent_at, n.receipt, n.receipt_at FROM notify.notice_item i "
            "JOIN notify.notice n ON n.id = i.notice_id WHERE i.obligation_id = :id ORDER BY n.slot, n.channel, n.id"
        ),
        {"id": id},
    )
    return [dict(row._mapping) for row in rows]
