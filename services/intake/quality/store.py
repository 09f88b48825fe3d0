"""The tables of data quality and their SQL: flags, counts by unit and day, and the walks that find them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

TABLES = (
    # range scans by agency and day rest on it, whatever collation the database has; and bytes compare faster
    'ALTER TABLE intake.thing ALTER COLUMN key TYPE text COLLATE "C"',
    """
    CREATE TABLE intake.quality_flag (  -- thing: a dossier, or of missing numbers the code without its number
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        thing text COLLATE "C" NOT NULL,
        flag text NOT NULL,
        unit text NOT NULL,
        day date NOT NULL,
        amount integer NOT NULL,
        evidence json NOT NULL,
        first_seen timestamptz NOT NULL,
        last_seen timestamptz NOT NULL,
        gone_at timestamptz,
        UNIQUE (thing, flag)
    )
    """,
    "CREATE INDEX quality_flag_open ON intake.quality_flag (unit, day) WHERE gone_at IS NULL",
    """
    CREATE TABLE intake.quality_count (  -- as it was said last
        unit text NOT NULL,
        day date NOT NULL,
        counts json NOT NULL,
        revision integer NOT NULL,
        PRIMARY KEY (unit, day)
    )
    """,
    """
    CREATE TABLE intake.quality_walk (  -- slot: of a nightly one
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        slot timestamptz UNIQUE,
        first date NOT NULL,
        last date NOT NULL,
        stage text NOT NULL DEFAULT 'agency',
        agency text NOT NULL DEFAULT '',
        cursor text NOT NULL DEFAULT '',
        seen integer NOT NULL DEFAULT 0,
        begun_at timestamptz NOT NULL,
        finished_at timestamptz
    )
    """,
    "CREATE INDEX quality_walk_unfinished ON intake.quality_walk (id) WHERE finished_at IS NULL",
)


class Row(NamedTuple):
    """An open flag."""

    thing: str
    flag: str
    unit: str
    day: date
    amount: int
    evidence: Mapping[str, Any]


async def list_keys(connection: AsyncConnection, *, after: str, until: str | None, limit: int) -> list[str]:
    """Return keys of things behind `after`, before `until`, in order. The table itself is not read."""
    rows = await connection.execute(
        text(
            "SELECT key FROM intake.thing WHERE key > :after"
            + (" AND key < :until" if until is not None else "")
            + " ORDER BY key LIMIT :limit"
        ),
        {"after": after, "limit": limit, **({"until": until} if until is not None else {})},
    )
    return list(rows.scalars())


async def list_documents(
    connection: AsyncConnection, *, after: str, until: str, limit: int
) -> list[tuple[str, dict[str, Any]]]:
    rows = await connection.execute(
        text(
            "SELECT key, document::text FROM intake.thing WHERE key > :after AND key < :until ORDER BY key LIMIT :limit"
        ),
        {"after": after, "until": until, "limit": limit},
    )
    return [(key, orjson.loads(document)) for key, document in rows]


async def find_documents(connection: AsyncConnection, keys: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    rows = await connection.execute(
        text("SELECT key, document::text FROM intake.thing WHERE key = ANY(:keys)"), {"keys": list(keys)}
    )
    return [(key, orjson.loads(document)) for key, document in rows]


async def list_flagged_before(connection: AsyncConnection, day: date, *, after: str, limit: int) -> list[str]:
    """Return the things with an open flag of an earlier day."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT thing FROM intake.quality_flag WHERE gone_at IS NULL AND day < :day AND thing > :after "
            "ORDER BY thing LIMIT :limit"
        ),
        {"day": day, "after": after, "limit": limit},
    )
    return list(rows.scalars())


async def lock_open(connection: AsyncConnection, things: Collection[str]) -> list[Row]:
    rows = await connection.execute(
        text(
            "SELECT thing, flag, unit, day, amount, evidence FROM intake.quality_flag "
            "WHERE thing = ANY(:things) AND gone_at IS NULL ORDER BY thing, flag FOR UPDATE"
        ),
        {"things": list(things)},
    )
    return [Row(*row) for row in rows]


async def put_flags(connection: AsyncConnection, rows: Sequence[Row], *, now: datetime) -> None:
    """Store open flags; one that was gone is open again."""
    ordered = sorted(rows, key=lambda row: (row.thing, row.flag))
    await connection.execute(
        text(
            "INSERT INTO intake.quality_flag AS known "
            "(thing, flag, unit, day, amount, evidence, first_seen, last_seen) "
            "SELECT t, f, u, d, a, e, :now, :now FROM unnest(CAST(:things AS text[]), CAST(:flags AS text[]), "
            "CAST(:units AS text[]), CAST(:days AS date[]), CAST(:amounts AS integer[]), CAST(:evidences AS json[])) "
            "AS new(t, f, u, d, a, e) ON CONFLICT (thing, flag) DO UPDATE SET unit = excluded.unit, "
            "day = excluded.day, amount = excluded.amount, evidence = excluded.evidence, "
            "last_seen = excluded.last_seen, gone_at = NULL"
        ),
        {
            "now": now,
            "things": [row.thing for row in ordered],
            "flags": [row.flag for row in ordered],
            "units": [row.unit for row in ordered],
            "days": [row.day for row in ordered],
            "amounts": [row.amount for row in ordered],
            "evidences": [orjson.dumps(row.evidence).decode() for row in ordered],
        },
    )


