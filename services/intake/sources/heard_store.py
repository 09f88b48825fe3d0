"""When each source was heard, and whether it is silent: the SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.sources.silence import Hour
from shared.clock import PROVINCE_ZONE

WATCHED = "source, heard_at, silent_since, allowed_min, revision, watched_from"


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a source's speaking. heard_at: to the minute. silent_since: it is silent, last heard then."""

    heard_at: datetime
    silent_since: datetime | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A source that is due to be looked at, locked. allowed_min: while it is silent, what was allowed to it.

    watched_from: when it was enabled, or watched again; before then it could not be silent.
    """

    source: str
    heard_at: datetime
    silent_since: datetime | None
    allowed_min: int | None
    revision: int
    watched_from: datetime | None

    @property
    def quiet_from(self) -> datetime:
        """From when silence counts."""
        return max(self.heard_at, self.watched_from or self.heard_at)


async def find_states(connection: AsyncConnection, sources: Sequence[str]) -> tuple[str, dict[str, State]]:
    """Return the register's version and what is known of some sources, in one question."""
    rows = (
        await connection.execute(
            text(
                "SELECT v.version, h.source, h.heard_at, h.silent_since FROM intake.source_version AS v "
                "LEFT JOIN intake.source_heard AS h ON h.source = ANY(:sources)"
            ),
            {"sources": list(sources)},
        )
    ).all()
    return rows[0].version, {row.source: State(row.heard_at, row.silent_since) for row in rows if row.source}


async def put_heard(
    connection: AsyncConnection, newest: Mapping[str, datetime], hours: Sequence[tuple[str, Hour]], *, look_min: int
) -> None:
    """Remember until when sources were heard, and the hours. look_min: after so many minutes a new one is looked at."""
    names = sorted(newest)
    await connection.execute(
        text(
            "INSERT INTO intake.source_heard AS known (source, heard_at, due_at) "
            "SELECT s, a, a + make_interval(mins => :look) "
            "FROM unnest(CAST(:names AS text[]), CAST(:ats AS timestamptz[])) AS new(s, a) "
            "ON CONFLICT (source) DO UPDATE SET heard_at = greatest(known.heard_at, excluded.heard_at), "
            "due_at = CASE WHEN known.silent_since IS NULL THEN coalesce(known.due_at, excluded.due_at) END"
        ),
        {"names": names, "ats": [newest[name] for name in names], "look": look_min},
    )
    ordered = sorted(hours, key=lambda one: (one[0], one[1].day, one[1].hour))
    await connection.execute(
        text(
            "INSERT INTO intake.source_hour AS known SELECT * FROM unnest(CAST(:sources AS text[]), "
            "CAST(:days AS date[]), CAST(:hours AS smallint[]), CAST(:firsts AS smallint[]), "
            "CAST(:lasts AS smallint[]), CAST(:gaps AS smallint[])) ON CONFLICT (source, day, hour) DO UPDATE SET "
            "first = least(known.first, excluded.first), last = greatest(known.last, excluded.last), "
            "gap = greatest(known.gap, excluded.gap, excluded.first - known.last)"
        ),
        {
            "sources": [source for source, _ in ordered],
            "days": [hour.day for _, hour in ordered],
            "hours": [hour.hour for _, hour in ordered],
            "firsts": [hour.first for _, hour in ordered],
            "lasts": [hour.last for _, hour in ordered],
            "gaps": [hour.gap for _, hour in ordered],
        },
    )


