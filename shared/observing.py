"""Samples what a service's gauges tell: its queues, its servers, its streams, its own tables."""

from __future__ import annotations

import asyncio
from datetime import datetime

from nats.errors import Error as NatsError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import bus, metrics, outbox, quarantine_store
from shared.bus import JetStreamError
from shared.clock import machine_now, monotonic_s
from shared.logs import log
from shared.service import Running

PATIENCE_S = 5  # a server that has not answered by then does not answer
SHARE = 200  # counts that take long are taken seldom: at most a two-hundredth of the time
COUNT_AT_LEAST_EVERY_S = 900


async def observe_for_ever(running: Running) -> None:
    """Sample each `DONDOC_OBSERVE_SECONDS`; a server that does not answer is what the sample says."""
    while True:
        await observe(running)
        await asyncio.sleep(running.settings.observe_seconds)


async def count_for_ever(running: Running) -> None:
    """Let the service count what it keeps, for which it may have to read whole tables."""
    while True:
        began = monotonic_s()
        took_s = 0.0
        try:
            await count(running)
            took_s = monotonic_s() - began
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("not_counted", error=type(error).__name__)
        await asyncio.sleep(max(running.settings.observe_seconds, min(took_s * SHARE, COUNT_AT_LEAST_EVERY_S)))


async def count(running: Running) -> None:
    if running.service.observe:
        async with running.engine.connect() as connection:
            await running.service.observe(connection, running.clock.now())


async def observe(running: Running) -> None:
    metrics.ready.set(not running.missing())
    metrics.server_up.labels("nats").set(running.client.is_connected)
    try:
        async with asyncio.timeout(PATIENCE_S), running.engine.connect() as connection:
            await _observe_database(connection, running)
        metrics.server_up.labels("database").set(1)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        metrics.server_up.labels("database").set(0)
        log.warning("database_not_observed", error=type(error).__name__)
    try:
        await _observe_streams(running)
    except (JetStreamError, NatsError, OSError, TimeoutError) as error:
        log.warning("streams_not_observed", error=type(error).__name__)


async def _observe_database(connection: AsyncConnection, running: Running) -> None:
    service = running.service
    metrics.clock_offset.set((await _clock_of(connection) - machine_now()).total_seconds())
    pending, oldest_s = await outbox.waiting(connection, service.name)
    metrics.outbox_pending.set(pending)
    metrics.outbox_oldest.set(oldest_s)
    await _observe_quarantine(connection, running)
    metrics.schema_bytes.set(await _schema_bytes(connection, service.name))
    if service.next_timer:
        timer, now = await service.next_timer(connection), running.clock.now()
        metrics.timer_lag.set(max(0.0, (now - timer).total_seconds()) if timer else 0)


async def _observe_quarantine(connection: AsyncConnection, running: Running) -> None:
    entries: dict[tuple[str, str], float] = {}
    oldest: dict[tuple[str, str], float] = {}
    for source, reason, number, oldest_s in await quarantine_store.count_waiting(connection, running.service.name):
        labels = metrics.source_label(source), reason
        entries[labels] = entries.get(labels, 0) + number
        oldest[labels] = max(oldest.get(labels, 0), oldest_s)
    metrics.set_all(metrics.quarantine_entries, entries)
    metrics.set_all(metrics.quarantine_oldest, oldest)
    metrics.quarantine_patience.set(running.settings.quarantine_patience_hours * 3600)


async def _observe_streams(running: Running) -> None:
    for stream in sorted(running.service.keeps):
        info = await bus.api(running.client, f"STREAM.INFO.{stream}")
        metrics.stream_bytes.labels(stream).set(info["state"]["bytes"])
        metrics.stream_messages.labels(stream).set(info["state"]["messages"])
        metrics.stream_max_bytes.labels(stream).set(info["config"]["max_bytes"])


async def _clock_of(connection: AsyncConnection) -> datetime:
    now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now


async def _schema_bytes(connection: AsyncConnection, schema: str) -> int:
    rows = await connection.execute(
        text(
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class "
            "WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'm')"
        ),
        {"schema": schema},
    )
    return int(rows.scalar_one())