async def end_flags(connection: AsyncConnection, ended: Sequence[Row], *, now: datetime) -> None:
    await connection.execute(
        text(
            "UPDATE intake.quality_flag AS known SET gone_at = :now FROM unnest(CAST(:things AS text[]), "
            "CAST(:flags AS text[])) AS gone(thing, flag) WHERE known.thing = gone.thing AND known.flag = gone.flag"
        ),
        {"now": now, "things": [row.thing for row in ended], "flags": [row.flag for row in ended]},
    )


async def recount(
    connection: AsyncConnection, touched: Collection[tuple[str, date]]
) -> list[tuple[str, date, dict[str, int], int]]:
    """Count the open flags of units' days anew; returns those whose counts changed, with their new revision."""
    ordered = sorted(touched)
    rows = await connection.execute(
        text(
            "WITH asked AS (SELECT * FROM unnest(CAST(:units AS text[]), CAST(:days AS date[])) AS asked(unit, day)), "
            "counted AS (SELECT asked.unit, asked.day, coalesce(jsonb_object_agg(flag, amount) "
            "FILTER (WHERE flag IS NOT NULL), '{}') AS counts FROM asked LEFT JOIN ("
            "SELECT unit, day, flag, sum(amount) AS amount FROM intake.quality_flag JOIN asked USING (unit, day) "
            "WHERE gone_at IS NULL GROUP BY unit, day, flag) AS open USING (unit, day) GROUP BY 1, 2) "
            "INSERT INTO intake.quality_count AS known (unit, day, counts, revision) "
            "SELECT unit, day, counts, 1 FROM counted ORDER BY unit, day "
            "ON CONFLICT (unit, day) DO UPDATE SET counts = excluded.counts, revision = known.revision + 1 "
            "WHERE known.counts::jsonb <> excluded.counts::jsonb RETURNING unit, day, counts, revision"
        ),
        {"units": [unit for unit, _ in ordered], "days": [day for _, day in ordered]},
    )
    return [(unit, day, counts, revision) for unit, day, counts, revision in rows]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which flags are asked for; None: any. gone: also those that hold no longer."""

    unit: str | None = None
    flag: str | None = None
    first: date | None = None
    last: date | None = None
    gone: bool = False

    def where(self) -> tuple[str, dict[str, Any]]:
        conditions = {
            "unit = :unit": ("unit", self.unit),
            "flag = :flag": ("flag", self.flag),
            "day >= :first": ("first", self.first),
            "day <= :last": ("last", self.last),
        }
        asked = {condition: named for condition, named in conditions.items() if named[1] is not None}
        said = [*asked, *([] if self.gone else ["gone_at IS NULL"])]
        return " AND ".join(said) or "true", dict(asked.values())


async def list_flags(connection: AsyncConnection, wanted: Wanted, *, after: int, limit: int) -> list[dict[str, Any]]:
    where, bound = wanted.where()
    rows = await connection.execute(
        text(
            "SELECT id, unit, thing, flag, day, amount, evidence, first_seen, last_seen, gone_at "
            f"FROM intake.quality_flag WHERE id > :after AND {where} ORDER BY id LIMIT :limit"
        ),
        {**bound, "after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def count_flags(connection: AsyncConnection, wanted: Wanted) -> list[dict[str, Any]]:
    """Return by unit and flag how much is flagged."""
    where, bound = wanted.where()
    rows = await connection.execute(
        text(
            f"SELECT unit, flag, sum(amount)::integer AS count FROM intake.quality_flag WHERE {where} "
            "GROUP BY unit, flag ORDER BY unit, flag"
        ),
        bound,
    )
    return [dict(row._mapping) for row in rows]


async def count_by_unit(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(
        text("SELECT unit, sum(amount) AS amount FROM intake.quality_flag WHERE gone_at IS NULL GROUP BY unit")
    )
    return {row.unit: int(row.amount) for row in rows}


async def count_by_flag(connection: AsyncConnection) -> dict[str, float]:
    rows = await connection.execute(
        text("SELECT flag, sum(amount) AS amount FROM intake.quality_flag WHERE gone_at IS NULL GROUP BY flag")
    )
    return {row.flag: float(row.amount) for row in rows}


async def reference_mark(connection: AsyncConnection) -> tuple[int, ...]:
    """Return what changes whenever a unit or a calendar does."""
    rows = await connection.execute(
        text(
            "SELECT (SELECT count(*) FROM intake.unit), (SELECT coalesce(sum(revision), 0) FROM intake.unit), "
            "(SELECT count(*) FROM intake.calendar), (SELECT coalesce(sum(revision), 0) FROM intake.calendar)"
        )
    )
    return tuple(int(number) for number in rows.one())
