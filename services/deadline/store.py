"""The tables of schema `deadline` and all of deadline's SQL."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline.changes import timer_of
from shared import tracing
from shared.events import Obligation

BUCKETS = 256
A_SECOND = timedelta(seconds=1)

TABLES = (
    """
    CREATE TABLE deadline.said (  -- what was said of an obligation, as it came; also the inbox
        bucket smallint NOT NULL,
        obligation text NOT NULL,
        event_id text NOT NULL,
        body bytea NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (bucket, obligation, event_id)
    )
    """,
    """
    CREATE TABLE deadline.obligation (
        id text PRIMARY KEY,
        kind text NOT NULL,
        state text NOT NULL,
        due_at timestamptz,
        near_at timestamptz,
        timer_at timestamptz,
        trace uuid,  -- of what was last said of it: the sweep has no other cause
        document json NOT NULL
    ) WITH (fillfactor = 85)
    """,
    "CREATE INDEX obligation_timer ON deadline.obligation (timer_at) WHERE timer_at IS NOT NULL",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One event as it came. body: the CloudEvent."""

    obligation: str
    event_id: str
    body: bytes


def bucket_of(obligation: str) -> int:
    return zlib.crc32(obligation.encode()) % BUCKETS


async def add_said(connection: AsyncConnection, said: Sequence[Said]) -> list[str]:
    """Store what was not said before; returns the obligations it is about, in id order."""
    ordered = sorted({(s.obligation, s.event_id): s for s in said}.values(), key=lambda s: (s.obligation, s.event_id))
    rows = await connection.execute(
        text(
            "INSERT INTO deadline.said (bucket, obligation, event_id, body) "
            "SELECT * FROM unnest(CAST(:buckets AS smallint[]), CAST(:obligations AS text[]), "
            "CAST(:ids AS text[]), CAST(:bodies AS bytea[])) ON CONFLICT DO NOTHING RETURNING obligation"
        ),
        {
            "buckets": [bucket_of(s.obligation) for s in ordered],
            "obligations": [s.obligation for s in ordered],
            "ids": [s.event_id for s in ordered],
            "bodies": [s.body for s in ordered],
        },
    )
    return sorted(set(rows.scalars()))


async def lock_obligations(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Obligation]:
    """Lock the known ones of `ids`, in id order, and return them."""
    rows = await connection.execute(
        text("SELECT id, document::text FROM deadline.obligation WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"),
        {"ids": list(ids)},
    )
    return {id: orjson.loads(document) for id, document in rows}


async def find_obligation(connection: AsyncConnection, id: str) -> Obligation | None:
    document = (
        await connection.execute(text("SELECT document::text FROM deadline.obligation WHERE id = :id"), {"id": id})
    ).scalar()
    return orjson.loads(document) if document else None


