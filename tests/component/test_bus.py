"""The traps of the platform, each with the test that shows it: what must never lose, double or block a message."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.errors import Error as NatsError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared import bus, consumer, db, outbox, puller, ticks
from shared.bus import JetStreamError, Received
from shared.cloudevents import Outgoing
from shared.consumer import Consumer, Hearing
from shared.events import Tick
from shared.streams import STREAMS
from tests import servers as real
from tests.component import harness
from tests.waiting import PATIENCE_S, until


@pytest_asyncio.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    async with harness.connected(nats_url) as connection:
        await bus.provision_stream(connection, STREAMS["FEED"], max_bytes=64 << 20)
        yield connection


def numbered(count: int, *, first: int = 0) -> list[Outgoing]:
    return [Outgoing(f"m{n}", "feed.test.national", str(n).encode()) for n in range(first, first + count)]


class Bench:
    """A consumer with a recording process."""

    def __init__(self, client: Client, process: Callable[[Sequence[Received]], Awaitable[None]] | None = None) -> None:
        self.done: list[bytes] = []
        self.parked: list[bytes] = []
        self.ticks: list[tuple[str, list[bytes]]] = []
        self._given = process
        self.consumer = Consumer(
            client,
            Hearing("FEED", ("feed.test.national",)),
            durable="bench",
            process=self._process,
            park=self._park,
            on_tick=self._tick,
        )

    async def _process(self, batch: Sequence[Received]) -> None:
        if self._given:
            await self._given(batch)
        self.done += [message.data for message in batch]

    async def _park(self, message: Received, error: Exception) -> None:
        self.parked.append(message.data)

    async def _tick(self, stream: str, tick: Tick) -> None:
        self.ticks.append((tick.at.isoformat(), list(self.done)))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Bench]:
        await self.consumer.provision()
        task = asyncio.create_task(self.consumer.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, count: int, *, within_s: float = PATIENCE_S) -> None:
        await until(lambda: len(self.done) + len(self.parked), lambda found: found >= count, within_s=within_s)

    async def unacked(self, client: Client) -> int:
        await asyncio.sleep(0.1)
        return (await bus.lag(client, stream="FEED", durable="bench")).unacked


async def test_two_copies_under_bursts_redeliver_nothing(
    client: Client, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "ACK_WAIT_S", 4)
    async with harness.connected(nats_url) as other:
        one, two = Bench(client), Bench(other)
        async with one.running(), two.running():
            for burst in range(12):
                await bus.publish(client, numbered(500, first=burst * 500))
                await asyncio.sleep(0.5)
            await until(lambda: len(one.done) + len(two.done), lambda found: found >= 6000)
        assert sorted(one.done + two.done) == sorted(str(n).encode() for n in range(6000))
        assert one.consumer.redelivered + two.consumer.redelivered == 0


async def test_large_messages_are_fetched_ahead_only_as_far_as_there_is_room(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(puller, "AHEAD_BYTES", 1 << 20)
    gate = asyncio.Event()

    async def wait(batch: Sequence[Received]) -> None:
        await gate.wait()

    async with Bench(client, wait).running() as bench:
        large = [Outgoing(f"l{n}", "feed.test.national", f"{n:0100000}".encode()) for n in range(100)]
        for start in range(0, 100, 20):
            await bus.publish(client, large[start : start + 20])
        await until(lambda: bench.consumer._puller and bench.consumer._puller._held)
        await asyncio.sleep(1)
        of = bench.consumer._puller
        assert of
        assert 0 < of._held < 3 << 20
        gate.set()
        await bench.until(100)
        assert (sorted(bench.done), of._held) == ([one.body for one in large], 0)
        assert bench.consumer.redelivered == await bench.unacked(client) == 0


async def test_a_poisoned_message_is_parked_alone_and_its_neighbours_are_done(client: Client) -> None:
    async def refuse_13(batch: Sequence[Received]) -> None:
        if any(message.data == b"13" for message in batch):
            raise ValueError("cannot be carried out")

    async with Bench(client, refuse_13).running() as bench:
        await bus.publish(client, numbered(40))
        await bench.until(40)
        assert bench.parked == [b"13"]
        assert sorted(bench.done, key=int) == [str(n).encode() for n in range(40) if n != 13]
        assert await bench.unacked(client) == 0


async def test_a_lost_database_makes_the_consumer_wait_and_lose_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "RETRY_SECONDS", (0.1, 0.1))
    failures = iter(range(3))

    async def fail_thrice(batch: Sequence[Received]) -> None:
        if next(failures, None) is not None:
            raise ConnectionError("the database is away")

    async with Bench(client, fail_thrice).running() as bench:
        await bus.publish(client, numbered(10))
        await bench.until(10)
        assert bench.parked == []
        assert bench.consumer.redelivered == 0


@pytest.mark.parametrize("patience_s", [5.0, 0.0])
async def test_a_consumer_that_stops_leaves_nothing_for_ack_wait(client: Client, patience_s: float) -> None:
    async def slowly(batch: Sequence[Received]) -> None:
        await asyncio.sleep(0.5)

    bench = Bench(client, slowly)
    await bench.consumer.provision()
    await bus.publish(client, numbered(1500))
    task = asyncio.create_task(bench.consumer.run())
    await asyncio.sleep(0.3)
    bench.consumer.finish()
    await asyncio.wait([task], timeout=patience_s)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bool(bench.done) == bool(patience_s)
    async with Bench(client).running() as heir:  # what was not done comes to it at once, and only that
        await heir.until(1500 - len(bench.done), within_s=10)
        assert sorted(bench.done + heir.done) == sorted(str(n).encode() for n in range(1500))
        assert await heir.unacked(client) == 0


async def test_a_durable_deleted_on_the_server_is_set_up_again(client: Client) -> None:
    async with Bench(client).running() as bench:
        await bus.publish(client, numbered(5))
        await bench.until(5)
        await bus.api(client, "CONSUMER.DELETE.FEED.bench")
        await bus.publish(client, numbered(5, first=5))
        await until(lambda: set(bench.done) >= {str(n).encode() for n in range(10)})


async def test_a_tick_comes_after_everything_before_it(client: Client) -> None:
    async with Bench(client).running() as bench:
        await bus.publish(client, numbered(300))
        await harness.tick(client, "2026-11-02T08:00:00+07:00")
        await bus.publish(client, numbered(5, first=300))
        await bench.until(305)
        [(at, before)] = bench.ticks
        assert at == "2026-11-02T08:00:00+07:00"
        assert sorted(before, key=int) == [str(n).encode() for n in range(300)]


@pytest.mark.parametrize("body", [b"rubbish", b"{}", b""])
async def test_what_is_no_tick_is_parked_and_stops_nobody(client: Client, body: bytes) -> None:
    async with Bench(client).running() as bench:
        await bus.publish(client, [*numbered(3), Outgoing("t", "feed.tick.v1", body), *numbered(3, first=3)])
        await bench.until(7)
        assert (bench.parked, bench.ticks) == ([body], [])
        assert await bench.unacked(client) == 0


async def test_a_batch_with_a_known_id_falls_back_to_single_messages(client: Client) -> None:
    await bus.publish(client, numbered(1, first=2))
    await bus.publish(client, numbered(5))
    info = await client.jetstream().stream_info("FEED")
    assert info.state.messages == 5


@pytest.mark.parametrize("lost", [JetStreamError("s", {"err_code": 10077}), NatsError("away"), TimeoutError()])
async def test_what_fails_after_the_fallback_is_not_published_either(
    client: Client, monkeypatch: pytest.MonkeyPatch, lost: Exception
) -> None:
    async def fail(_: Client, __: Outgoing) -> None:
        raise lost

    await bus.publish(client, numbered(1))
    monkeypatch.setattr(bus, "_publish_one", fail)
    with pytest.raises(bus.NotPublishedError):
        await bus.publish(client, numbered(3))


async def test_a_full_stream_refuses_and_says_so(nats_url: str) -> None:
    async with harness.connected(nats_url) as connection:
        await bus.provision_stream(connection, STREAMS["FEED"], max_bytes=1 << 20)
        with pytest.raises(bus.NotPublishedError):
            await bus.publish(connection, [Outgoing(f"b{n}", "feed.test.national", b"x" * 900) for n in range(3000)])


async def test_provisioning_brings_an_existing_stream_to_our_settings(client: Client) -> None:
    await bus.provision_stream(client, STREAMS["FEED"], max_bytes=32 << 20)
    config = (await bus.api(client, "STREAM.INFO.FEED"))["config"]
    assert (config["max_bytes"], config["discard"], config["allow_atomic"]) == (32 << 20, "new", True)


@pytest_asyncio.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    database = await real.fresh_database(postgres_url)
    made = db.engine(database.url("intake"), name="test", pool=4)
    async with db.transaction(made) as connection:
        for ddl in (outbox.DDL, ticks.DDL):
            await connection.execute(text(ddl.format(schema="intake")))
    yield made
    await made.dispose()
    await real.drop_database(postgres_url, database)


async def _commit(engine: AsyncEngine, events: list[Outgoing]) -> list[int]:
    async with db.transaction(engine) as connection:
        return await outbox.add(connection, "intake", events)


async def test_what_a_crash_left_in_the_outbox_is_sent_at_start(client: Client, engine: AsyncEngine) -> None:
    await _commit(engine, numbered(700))
    relay = outbox.Relay(engine, client, "intake")
    task = asyncio.create_task(relay.run_slow())
    await until(relay.pending, lambda left: not left)
    task.cancel()
    assert (await client.jetstream().stream_info("FEED")).state.messages == 700


async def test_what_can_wait_and_finds_its_stream_full_holds_back_itself_alone(
    client: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BEHIND", 3)
    await bus.provision_stream(client, STREAMS["BACKFILL"], max_bytes=1)  # takes nothing
    await _commit(engine, [*(Outgoing(f"b{n}", "backfill.intake.x.v1", b"x") for n in range(5)), *numbered(2)])
    relay = outbox.Relay(engine, client, "intake")
    task = asyncio.create_task(relay.run_slow())
    await until(lambda: not relay._keeps_up[True].is_set())
    await asyncio.wait_for(relay.catch_up(), 1)
    task.cancel()
    assert (await client.jetstream().stream_info("FEED")).state.messages == 2
    assert await relay.pending() == 5


async def test_an_event_sent_and_not_yet_deleted_is_not_stored_twice(client: Client, engine: AsyncEngine) -> None:
    events = numbered(10)
    await _commit(engine, events)
    await bus.publish(client, events)
    await outbox.Relay(engine, client, "intake").drain()
    assert (await client.jetstream().stream_info("FEED")).state.messages == 10


async def test_a_leased_leftover_is_left_to_its_holder(client: Client, engine: AsyncEngine) -> None:
    await _commit(engine, numbered(3))
    async with db.transaction(engine) as connection:
        await connection.execute(
            text("UPDATE intake.outbox SET lease = 'other', leased_until = clock_timestamp() + interval '1 minute'")
        )
    relay = outbox.Relay(engine, client, "intake")
    assert await relay._send_leftovers(older_than_s=0) == 0
    assert await relay.pending() == 3


async def test_a_deadlock_is_tried_again_and_a_wrong_value_is_not(engine: AsyncEngine) -> None:
    async def error_of(statement: str) -> BaseException:
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement))
        except DBAPIError as error:
            return error
        raise AssertionError("no error")

    assert not db.is_transient(await error_of("SELECT 'x'::integer"))
    assert db.is_transient(await error_of("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))


async def test_that_all_connections_are_taken_is_no_fault_of_the_message(engine: AsyncEngine) -> None:
    full = create_async_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    async with full.connect():
        with pytest.raises(SQLAlchemyError) as waited:
            await full.connect()
    await full.dispose()
    assert db.is_transient(waited.value)


async def test_a_restarted_nats_server_is_found_again(tmp_path: Path) -> None:
    server = real.NatsServer(tmp_path)
    server.start()
    try:
        broker = bus.broker(server.url, name="test")
        connection = await bus.connect(broker)
        await bus.provision_stream(connection, STREAMS["FEED"], max_bytes=64 << 20)
        async with Bench(connection).running() as bench:
            await bus.publish(connection, numbered(50))
            await bench.until(50)
            server.kill()
            await asyncio.sleep(0.5)
            server.start()

            async def published() -> bool:
                with contextlib.suppress(bus.NotPublishedError):
                    await bus.publish(connection, numbered(50, first=50))
                    return True
                return False

            await until(published)
            await until(lambda: set(bench.done) >= {str(n).encode() for n in range(100)})
        await broker.stop()
    finally:
        server.stop()
