"""Due times that reference data moved, with their old values and the reason: their SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import Obligation

TABLE = """
CREATE TABLE deadline.move (
    obligation text NOT NULL,
    revision integer NOT NULL,
    at timestamptz NOT NULL,
    because text NOT NULL,
    due_before timestamptz,
    due_after timestamptz,
    computed_before timestamptz,
    computed_after timestamptz,
    PRIMARY KEY (obligation, revision)
)
"""


def is_move(old: Obligation, new: Obligation) -> bool:
    return (old["due_at"], old["computed_due_at"]) != (new["due_at"], new["computed_due_at"])


async def add(
    connection: AsyncConnection, moved: Sequence[tuple[Obligation, Obligation]], *, because: str, at: datetime
) -> None:
    """Keep the old values. moved: states before and after."""
    if not moved:
        return

    await connection.execute(
        text(
            "INSERT INTO deadline.move SELECT o, r, :at, :because, db, da, cb, ca FROM unnest(CAST(:ids AS text[]), "
            "CAST(:revisions AS integer[]), CAST(:due_before AS timestamptz[]), CAST(:due_after AS timestamptz[]), "
            "CAST(:computed_before AS timestamptz[]), CAST(:computed_after AS timestamptz[])) "
            "AS m(o, r, db, da, cb, ca) ON CONFLICT DO NOTHING"
        ),
        {
            "at": at,
            "because": because,
            "ids": [new["obligation_id"] for _, new in moved],
            "revisions": [new["revision"] for _, new in moved],
            "due_before": [_instant(old["due_at"]) for old, _ in moved],
            "due_after": [_instant(new["due_at"]) for _, new in moved],
            "computed_before": [_instant(old["computed_due_at"]) for old, _ in moved],
            "computed_after": [_instant(new["computed_due_at"]) for _, new in moved],
        },
    )


def _instant(iso: str | None) -> datetime | None:
    return datetime.fromisoformat(iso) if iso else None


async def list_of(connection: AsyncConnection, obligation: str) -> list[dict[str, Any]]:
    """Return the moves of one obligation, the earliest first."""
    rows = await connection.execute(
        text(
            "SELECT at, because, due_before, due_after, computed_before, computed_after FROM deadline.move "
            "WHERE obligation = :id ORDER BY revision"
        ),
        {"id": obligation},
    )
    return [dict(row._mapping) for row in rows]
