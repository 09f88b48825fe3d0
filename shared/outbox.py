"""The outbox: events commit with the state that caused them, then leave for the stream, at least once.

Invariants:
- an event is in the table until the stream has confirmed it;
- what was just committed leaves from memory at once; the table is read only for leftovers (start, lost stream);
- a leftover is claimed by a lease, published outside any transaction, deleted only under that lease;
- identity order is not commit order: nothing here asks for "ids above the last seen".
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from nats.aio.client import Client
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import bus
from shared.cloudevents import Outgoing
from shared.db import transaction
from shared.logs import log, told

SLOW_PATH_AFTER_S = 5  # what memory did not send by then is a leftover
LEASE_S = 30
CLAIM = 500
QUEUED_BATCHES = 4  # beyond, the consumer waits: backpressure
BEHIND = 20_000  # rows left in the table; beyond, the consumer waits until the stream takes them

DDL = """
CREATE TABLE {schema}.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL,
    subject text NOT NULL,
    body bytea NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz,
    lease text
)
"""


async def add(connection: AsyncConnection, schema: str, events: Sequence[Outgoing]) -> list[int]:
    """Store events in the caller's transaction; returns their row ids."""
    if not events:
        return []
    rows = await connection.execute(
        text(
            f"INSERT INTO {schema}.outbox (event_id, subject, body) "
            "SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:subjects AS text[]), CAST(:bodies AS bytea[])) "
            "RETURNING id"
        ),
        {
            "ids": [event.id for event in events],
            "subjects": [event.subject for event in events],
            "bodies": [event.body for event in events],
        },
    )
    return list(rows.scalars())


async def waiting(connection: AsyncConnection, schema: str) -> tuple[int, float]:
    """Return how many events are not yet in the stream, and the age of the oldest in seconds, 0 where there is none."""
    row = (
        await connection.execute(
            text(
                "SELECT count(*) AS pending, coalesce(extract(epoch FROM clock_timestamp() - min(added_at)), 0) AS age "
                f"FROM {schema}.outbox"
            )
        )
    ).one()
    return int(row.pending), float(row.age)


class Relay:
    """Carries committed events to the stream."""

    def __init__(self, engine: AsyncEngine, client: Client, schema: str) -> None:
        self._engine, self._client, self._schema = engine, client, schema
        self._fresh: asyncio.Queue[tuple[list[int], list[Outgoing]]] = asyncio.Queue(QUEUED_BATCHES)
        self._keeps_up = asyncio.Event()
        self._keeps_up.set()

    async def hand_over(self, ids: list[int], events: list[Outgoing]) -> None:
        """Give what was just committed to the fast path."""
        if ids:
            await self._fresh.put((ids, events))

    async def catch_up(self) -> None:
        """Wait while too much is left to send: a consumer takes no more until the stream does."""
        await self._keeps_up.wait()

    async def run_fast(self) -> None:
        """Publish from memory for ever. What fails stays in the table for the slow path."""
        while True:
            ids, events = await self._fresh.get()
            try:
                await bus.publish(self._client, events)
                await self._delete(ids)
            except (bus.NotPublishedError, SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("outbox_left_for_slow_path", events=len(events), error=told(error))
            finally:
                self._fresh.task_done()

    async def run_slow(self) -> None:
        """Each second send leftovers; at start-up these are what a crash left behind."""
        age_s = 0
        while True:
            try:
                while await self._send_leftovers(older_than_s=age_s):
                    pass
                pending = await self.pending()
                self._keeps_up.set() if pending < BEHIND else self._keeps_up.clear()
            except (bus.NotPublishedError, SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("outbox_waits", error=told(error))
            age_s = SLOW_PATH_AFTER_S
            await asyncio.sleep(1)

    async def drain(self) -> None:
        """Return once everything committed before this call is in the stream."""
        await self._fresh.join()
        while await self.pending():
            await self._send_leftovers(older_than_s=0)

    async def pending(self) -> int:
        async with self._engine.connect() as connection:
            rows = await connection.execute(text(f"SELECT count(*) FROM {self._schema}.outbox"))
            return int(rows.scalar_one())

    async def _send_leftovers(self, *, older_than_s: int) -> int:
        lease = secrets.token_hex(8)
        async with transaction(self._engine) as connection:
            rows = await connection.execute(
                text(
                    f"UPDATE {self._schema}.outbox SET lease = :lease, "
                    "leased_until = clock_timestamp() + make_interval(secs => :lease_s) WHERE id IN ("
                    f"SELECT id FROM {self._schema}.outbox "
                    "WHERE added_at <= clock_timestamp() - make_interval(secs => :age_s) "
                    "AND (leased_until IS NULL OR leased_until < clock_timestamp()) "
                    "ORDER BY id LIMIT :claim FOR UPDATE SKIP LOCKED) RETURNING id, event_id, subject, body"
                ),
                {"lease": lease, "lease_s": LEASE_S, "age_s": older_than_s, "claim": CLAIM},
            )
            claimed = sorted(rows.all())
        if not claimed:
            return 0
        await bus.publish(self._client, [Outgoing(row.event_id, row.subject, row.body) for row in claimed])
        async with transaction(self._engine) as connection:
            await connection.execute(
                text(f"DELETE FROM {self._schema}.outbox WHERE id = ANY(:ids) AND lease = :lease"),
                {"ids": [row.id for row in claimed], "lease": lease},
            )
        return len(claimed)

    async def _delete(self, ids: list[int]) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(text(f"DELETE FROM {self._schema}.outbox WHERE id = ANY(:ids)"), {"ids": ids})
