"""What was said of each matter, as it came: the inbox, and what every fold reads. Its SQL."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline import store

BUCKETS = 256
TABLE = """
CREATE TABLE deadline.said (  -- what was said of an obligation, as it came; also the inbox
    bucket smallint NOT NULL,
    obligation text NOT NULL,
    event_id text NOT NULL,
    body bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket, obligation, event_id)
)
"""


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


async def list_said(
    connection: AsyncConnection, ids: Sequence[str], *, recorded_by: datetime | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return what each event said of each of `ids`, as far as it was recorded by then. Read it after the locks."""
    rows = await connection.execute(
        text(
            "SELECT s.obligation, s.body FROM unnest(CAST(:buckets AS smallint[]), CAST(:ids AS text[])) AS k(b, o) "
            "JOIN deadline.said AS s ON s.bucket = k.b AND s.obligation = k.o"
            + " WHERE s.recorded_at <= :recorded_by"
            * (recorded_by is not None)
        ),
        {
            "buckets": [bucket_of(id) for id in ids],
            "ids": list(ids),
            **({"recorded_by": recorded_by} if recorded_by else {}),
        },
    )
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for obligation, body in rows:
        said[obligation].append(orjson.loads(body)["data"])
    return said


async def stream_said(
    connection: AsyncConnection, *, page: int, recorded_by: datetime | None = None
) -> AsyncIterator[Mapping[str, list[dict[str, Any]]]]:
    """Yield everything ever said, by matter, a page of matters at a time in id order; as recorded by then, if given."""
    after = ""
    while ids := list(await store.list_matters(connection, after=after, limit=page)):
        yield await list_said(connection, ids, recorded_by=recorded_by)
        after = ids[-1]
