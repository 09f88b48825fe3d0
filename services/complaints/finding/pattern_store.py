"""The patterns that were seen: the table and its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding.growing import AboutKind, Seen, Standing
from services.complaints.finding.store import Visible

# told: how many when it was last said. restricted: counts restricted feedback too, and only its superior may know of it
# lasts_until: when too few are left in the time, if no more come. ended: that has come; closed_at: that, or a person
DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.pattern (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        about_kind text NOT NULL,
        about text NOT NULL,
        restricted boolean NOT NULL,
        not_to text[] NOT NULL,
        above text,
        count integer NOT NULL,
        told integer NOT NULL,
        codes text[] NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        lasts_until timestamptz NOT NULL,
        opened_at timestamptz NOT NULL,
        closed_at timestamptz,
        ended boolean NOT NULL DEFAULT false,
        revision integer NOT NULL DEFAULT 1
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS pattern_lasting ON {schema}.pattern (about_kind, about, restricted) "
    "WHERE NOT ended",
    "CREATE INDEX IF NOT EXISTS pattern_lasts ON {schema}.pattern (lasts_until) WHERE NOT ended",
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Many feedbacks about one. count: in the time that counts; codes: of the newest of them. above: who is told."""

    id: int
    about_kind: AboutKind
    about: str
    restricted: bool
    not_to: tuple[str, ...]
    above: str | None
    count: int
    codes: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    revision: int
    code: str


PATTERN_COLUMNS = (
    "id, about_kind, about, restricted, not_to, above, count, codes, first_at, last_at, opened_at, closed_at, "
    "revision, code"
)


def _pattern(row: Any) -> Pattern:
    pattern = Pattern(*row)
    return replace(pattern, not_to=tuple(pattern.not_to), codes=tuple(pattern.codes))


async def list_standing(connection: AsyncConnection, abouts: Sequence[tuple[AboutKind, str]]) -> list[Standing]:
    """Return the patterns about these that last, locked."""
    rows = await connection.execute(
        text(
            "SELECT id, about_kind, about, restricted, told FROM complaints.pattern JOIN "
            "unnest(CAST(:kinds AS text[]), CAST(:abouts AS text[])) AS asked (about_kind, about) "
            "USING (about_kind, about) WHERE NOT ended ORDER BY id FOR UPDATE OF pattern"
        ),
        {"kinds": [k for k, _ in abouts], "abouts": [a for _, a in abouts]},
    )
    return [Standing(*row) for row in rows]


async def add_pattern(connection: AsyncConnection, seen: Seen, *, at: datetime) -> Pattern:
    rows = await connection.execute(
        text(
            "INSERT INTO complaints.pattern (about_kind, about, restricted, not_to, above, count, told, codes, "
            "first_at, last_at, lasts_until, opened_at) VALUES (:kind, :about, :restricted, :not_to, :above, :count, "
            f":count, :codes, :first, :last, :lasts_until, :at) RETURNING {PATTERN_COLUMNS}"
        ),
        {"kind": seen.about_kind, "about": seen.about, "restricted": seen.restricted, "at": at, **_values(seen)},
    )
    return _pattern(rows.one())


async def put_pattern(connection: AsyncConnection, id: int, seen: Seen, *, again_at: datetime | None) -> Pattern:
    """Bring a pattern up to what is seen. again_at: it is said again, then; None: it is not."""
    rows = await connection.execute(
        text(
            "UPDATE complaints.pattern SET not_to = :not_to, above = :above, count = :count, codes = :codes, "
            "first_at = :first, last_at = :last, lasts_until = :lasts_until, "
            "told = CASE WHEN :again THEN :count ELSE told END, "
            "closed_at = CASE WHEN :again THEN NULL ELSE closed_at END, "
            "opened_at = CASE WHEN :again THEN :at ELSE opened_at END, "
            f"revision = revision + CAST(:again AS integer) WHERE id = :id RETURNING {PATTERN_COLUMNS}"
        ),
        {"id": id, "again": again_at is not None, "at": again_at, **_values(seen)},
    )
    return _pattern(rows.one())


def _values(seen: Seen) -> dict[str, Any]:
    return {
        "not_to": list(seen.kept_from),
        "above": seen.to,
        "count": seen.count,
        "codes": list(seen.codes),
        "first": seen.first_at,
        "last": seen.last_at,
        "lasts_until": seen.lasts_until,
    }


async def end_pattern(connection: AsyncConnection, id: int, *, at: datetime) -> None:
    """Say that too few are left."""
    await connection.execute(
        text("UPDATE complaints.pattern SET ended = true, closed_at = coalesce(closed_at, :at) WHERE id = :id"),
        {"id": id, "at": at},
    )


async def list_patterns(
    connection: AsyncConnection, *, visible: Visible, closed: bool = False, before: str | None = None, limit: int = 50
) -> list[Pattern]:
    """Return patterns, the newest first. closed: those that ended or were closed, instead of those that stand.

    before: the number of the last one of the page before.
    """
    rows = await connection.execute(
        text(
            f"SELECT {PATTERN_COLUMNS} FROM complaints.pattern WHERE ({visible.sql}) "
            "AND (closed_at IS NOT NULL) = :closed AND (CAST(:before AS text) IS NULL "
            "OR id < (SELECT id FROM complaints.pattern WHERE code = :before)) "
            "ORDER BY id DESC LIMIT :limit"
        ),
        {"closed": closed, "before": before, "limit": limit, **visible.params},
    )
    return [_pattern(row) for row in rows]


async def close(connection: AsyncConnection, code: str, *, visible: Visible, at: datetime) -> Pattern | None:
    """Close a pattern that was looked into; it opens again when it grows by half. None: none such stands."""
    rows = await connection.execute(
        text(
            "UPDATE complaints.pattern SET closed_at = :at WHERE code = :code AND closed_at IS NULL "
            f"AND ({visible.sql}) RETURNING {PATTERN_COLUMNS}"
        ),
        {"code": code, "at": at, **visible.params},
    )
    row = rows.one_or_none()
    return _pattern(row) if row else None
