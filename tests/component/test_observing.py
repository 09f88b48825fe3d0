"""What a running service tells of itself in /metrics, sampled from real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from sqlalchemy import text

from services.deadline.main import SERVICE as DEADLINE
from services.intake.main import SERVICE as INTAKE
from shared import observing
from shared.service import Running
from tests import servers as real
from tests.component import harness
from tests.component.test_intake_to_deadline import message, snapshot


@pytest_asyncio.fixture
async def started(nats_url: str, postgres_url: str) -> AsyncIterator[dict[str, Running]]:
    """Two services that sample when the test asks them to, and not by themselves: in one process they share gauges."""

    async def never(_: Running) -> None:
        await asyncio.Event().wait()

    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observing, "observe_for_ever", never)
        patch.setattr(observing, "count_for_ever", never)
        async with harness.services(INTAKE, DEADLINE, nats_url=nats_url, database=database) as running:
            yield running
    await real.drop_database(postgres_url, database)


def told(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"dondoc_{name}", labels)


async def test_feeds_obligations_quarantine_and_streams_are_counted(started: dict[str, Running], nats_url: str) -> None:
    before = told("feed_objects_total", source="motcua-9", outcome="accepted") or 0
    async with harness.connected(nats_url) as client:
        await harness.feed(client, [message(snapshot()), b"no json"], source="motcua-9")
    await harness.until_idle(started)
    for service in started.values():
        await observing.observe(service)
        await observing.count(service)
    assert told("feed_objects_total", source="motcua-9", outcome="accepted") == before + 1
    assert (told("said_total", type="deadline.deadline_set.v1") or 0) >= 1
    assert told("feed_last_received_timestamp_seconds", source="motcua-9")
    assert told("obligations", kind="dossier", state="open", timing="overdue") == 1
    assert told("stream_messages", stream="FEED") == 2
    assert told("stream_max_bytes", stream="DEADLINE") == 256 << 20
    assert told("server_up", server="database") == told("server_up", server="nats") == told("ready") == 1
    assert abs(told("clock_offset_seconds") or 0) < 2
    assert (told("schema_bytes") or 0) > 0
    await observing.observe(started["intake"])
    assert sum(s.value for m in REGISTRY.collect() if m.name == "dondoc_quarantine_entries" for s in m.samples) == 1


async def test_an_outbox_that_cannot_leave_and_a_timer_that_does_not_fire_grow_old(started: dict[str, Running]) -> None:
    deadline = started["deadline"]
    async with deadline.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO deadline.outbox (event_id, subject, body, added_at, leased_until) "
                "VALUES ('1', 'deadline.x', '', now() - interval '90 s', now() + interval '1 h')"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO deadline.obligation (id, kind, state, timer_at, document) "
                "VALUES ('x', 'dossier', 'ended', now() - interval '120 s', '{}')"
            )
        )
        await observing._observe_database(connection, deadline)
        assert 89 < (told("outbox_oldest_seconds") or 0) < 100
        assert told("outbox_pending") == 1
        assert 119 < (told("timer_lag_seconds") or 0) < 130
        await connection.rollback()
    await observing.observe(deadline)
    assert (told("outbox_oldest_seconds") or 0) < 5  # of its own it says something now and then
    assert (told("timer_lag_seconds") or 0) < 5


async def test_a_database_that_hangs_is_told_before_anybody_asks_again(
    started: dict[str, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(observing, "_observe_database", hang)
    monkeypatch.setattr(observing, "PATIENCE_S", 0.1)
    await asyncio.wait_for(observing.observe(started["intake"]), 5)
    assert told("server_up", server="database") == 0


async def test_a_database_that_does_not_answer_is_told(
    started: dict[str, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OSError("gone")

    monkeypatch.setattr(started["intake"].engine.sync_engine.pool, "connect", gone)
    await observing.observe(started["intake"])
    assert told("server_up", server="database") == 0
