"""The tables of the ledger: the parts of a census as they come, how it compared, and what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.ledger.standing import Difference
from shared.events import CensusTaken

DDL = (
    """
    CREATE TABLE IF NOT EXISTS {schema}.census_part (
        slot timestamptz NOT NULL,
        part integer NOT NULL,
        parts integer NOT NULL,
        taken_at timestamptz NOT NULL,
        heard_at timestamptz NOT NULL,
        ids text[] NOT NULL,
        revisions bigint[] NOT NULL,
        PRIMARY KEY (slot, part)
    )
    """,  # of censuses that have not been compared yet
    """
    CREATE TABLE IF NOT EXISTS {schema}.ledger (
        slot timestamptz PRIMARY KEY,
        taken_at timestamptz NOT NULL,
        looked_at timestamptz NOT NULL,
        next_look_at timestamptz,
        overdue integer NOT NULL DEFAULT 0,
        newer integer NOT NULL DEFAULT 0,
        standings jsonb NOT NULL DEFAULT '{{}}'
    )
    """,  # overdue: of the census; newer: of these, what had changed here since; standings: how many stand how
    """
    CREATE TABLE IF NOT EXISTS {schema}.ledger_difference (
        obligation_id text PRIMARY KEY,
        kind text NOT NULL,
        revision bigint NOT NULL,
        found_at timestamptz NOT NULL,
        stands_at timestamptz
    )
    """,  # of the newest census; stands_at: since when it is an alarm
)


TORN_AFTER = timedelta(hours=1)  # the first part of a census: the others came with it, or do not come
MISSING_AFTER = timedelta(hours=26)  # the census before: one is taken each morning


@dataclass(frozen=True, slots=True)
class Census:
    """A census. heard: parts of it that are here. heard_at: when the first of them came, or it was taken."""

    slot: datetime
    taken_at: datetime
    parts: int
    heard: int
    heard_at: datetime


async def put_parts(connection: AsyncConnection, parts: Sequence[CensusTaken], *, at: datetime) -> None:
    """Keep parts of a census; one heard before, or of a census no newer than the one compared last, is passed over."""
    for part in sorted(parts, key=lambda one: (one.slot, one.part)):
        await connection.execute(
            text(
                "INSERT INTO notify.census_part SELECT :slot, :part, :parts, :taken_at, :at, :ids, :revisions "
                "WHERE NOT EXISTS (SELECT FROM notify.ledger WHERE slot >= :slot) ON CONFLICT DO NOTHING"
            ),
            {
                **part.model_dump(include={"slot", "part", "parts", "taken_at"}),
                "at": at,
                "ids": [id for id, _ in part.overdue],
                "revisions": [revision for _, revision in part.overdue],
            },
        )


async def list_censuses(connection: AsyncConnection) -> list[Census]:
    """Return the censuses of which parts are here and that have not been compared, the newest first."""
    rows = await connection.execute(
        text(
            "SELECT slot, max(taken_at), max(parts), count(*), greatest(min(heard_at), max(taken_at)) "
            "FROM notify.census_part GROUP BY slot ORDER BY slot DESC"
        )
    )
    return [Census(*row) for row in rows]


async def take_up(connection: AsyncConnection, census: Census, *, at: datetime) -> bool:
    """Take up a census; returns whether it is ours to compare, and not another copy's."""
    await connection.execute(text("UPDATE notify.ledger SET next_look_at = NULL WHERE next_look_at IS NOT NULL"))
    rows = await connection.execute(
        text(
            "INSERT INTO notify.ledger (slot, taken_at, looked_at) VALUES (:slot, :taken_at, :at) "
            "ON CONFLICT DO NOTHING RETURNING slot"
        ),
        {"slot": census.slot, "taken_at": census.taken_at, "at": at},
    )
    return rows.one_or_none() is not None


async def take_up_again(connection: AsyncConnection, *, at: datetime, asked: bool) -> tuple[datetime, datetime] | None:
    """Take up the newest census for another look. asked: somebody wants it now.

    returns: its slot and when it was taken, None where it is not time for one.
    """
    rows = await connection.execute(
        text(
            "SELECT slot, taken_at FROM notify.ledger WHERE slot = (SELECT max(slot) FROM notify.ledger) "
            "AND (next_look_at <= :at OR :asked) FOR UPDATE"
        ),
        {"at": at, "asked": asked},
    )
    row = rows.one_or_none()
    return (row.slot, row.taken_at) if row else None


async def end(connection: AsyncConnection, slot: datetime, *, at: datetime, again_at: datetime | None) -> None:
    """Note that a look ended. again_at: of the next one, unless that comes sooner; None where nothing differs."""
    await connection.execute(
        text(
            "UPDATE notify.ledger SET looked_at = :at, next_look_at = CASE WHEN next_look_at > :at "
            "AND CAST(:again_at AS timestamptz) IS NOT NULL THEN next_look_at ELSE :again_at END WHERE slot = :slot"
        ),
        {"slot": slot, "at": at, "again_at": again_at},
    )