async def lock_due(connection: AsyncConnection, now: datetime, *, limit: int) -> list[Watched]:
    """Return sources that are due to be looked at; another copy passes them over."""
    rows = await connection.execute(
        text(
            f"SELECT {WATCHED} FROM intake.source_heard "
            "WHERE due_at <= :now ORDER BY source LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"now": now, "limit": limit},
    )
    return [_watched(row) for row in rows]


async def lock_silent(connection: AsyncConnection, sources: Sequence[str]) -> list[Watched]:
    """Return those of some sources that are silent, locked in the order of their names."""
    rows = await connection.execute(
        text(
            f"SELECT {WATCHED} FROM intake.source_heard "
            "WHERE source = ANY(:sources) AND silent_since IS NOT NULL ORDER BY source FOR UPDATE"
        ),
        {"sources": list(sources)},
    )
    return [_watched(row) for row in rows]


def _watched(row: Any) -> Watched:
    heard_at, watched_from = (at.astimezone(PROVINCE_ZONE) if at else None for at in (row.heard_at, row.watched_from))
    assert heard_at
    return Watched(row.source, heard_at, row.silent_since, row.allowed_min, row.revision, watched_from)


async def look_again(connection: AsyncConnection, source: str, *, at: datetime | None) -> None:
    """Set when a source is looked at next, None = not until it speaks."""
    await connection.execute(
        text("UPDATE intake.source_heard SET due_at = :at WHERE source = :source"), {"source": source, "at": at}
    )


async def watch_from(connection: AsyncConnection, source: str, *, at: datetime) -> None:
    """Count a source's silence from a moment on, and look at it then."""
    await connection.execute(
        text("UPDATE intake.source_heard SET watched_from = :at, due_at = :at WHERE source = :source"),
        {"source": source, "at": at},
    )


async def mark_silent(connection: AsyncConnection, source: str, *, allowed_min: int) -> None:
    await connection.execute(
        text(
            "UPDATE intake.source_heard SET silent_since = heard_at, allowed_min = :allowed, due_at = NULL, "
            "revision = revision + 1 WHERE source = :source"
        ),
        {"source": source, "allowed": allowed_min},
    )


async def mark_heard(connection: AsyncConnection, source: str, *, look_at: datetime | None) -> None:
    await connection.execute(
        text(
            "UPDATE intake.source_heard SET silent_since = NULL, allowed_min = NULL, due_at = :at, "
            "revision = revision + 1 WHERE source = :source"
        ),
        {"source": source, "at": look_at},
    )


async def list_hours(connection: AsyncConnection, source: str, *, since: date) -> list[Hour]:
    rows = await connection.execute(
        text(
            "SELECT day, hour, first, last, gap FROM intake.source_hour "
            "WHERE source = :source AND day >= :since ORDER BY day, hour"
        ),
        {"source": source, "since": since},
    )
    return [Hour(*row) for row in rows]


async def forget_hours(connection: AsyncConnection, source: str, *, before: date) -> None:
    await connection.execute(
        text("DELETE FROM intake.source_hour WHERE source = :source AND day < :before"),
        {"source": source, "before": before},
    )


async def next_look(connection: AsyncConnection) -> datetime | None:
    at: datetime | None = (await connection.execute(text("SELECT min(due_at) FROM intake.source_heard"))).scalar()
    return at


async def list_silent(connection: AsyncConnection) -> dict[str, datetime]:
    """Return since when each silent source has been so."""
    rows = await connection.execute(
        text("SELECT source, silent_since FROM intake.source_heard WHERE silent_since IS NOT NULL")
    )
    return {row.source: row.silent_since for row in rows}


async def list_all(connection: AsyncConnection) -> dict[str, dict[str, Any]]:
    """Return for each source when it was last heard and since when it is silent, for showing."""
    rows = await connection.execute(text("SELECT source, heard_at, silent_since, allowed_min FROM intake.source_heard"))
    return {row.source: dict(row._mapping) for row in rows}


async def find_province_calendar(connection: AsyncConnection, code: str) -> tuple[int, dict[str, Any]] | None:
    """Return revision and entries of the province's calendar, None where none was loaded."""
    row = (
        await connection.execute(
            text("SELECT revision, document FROM intake.calendar WHERE code = :code"), {"code": code}
        )
    ).first()
    return (row.revision, row.document["given"]) if row else None
