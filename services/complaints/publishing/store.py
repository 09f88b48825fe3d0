"""The columns of what is published, and their SQL. Everybody may read what comes out of here."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# What all may read, of rows under the name c. `life` lets nothing else be published, and takes the words away with the
# state; a row that is kept from anybody for whatever reason is in no index of these, and so on no page.
FOR_ALL = (
    "c.state = 'published' AND c.kind IN ('reflection', 'recommendation') AND NOT c.restricted "
    "AND NOT c.hides_identity AND NOT c.suspected AND c.published_answer IS NOT NULL"
)
ORDER = "published_at DESC, id DESC"
_WHERE = FOR_ALL.replace("c.", "")
# published_as: a place in the list. By chance, for an id's gaps would tell how much is hidden, a number whose it is.
DDL = (
    """
    ALTER TABLE {schema}.complaint
        ADD COLUMN published_as uuid NOT NULL DEFAULT gen_random_uuid(),
        ADD COLUMN published_question text,
        ADD COLUMN published_answer text
    """,
    f"CREATE INDEX complaint_published ON {{schema}}.complaint ({ORDER}) WHERE {_WHERE}",
    f"CREATE INDEX complaint_published_unit ON {{schema}}.complaint (handler, {ORDER}) WHERE {_WHERE}",
    f"CREATE INDEX complaint_published_field ON {{schema}}.complaint (field, {ORDER}) WHERE {_WHERE}",
    f"CREATE UNIQUE INDEX complaint_published_as ON {{schema}}.complaint (published_as) WHERE {_WHERE}",
)


class Entry(NamedTuple):
    """What is read of a row."""

    published_as: UUID
    unit: str | None
    field: str | None
    filed_at: datetime
    answered_at: datetime
    published_at: datetime
    question: str | None
    answer: str


class Place(NamedTuple):
    """Where a row stands in the list; never shown."""

    published_at: datetime
    id: int


async def place_of(connection: AsyncConnection, published_as: UUID) -> Place | None:
    """Return where what is published stands in the list; None where it is not, or not any more."""
    rows = await connection.execute(
        text(f"SELECT published_at, id FROM complaints.complaint c WHERE published_as = :it AND {FOR_ALL}"),
        {"it": published_as},
    )
    row = rows.one_or_none()
    return Place(*row) if row else None


async def list_published(
    connection: AsyncConnection, *, unit: str | None, field: str | None, before: Place | None, limit: int
) -> list[Entry]:
    """Return what is published, the newest first. unit, field: of these alone. before: the end of the page before."""
    conditions, values = [FOR_ALL], dict[str, object](limit=limit)
    for column, asked in (("handler", unit), ("field", field)):
        if asked is not None:
            conditions.append(f"c.{column} = :{column}")
            values[column] = asked
    if before is not None:
        conditions.append("(c.published_at, c.id) < (:published_at, :id)")
        values |= before._asdict()
    rows = await connection.execute(
        text(
            "SELECT published_as, handler, field, filed_at, answered_at, published_at, published_question, "
            f"published_answer FROM complaints.complaint c WHERE {' AND '.join(conditions)} "
            f"ORDER BY {ORDER} LIMIT :limit"
        ),
        values,
    )
    return [Entry(*row) for row in rows]


async def units_of_published(connection: AsyncConnection) -> list[str]:
    """Return the codes of the units of which something is published: one look into the index for each."""
    next_one = f"SELECT min(handler) FROM complaints.complaint c WHERE {FOR_ALL}"
    rows = await connection.execute(
        text(
            f"WITH RECURSIVE unit AS (SELECT ({next_one}) AS code UNION ALL "
            f"SELECT ({next_one} AND handler > unit.code) FROM unit WHERE unit.code IS NOT NULL) "
            "SELECT code FROM unit WHERE code IS NOT NULL"
        )
    )
    return list(rows.scalars())
