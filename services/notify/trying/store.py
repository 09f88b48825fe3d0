"""What a dry run of a policy is held against: what notify knows now, and what it really told. SQL, reading alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import ObligationChanged


async def list_open(connection: AsyncConnection, *, due_before: datetime, limit: int) -> dict[str, ObligationChanged]:
    """Return open obligations that are due before then, the longest overdue first, by id."""
    rows = await connection.execute(
        text(
            "SELECT id, doc FROM notify.obligation WHERE due_at < :before AND doc->>'state' = 'open' "
            "ORDER BY due_at, id LIMIT :limit"
        ),
        {"before": due_before, "limit": limit},
    )
    return {row.id: ObligationChanged.model_validate(row.doc) for row in rows}


async def count_told(connection: AsyncConnection, *, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Return how many notices there really were between two instants, by role, channel and what became of them."""
    rows = await connection.execute(
        text(
            "SELECT role, channel, status, count(*) AS notices, sum(items) AS items FROM notify.notice "
            "WHERE slot >= :since AND slot < :until GROUP BY role, channel, status ORDER BY role, channel, status"
        ),
        {"since": since, "until": until},
    )
    return [dict(row._mapping) for row in rows]
