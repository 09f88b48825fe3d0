"""What is counted: obligations by kind and state, the overdue of a census, the events said in each hour. SQL only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.cloudevents import Outgoing

TABLES = (
    """
    CREATE TABLE deadline.tally (  -- events said since the hour was counted last, a row a transaction
        hour timestamptz NOT NULL,
        number integer NOT NULL,
        digest numeric NOT NULL
    )
    """,
    """
    CREATE TABLE deadline.counted (  -- what was said of each hour's events
        hour timestamptz PRIMARY KEY,
        revision integer NOT NULL,
        number bigint NOT NULL,
        digest numeric NOT NULL
    )
    """,
)
MODULUS = 1 << 64  # of a digest: the sum of eight-byte hashes


class Counted(NamedTuple):
    """The events of one hour. revision: how often it was counted. digest: of their ids."""

    hour: datetime
    revision: int
    number: int
    digest: int


class Overdue(NamedTuple):
    """Open obligations past their due time at one moment, as ids with revisions, and all open ones by kind."""

    ids: Sequence[tuple[str, int]]
    counts: dict[str, dict[str, int]]


def digest(ids: Iterable[str]) -> int:
    """Return the sum of the first eight bytes of each id's BLAKE2b: the order does not matter."""
    return sum(int.from_bytes(blake2b(id.encode(), digest_size=8).digest(), "big") for id in ids) % MODULUS


async def tally(connection: AsyncConnection, events: Sequence[Outgoing], *, now: datetime) -> None:
    """Add events to the count of their hour, with what they tell of. now: the time that stands in them."""
    if events:
        await connection.execute(
            text("INSERT INTO deadline.tally VALUES (:hour, :number, CAST(CAST(:digest AS text) AS numeric))"),
            {
                "hour": now.replace(minute=0, second=0, microsecond=0),
                "number": len(events),
                "digest": str(digest(event.id for event in events)),
            },
        )


async def count_hours(connection: AsyncConnection, *, before: datetime) -> list[Counted]:
    """Count the tallies of hours that began before then, and return each hour's sums; one counted again is higher."""
    rows = await connection.execute(
        text(
            "WITH taken AS (DELETE FROM deadline.tally WHERE hour < :before RETURNING hour, number, digest), "
            "sums AS (SELECT hour, sum(number) AS number, sum(digest) AS digest FROM taken GROUP BY hour) "
            "INSERT INTO deadline.counted AS c SELECT hour, 1, number, mod(digest, :modulus) FROM sums ORDER BY hour "
            "ON CONFLICT (hour) DO UPDATE SET revision = c.revision + 1, number = c.number + excluded.number, "
            "digest = mod(c.digest + excluded.digest, :modulus) "
            "RETURNING hour, revision, number, digest"
        ),
        {"before": before, "modulus": MODULUS},
    )
    return sorted(Counted(row.hour, row.revision, row.number, int(row.digest)) for row in rows)


async def next_timers(connection: AsyncConnection, act: str) -> tuple[datetime | None, datetime | None]:
    """Return the earliest timer of an obligation, and the newest slot of a periodic act."""
    found = await connection.execute(
        text(
            "SELECT (SELECT min(timer_at) FROM deadline.obligation WHERE timer_at IS NOT NULL) AS timer, "
            "(SELECT max(slot) FROM deadline.act WHERE act = :act) AS slot"
        ),
        {"act": act},
    )
    row = found.one()
    return row.timer, row.slot


async def overdue(connection: AsyncConnection, *, at: datetime) -> Overdue:
    """Return what is open and overdue at `at`, from due times and states, in one snapshot of the table.

    What is confidential is among it: who presses has to press for all of it. It goes by its id alone.
    """
    rows = await connection.execute(
        text(
            "WITH open AS (SELECT id, kind, due_at, near_at, document FROM deadline.obligation WHERE state = 'open') "
            "SELECT kind, CASE WHEN due_at IS NULL THEN 'no_deadline' WHEN due_at < :at THEN 'overdue' "
            "WHEN near_at <= :at THEN 'due_soon' ELSE 'on_time' END AS timing, count(*) AS number, "
            "array_agg(id ORDER BY id) FILTER (WHERE due_at < :at) AS ids, "
            "array_agg(CAST(document->>'revision' AS integer) ORDER BY id) FILTER (WHERE due_at < :at) AS revisions "
            "FROM open GROUP BY 1, 2"
        ),
        {"at": at},
    )
    ids: list[tuple[str, int]] = []
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        counts[row.kind][row.timing] = row.number
        ids += zip(row.ids or (), row.revisions or (), strict=True)
    return Overdue(sorted(ids), dict(counts))


async def count_by_kind(connection: AsyncConnection, now: datetime) -> dict[tuple[str, str, str], int]:
    """Return obligations by kind, state and, of the open ones, by timing at `now`; no confidential ones."""
    rows = await connection.execute(
        text(
            "SELECT kind, state, CASE WHEN state <> 'open' THEN '' WHEN due_at IS NULL THEN 'no_deadline' "
            "WHEN due_at < :now THEN 'overdue' WHEN near_at <= :now THEN 'due_soon' ELSE 'on_time' END AS timing, "
            "count(*) AS number FROM deadline.obligation WHERE state <> 'void' AND NOT confidential "
            "GROUP BY 1, 2, 3"
        ),
        {"now": now},
    )
    return {(row.kind, row.state, row.timing): row.number for row in rows}


async def counts(connection: AsyncConnection, now: datetime) -> dict[str, dict[str, int]]:
    """Return obligations by state and, of the open ones, by timing at `now`."""
    counted: dict[str, dict[str, int]] = {"state": defaultdict(int), "open": defaultdict(int)}
    for (_, state, timing), number in (await count_by_kind(connection, now)).items():
        counted["state"][state] += number
        if timing:
            counted["open"][timing] += number
    return {group: dict(values) for group, values in counted.items()}