async def put_counts(
    connection: AsyncConnection, slot: datetime, *, overdue: int, newer: int, standings: Mapping[str, int]
) -> None:
    """Keep what the first look at a census counted."""
    await connection.execute(
        text(
            "UPDATE notify.ledger SET overdue = :overdue, newer = :newer, standings = CAST(:standings AS jsonb) "
            "WHERE slot = :slot"
        ),
        {"slot": slot, "overdue": overdue, "newer": newer, "standings": orjson.dumps(standings).decode()},
    )


async def forget_parts(connection: AsyncConnection, *, up_to: datetime) -> None:
    await connection.execute(text("DELETE FROM notify.census_part WHERE slot <= :slot"), {"slot": up_to})


async def put_differences(
    connection: AsyncConnection, found: Mapping[str, tuple[Difference, int]], *, at: datetime, stands_after: timedelta
) -> None:
    """Keep what differs now; what is no more in it is gone.

    stands_after: what has differed in the same way for so long stands, and is an alarm.
    """
    ids = sorted(found)
    values = {
        "ids": ids,
        "kinds": [found[id][0] for id in ids],
        "revisions": [found[id][1] for id in ids],
        "at": at,
        "since": at - stands_after,
    }
    await connection.execute(
        text(
            "DELETE FROM notify.ledger_difference d WHERE NOT EXISTS "
            "(SELECT FROM unnest(CAST(:ids AS text[])) AS t(id) WHERE t.id = d.obligation_id)"
        ),
        {"ids": ids},
    )
    await connection.execute(
        text(
            "INSERT INTO notify.ledger_difference AS d (obligation_id, kind, revision, found_at) "
            "SELECT id, kind, revision, :at FROM unnest(CAST(:ids AS text[]), CAST(:kinds AS text[]), "
            "CAST(:revisions AS bigint[])) AS t(id, kind, revision) ON CONFLICT (obligation_id) DO UPDATE SET "
            "kind = excluded.kind, revision = excluded.revision, "
            "found_at = CASE WHEN d.kind = excluded.kind THEN d.found_at ELSE :at END, "
            "stands_at = CASE WHEN d.kind = excluded.kind AND d.found_at <= :since THEN coalesce(d.stands_at, :at) END"
        ),
        values,
    )


async def count_standing(connection: AsyncConnection, *, now: datetime) -> dict[str, int]:
    """Return what stands, by kind; a census of which a part is missing, or that has not come at all, counts as 1."""
    rows = await connection.execute(
        text("SELECT kind, count(*) AS number FROM notify.ledger_difference WHERE stands_at IS NOT NULL GROUP BY kind")
    )
    counted = dict.fromkeys(get_args(Difference), 0) | {row.kind: row.number for row in rows}
    newest = (await connection.execute(text("SELECT max(taken_at) FROM notify.ledger"))).scalar_one()
    torn = [one for one in await list_censuses(connection) if one.heard < one.parts and now - one.heard_at > TORN_AFTER]
    counted["census_incomplete"] = len(torn)
    counted["census_missing"] = int(newest is not None and now - newest > MISSING_AFTER)
    return counted


async def newest(connection: AsyncConnection) -> dict[str, Any] | None:
    """Return the newest comparison."""
    rows = await connection.execute(
        text(
            "SELECT slot, taken_at, looked_at, next_look_at, overdue, newer, standings FROM notify.ledger "
            "ORDER BY slot DESC LIMIT 1"
        )
    )
    row = rows.one_or_none()
    return dict(row._mapping) if row else None


async def list_differences(connection: AsyncConnection, *, after: str, limit: int) -> list[dict[str, Any]]:
    """Return what differs, by obligation id, behind `after`."""
    rows = await connection.execute(
        text(
            "SELECT obligation_id, kind, revision, found_at, stands_at FROM notify.ledger_difference "
            "WHERE obligation_id > :after ORDER BY obligation_id LIMIT :limit"
        ),
        {"after": after, "limit": limit},
    )
    return [dict(row._mapping) for row in rows]


async def count_differences(connection: AsyncConnection) -> dict[str, int]:
    """Return what differs by kind, standing or not."""
    rows = await connection.execute(
        text("SELECT kind, count(*) AS number FROM notify.ledger_difference GROUP BY kind ORDER BY kind")
    )
    return {row.kind: row.number for row in rows}


async def next_look(connection: AsyncConnection) -> datetime | None:
    """Return when to look again at what differed."""
    at: datetime | None = (await connection.execute(text("SELECT min(next_look_at) FROM notify.ledger"))).scalar_one()
    return at