async def list_said(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what each event said of each of `ids`. Read it after the locks."""
    rows = await connection.execute(
        text(
            "SELECT s.obligation, s.body FROM unnest(CAST(:buckets AS smallint[]), CAST(:ids AS text[])) AS k(b, o) "
            "JOIN deadline.said AS s ON s.bucket = k.b AND s.obligation = k.o"
        ),
        {"buckets": [bucket_of(id) for id in ids], "ids": list(ids)},
    )
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for obligation, body in rows:
        said[obligation].append(orjson.loads(body)["data"])
    return said


async def put_obligations(
    connection: AsyncConnection, obligations: Iterable[Obligation], traces: Mapping[str, str]
) -> None:
    """Store the new state of obligations locked before. traces: what caused it, by obligation."""
    columns = _columns(obligations, traces)
    if columns["ids"]:
        await connection.execute(
            text(
                "UPDATE deadline.obligation AS o SET state = n.state, due_at = n.due_at, near_at = n.near_at, "
                "timer_at = n.timer_at, trace = n.trace, document = n.document FROM unnest(CAST(:ids AS text[]), "
                "CAST(:kinds AS text[]), CAST(:states AS text[]), CAST(:due_ats AS timestamptz[]), "
                "CAST(:near_ats AS timestamptz[]), CAST(:timers AS timestamptz[]), CAST(:traces AS uuid[]), "
                "CAST(:documents AS json[])) AS n(id, kind, state, due_at, near_at, timer_at, trace, document) "
                "WHERE o.id = n.id"
            ),
            columns,
        )


async def add_obligations(
    connection: AsyncConnection, obligations: Iterable[Obligation], traces: Mapping[str, str]
) -> set[str]:
    """Store obligations not known before; returns the ids that were stored, another copy may have been first."""
    columns = _columns(obligations, traces)
    if not columns["ids"]:
        return set()
    rows = await connection.execute(
        text(
            "INSERT INTO deadline.obligation (id, kind, state, due_at, near_at, timer_at, trace, document) "
            "SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:kinds AS text[]), CAST(:states AS text[]), "
            "CAST(:due_ats AS timestamptz[]), CAST(:near_ats AS timestamptz[]), CAST(:timers AS timestamptz[]), "
            "CAST(:traces AS uuid[]), CAST(:documents AS json[])) ON CONFLICT (id) DO NOTHING RETURNING id"
        ),
        columns,
    )
    return set(rows.scalars())


def _columns(obligations: Iterable[Obligation], traces: Mapping[str, str]) -> dict[str, list[Any]]:
    ordered = sorted(obligations, key=lambda o: o["obligation_id"])
    return {
        "ids": [o["obligation_id"] for o in ordered],
        "kinds": [o["kind"] for o in ordered],
        "states": [o["state"] for o in ordered],
        "due_ats": [_at(o["due_at"]) for o in ordered],
        "near_ats": [_at(o["near_at"]) for o in ordered],
        "timers": [_timer(o) for o in ordered],
        "traces": [tracing.id_of(traces[o["obligation_id"]]) or None for o in ordered],
        "documents": [orjson.dumps(o).decode() for o in ordered],
    }


def _at(iso: str | None) -> datetime | None:
    return datetime.fromisoformat(iso) if iso else None


def _timer(obligation: Obligation) -> datetime | None:
    """Late begins a second after the due time, so its timer stands there."""
    at = _at(timer_of(obligation))
    return at + A_SECOND if at and obligation["timing"] == "due_soon" else at


async def claim_due(connection: AsyncConnection, *, now: datetime, limit: int) -> list[tuple[Obligation, str]]:
    """Lock obligations whose timer is due, and return each with its trace; another copy's are passed over."""
    rows = await connection.execute(
        text(
            "SELECT document::text, trace FROM deadline.obligation WHERE timer_at <= :now "
            "ORDER BY timer_at LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"now": now, "limit": limit},
    )
    return [(orjson.loads(row.document), tracing.of_id(row.trace.hex) if row.trace else tracing.NONE) for row in rows]


async def next_timer(connection: AsyncConnection) -> datetime | None:
    at: datetime | None = (
        await connection.execute(text("SELECT min(timer_at) FROM deadline.obligation WHERE timer_at IS NOT NULL"))
    ).scalar()
    return at


async def list_obligations(
    connection: AsyncConnection, *, after: str, limit: int, kind: str | None = None
) -> list[Obligation]:
    """Return a page of obligations in id order."""
    rows = await connection.execute(
        text(
            "SELECT document::text FROM deadline.obligation WHERE id > :after "
            "AND (CAST(:kind AS text) IS NULL OR kind = :kind) ORDER BY id LIMIT :limit"
        ),
        {"after": after, "limit": limit, "kind": kind},
    )
    return [orjson.loads(document) for document in rows.scalars()]


async def stream_said(connection: AsyncConnection, *, page: int) -> AsyncIterator[Mapping[str, list[dict[str, Any]]]]:
    """Yield everything ever said, by obligation, a page of obligations at a time in id order."""
    after = ""
    while ids := [o["obligation_id"] for o in await list_obligations(connection, after=after, limit=page)]:
        yield await list_said(connection, ids)
        after = ids[-1]


async def count_by_kind(connection: AsyncConnection, now: datetime) -> dict[tuple[str, str, str], int]:
    """Return obligations by kind, state and, of the open ones, by timing at `now`."""
    rows = await connection.execute(
        text(
            "SELECT kind, state, CASE WHEN state <> 'open' THEN '' WHEN due_at IS NULL THEN 'no_deadline' "
            "WHEN due_at < :now THEN 'overdue' WHEN near_at <= :now THEN 'due_soon' ELSE 'on_time' END AS timing, "
            "count(*) AS number FROM deadline.obligation GROUP BY 1, 2, 3"
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
