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
from shared.streams import backfilled

SLOW_PATH_AFTER_S = 5  # what memory did not send by then is a leftover
LEASE_S = 30
CLAIM = 500
QUEUED_BATCHES = 4  # beyond, the consumer waits: backpressure
BEHIND = 20_000  # rows of a lane left in the table; beyond, its consumers wait until the stream takes them
LANES = (False, True)  # what goes first, and what can wait: neither stands behind the other
_LANE = f"starts_with(subject, '{backfilled('')}')"
_OF_LANE = f"{_LANE} = :can_wait"

Batch = tuple[list[int], list[Outgoing]]  # rows of the table, and the events in them

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
        self._fresh: asyncio.Queue[Batch] = asyncio.Queue(QUEUED_BATCHES)
        self._fresh_that_can_wait: asyncio.Queue[Batch] = asyncio.Queue(QUEUED_BATCHES)
        self._keeps_up = {can_wait: asyncio.Event() for can_wait in LANES}
        for keeps_up in self._keeps_up.values():
            keeps_up.set()

    async def hand_over(self, ids: list[int], events: list[Outgoing], *, can_wait: bool = False) -> None:
        """Give what was just committed to the fast path. can_wait: nothing else stands behind it."""
        if ids:
            await (self._fresh_that_can_wait if can_wait else self._fresh).put((ids, events))

    async def catch_up(self, *, can_wait: bool = False) -> None:
        """Wait while too much of a lane is left to send: a consumer takes no more until the stream does."""
        await self._keeps_up[can_wait].wait()

    async def run_fast(self) -> None:
        """Publish from memory for ever. What fails stays in the table for the slow path."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._run(self._fresh))
            tasks.create_task(self._run(self._fresh_that_can_wait))

    async def _run(self, fresh: asyncio.Queue[Batch]) -> None:
        while True:
            ids, events = await fresh.get()
            try:
                await bus.publish(self._client, events)
                await self._delete(ids)
            except (bus.NotPublishedError, SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("outbox_left_for_slow_path", events=len(events), error=told(error))
            finally:
                fresh.task_done()

    async def run_slow(self) -> None:
        """Each second send leftovers; at start-up these are what a crash left behind."""
        age_s = 0
        while True:
            try:
                await self._send_rest(older_than_s=age_s)
            except (bus.NotPublishedError, SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("outbox_waits", error=told(error))
            age_s = SLOW_PATH_AFTER_S
            await asyncio.sleep(1)

    async def _send_rest(self, *, older_than_s: int) -> None:
        """Send the leftovers of each lane, then say which lanes keep up. One look where there is nothing to send."""
        left = await self._count(older_than_s=older_than_s)
        for can_wait in LANES:
            if left[can_wait][1]:
                await self._send_rest_of_lane(can_wait=can_wait, older_than_s=older_than_s)
        if any(old for _, old in left.values()):
            left = await self._count(older_than_s=older_than_s)
        for can_wait in LANES:
            keeps_up = self._keeps_up[can_wait]
            keeps_up.set() if left[can_wait][0] < BEHIND else keeps_up.clear()

    async def _send_rest_of_lane(self, *, can_wait: bool, older_than_s: int) -> None:
        try:
            while await self._send_leftovers(can_wait=can_wait, older_than_s=older_than_s):
                pass
        except (bus.NotPublishedError, SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("outbox_waits", error=told(error), can_wait=can_wait)

    async def drain(self) -> None:
        """Return once everything committed before this call is in the stream."""
        await self._fresh.join()
        await self._fresh_that_can_wait.join()
        while await self.pending():
            for can_wait in LANES:
                await self._send_leftovers(can_wait=can_wait, older_than_s=0)

    async def pending(self) -> int:
        async with self._engine.connect() as connection:
            rows = await connection.execute(text(f"SELECT count(*) FROM {self._schema}.outbox"))
            return int(rows.scalar_one())

    async def _count(self, *, older_than_s: int) -> dict[bool, tuple[int, int]]:
        """Return by lane how many rows are left, and how many of them are leftovers."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                text(
                    f"SELECT {_LANE} AS can_wait, count(*) AS number, count(*) FILTER "
                    "(WHERE added_at <= clock_timestamp() - make_interval(secs => :age_s)) AS old "
                    f"FROM {self._schema}.outbox GROUP BY 1"
                ),
                {"age_s": older_than_s},
            )
            found = {row.can_wait: (row.number, row.old) for row in rows}
        return {can_wait: found.get(can_wait, (0, 0)) for can_wait in LANES}

    async def _send_leftovers(self, *, older_than_s: int, can_wait: bool = False) -> int:
        lease = secrets.token_hex(8)
        async with transaction(self._engine) as connection:
            rows = await connection.execute(
                text(
                    f"UPDATE {self._schema}.outbox SET lease = :lease, "
                    "leased_until = clock_timestamp() + make_interval(secs => :lease_s) WHERE id IN ("
                    f"SELECT id FROM {self._schema}.outbox "
                    "WHERE added_at <= clock_timestamp() - make_interval(secs => :age_s) "
                    f"AND (leased_until IS NULL OR leased_until < clock_timestamp()) AND {_OF_LANE} "
                    "ORDER BY id LIMIT :claim FOR UPDATE SKIP LOCKED) RETURNING id, event_id, subject, body"
                ),
                {"lease": lease, "lease_s": LEASE_S, "age_s": older_than_s, "claim": CLAIM, "can_wait": can_wait},
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
