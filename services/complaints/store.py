"""The tables of complaints and all of their SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

COLUMNS = "id, code, revision, text, contact, unit, dossier, filed_at, answer_working_days, answered_at, answer"


class Complaint(NamedTuple):
    """One feedback, whole."""

    id: int
    code: str
    revision: int
    text: str
    contact: str | None
    unit: str | None
    dossier: str | None
    filed_at: datetime
    answer_working_days: int
    answered_at: datetime | None
    answer: str | None


def _complaint(row: Row[Any]) -> Complaint:
    return Complaint._make(row)


async def add_complaint(
    connection: AsyncConnection,
    *,
    code: str,
    written: str,
    contact: str | None,
    unit: str | None,
    dossier: str | None,
    filed_at: datetime,
    answer_working_days: int,
) -> Complaint:
    """Store a new feedback."""
    rows = await connection.execute(
        text(
            "INSERT INTO complaints.complaint "
            "(code, text, contact, unit, dossier, filed_at, answer_working_days) "
            f"VALUES (:code, :written, :contact, :unit, :dossier, :filed_at, :days) RETURNING {COLUMNS}"
        ),
        {
            "code": code,
            "written": written,
            "contact": contact,
            "unit": unit,
            "dossier": dossier,
            "filed_at": filed_at,
            "days": answer_working_days,
        },
    )
    return _complaint(rows.one())


async def find_complaint(connection: AsyncConnection, code: str, *, lock: bool = False) -> Complaint | None:
    rows = await connection.execute(
        text(f"SELECT {COLUMNS} FROM complaints.complaint WHERE code = :code{' FOR UPDATE' if lock else ''}"),
        {"code": code},
    )
    row = rows.one_or_none()
    return _complaint(row) if row else None


async def mark_answered(connection: AsyncConnection, id: int, *, answer: str, at: datetime) -> Complaint:
    rows = await connection.execute(
        text(
            "UPDATE complaints.complaint SET answer = :answer, answered_at = :at, revision = revision + 1 "
            f"WHERE id = :id RETURNING {COLUMNS}"
        ),
        {"id": id, "answer": answer, "at": at},
    )
    return _complaint(rows.one())


async def list_complaints(
    connection: AsyncConnection, *, answered: bool | None, before: int | None, limit: int
) -> Sequence[Complaint]:
    """Return the newest first. answered: None = all. before: the id that ended the page before."""
    rows = await connection.execute(
        text(
            f"SELECT {COLUMNS} FROM complaints.complaint "
            "WHERE (CAST(:answered AS boolean) IS NULL OR (answered_at IS NOT NULL) = :answered) "
            "AND (CAST(:before AS bigint) IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit"
        ),
        {"answered": answered, "before": before, "limit": limit},
    )
    return [_complaint(row) for row in rows]


async def count_complaints(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(
        text("SELECT count(*) FILTER (WHERE answered_at IS NULL), count(answered_at) FROM complaints.complaint")
    )
    waiting, answered = rows.one()
    return {"open": waiting, "answered": answered}
