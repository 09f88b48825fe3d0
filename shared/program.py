"""How a service runs: connect, provision, hear, sweep, relay, answer over HTTP, stop without losing anything.

A service gives its parts as a `Service`; everything that all five do alike is here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI
from nats.aio.client import Client
from nats.errors import Error as NatsError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import bus, contract, db, http, logs, metrics, outbox, parking, quarantine, ticks
from shared.bus import Received
from shared.clock import Clock, DrivenClock, WallClock
from shared.consumer import Consumer, Hearing
from shared.events import Event, Outgoing, Tick
from shared.logs import log
from shared.outbox import Relay
from shared.settings import Settings
from shared.streams import STREAMS, StreamName

SWEEP_EVERY_S = 1.0
FINISH_S = 5  # for the batch in hand, and again for the outbox, when the process is asked to stop
BEFORE_ANY_TICK = datetime.fromisoformat("2000-01-01T00:00:00+07:00")
SERVERS_PATIENCE_S = 60  # at start: servers may come up after us


@dataclass(frozen=True, slots=True)
class Heard:
    """A batch as a handler gets it. now: business time; events with their own times use those."""

    messages: Sequence[Received]
    now: datetime


Handle = Callable[[AsyncConnection, Heard], Awaitable[list[Outgoing]]]
Sweep = Callable[[AsyncConnection, datetime], Awaitable[tuple[list[Outgoing], bool]]]


@dataclass(frozen=True)
class Service:
    """The parts of one service.

    handlers: one per stream heard. sweep: fires what is due at a business time in one transaction and returns its
    events and whether more is due now. next_timer: the earliest coming timer. counts: for `dondoc status`.
    busy: work that `status --wait-idle` waits for, beside messages and outbox. background: tasks of its own.
    at_start: done once before it is ready.
    """

    name: str
    says: Sequence[type[Event]]
    owns: StreamName | None = None
    handlers: Sequence[tuple[Hearing, Handle]] = ()
    sweep: Sweep | None = None
    next_timer: Callable[[AsyncConnection], Awaitable[datetime | None]] | None = None
    counts: Callable[[AsyncConnection, datetime], Awaitable[dict[str, dict[str, int]]]] | None = None
    busy: Callable[[AsyncConnection], Awaitable[int]] | None = None
    router: APIRouter | None = None
    background: Sequence[Callable[[Running], Coroutine[Any, Any, None]]] = ()
    at_start: Sequence[Callable[[Running], Awaitable[None]]] = ()


@dataclass
class Running:
    """A started service: what its HTTP handlers and background tasks may use."""

    service: Service
    settings: Settings
    engine: AsyncEngine
    client: Client
    clock: Clock
    relay: Relay
    consumers: list[Consumer] = field(default_factory=list)
    reached: dict[str, datetime] = field(default_factory=dict)
    timers: dict[str, datetime | None] = field(default_factory=dict)
    passed_on: datetime | None = None  # the last tick that was; not known after a start, then it is passed on again
    sweeping: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def commit(self, work: Callable[[AsyncConnection], Awaitable[list[Outgoing]]]) -> None:
        """Run `work` in a transaction together with the outbox rows of what it says, then relay."""
        async with db.transaction(self.engine) as connection:
            said = await work(connection)
            ids = await outbox.add(connection, self.service.name, said)
        await self.relay.hand_over(ids, said)

    async def sweep_up_to(self, at: datetime) -> None:
        """Fire everything due at or before `at`, a transaction at a time."""
        sweep = self.service.sweep
        if sweep is None:
            return
        async with self.sweeping:
            more = True
            while more:

                async def fire(connection: AsyncConnection) -> list[Outgoing]:
                    nonlocal more
                    said, more = await sweep(connection, at)
                    return said

                await self.commit(fire)

    async def take_tick(self, stream: StreamName, tick: Tick) -> None:
        """Move business time to the smallest tick reached by all streams heard, sweep, and pass the tick on."""
        await self.relay.drain()
        if not isinstance(self.clock, DrivenClock):
            return
        if tick.at < self.reached.get(stream, tick.at):
            return  # comes again, from before a crash
        self.reached[stream] = tick.at
        self.timers |= tick.timers
        async with db.transaction(self.engine) as connection:
            await ticks.put(connection, self.service.name, stream=stream, at=tick.at)
        heard = {consumer.hearing.stream for consumer in self.consumers}
        if heard - self.reached.keys():
            return
        at = min(self.reached[name] for name in heard)
        if at < self.clock.now() or at == self.passed_on:
            return
        self.clock.move_to(at)
        await self.sweep_up_to(at)
        await self.relay.drain()
        await self._pass_on(at)
        self.passed_on = at

    async def _pass_on(self, at: datetime) -> None:
        if self.service.owns is None:
            return None
        if self.service.next_timer:
            async with self.engine.connect() as connection:
                self.timers[self.service.name] = await self.service.next_timer(connection)
        body = orjson.dumps({"at": at, "timers": self.timers})
        subject = STREAMS[self.service.owns].tick
        while True:
            try:
                return await bus.publish(self.client, [Outgoing(f"{subject}:{at.isoformat()}", subject, body)])
            except bus.NotPublishedError as error:
                log.warning("tick_waits", error=repr(error))
                await asyncio.sleep(1)

    async def status(self) -> dict[str, Any]:
        """Return what `dondoc status` shows."""
        consumers = {}
        for consumer in self.consumers:
            lag = await bus.lag(self.client, stream=consumer.hearing.stream, durable=consumer.durable)
            consumers[f"{consumer.hearing.stream}/{consumer.durable}"] = {
                "pending": lag.pending,
                "unacked": lag.unacked,
            }
        async with self.engine.connect() as connection:
            counts = await self.service.counts(connection, self.clock.now()) if self.service.counts else {}
            parked = await quarantine.count(connection, self.service.name)
            busy = await self.service.busy(connection) if self.service.busy else 0
        pending = await self.relay.pending()
        return {
            "service": self.service.name,
            "ready": not self.missing(),
            "consumers": consumers,
            "outbox": pending,
            "quarantine": parked,
            "counts": counts,
            "busy": busy,
            "business_time": self.clock.now(),
            "redelivered": sum(consumer.redelivered for consumer in self.consumers),
            "idle": not (pending or busy or any(c["pending"] or c["unacked"] for c in consumers.values())),
        }

    def missing(self) -> dict[str, str]:
        """Name what keeps the service from being ready."""
        missing: dict[str, str] = {
            c.hearing.stream: "messages wait and none arrives" for c in self.consumers if c.stalled
        }
        if not self.client.is_connected:
            missing["nats"] = "not connected"
        return missing


def run(service: Service, settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT."""
    logs.set_up(service=service.name, level=settings.log_level)
    uvloop.run(_serve(service, settings))


async def _serve(service: Service, settings: Settings) -> None:
    holder: list[Running] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(service, settings) as started:
            app.state.running = started
            holder.append(started)
            yield

    def ready() -> dict[str, str]:
        return holder[0].missing() if holder else {"start": "not finished"}

    app = http.application(
        name=service.name, settings=settings, ready=ready, asyncapi=contract.asyncapi(service), lifespan=lifespan
    )
    if service.router:
        app.include_router(service.router)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
    )
    await server.serve()


@contextlib.asynccontextmanager
async def running(service: Service, settings: Settings) -> AsyncIterator[Running]:
    """Start everything of the service but its HTTP server; stop it in order at the end."""
    engine = db.engine(settings.database_url, name=service.name, pool=settings.database_pool)
    await db.wait_for_database(engine, patience_s=SERVERS_PATIENCE_S)
    nats = bus.broker(settings.nats_url, name=service.name)
    started: Running | None = None

    @nats.subscriber(f"dondoc.status.{service.name}")
    async def tell_status() -> bytes:
        return orjson.dumps(await started.status() if started else {"service": service.name, "ready": False})

    client = await _connect_patiently(nats)
    clock = await _clock(service, settings, engine)
    started = Running(service, settings, engine, client, clock, Relay(engine, client, service.name))
    await _provision(started)
    hearing = _start(consumer.run() for consumer in started.consumers)
    others = _start(_jobs(started))
    try:
        for job in service.at_start:
            await job(started)
        log.info("started", clock=settings.clock)
        yield started
    finally:
        await _finish(started, hearing)
        await _cancel(others)
        await nats.stop()
        await engine.dispose()
        log.info("stopped")


def _jobs(started: Running) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what runs beside the hearing for as long as the process does."""
    yield started.relay.run_fast()
    yield started.relay.run_slow()
    yield parking.retry_for_ever(started.engine, started.client, started.service.name, partial(_carry_out, started))
    for job in started.service.background:
        yield job(started)
    if started.service.sweep and isinstance(started.clock, WallClock):
        yield _sweep_for_ever(started)


def _start(jobs: Iterable[Coroutine[Any, Any, None]]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(job) for job in jobs]
    for task in tasks:
        task.add_done_callback(_end_on_failure)
    return tasks


async def _finish(started: Running, hearing: Sequence[asyncio.Task[None]]) -> None:
    """Let the batches in hand commit and what they say leave; what takes too long is given back."""
    for consumer in started.consumers:
        consumer.finish()
    if hearing:
        await asyncio.wait(hearing, timeout=FINISH_S)
    await _cancel(hearing)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FINISH_S):
            await started.relay.drain()


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _end_on_failure(task: asyncio.Future[None]) -> None:
    """A background task that fails ends the process: its supervisor starts it again, nothing runs half."""
    if not task.cancelled() and (error := task.exception()):
        log.critical("task_failed", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)


async def _connect_patiently(nats: Any) -> Client:
    async with asyncio.timeout(SERVERS_PATIENCE_S):
        while True:
            try:
                return await bus.connect(nats)
            except (OSError, TimeoutError, NatsError) as error:
                log.warning("no_nats_server_yet", error=repr(error))
                await asyncio.sleep(1)


async def _clock(service: Service, settings: Settings, engine: AsyncEngine) -> Clock:
    if settings.clock == "live":
        return WallClock()
    async with engine.connect() as connection:
        reached = await ticks.reached(connection, service.name)
    return DrivenClock(min(reached.values(), default=BEFORE_ANY_TICK))


async def _provision(started: Running) -> None:
    service = started.service
    touched = {hearing.stream for hearing, _ in service.handlers}
    for name in sorted(touched | ({service.owns} if service.owns else set())):
        await bus.provision_stream(started.client, STREAMS[name], max_bytes=started.settings.stream_max_bytes)
    for hearing, handle in service.handlers:
        consumer = Consumer(
            started.client,
            hearing,
            durable=service.name,
            process=_processor(started, handle, hearing),
            park=partial(parking.park, started.engine, service.name),
            on_tick=started.take_tick,
        )
        await consumer.provision()
        started.consumers.append(consumer)
    async with started.engine.connect() as connection:
        started.reached = await ticks.reached(connection, service.name)


def _processor(started: Running, handle: Handle, hearing: Hearing) -> Callable[[Sequence[Received]], Awaitable[None]]:
    async def process(batch: Sequence[Received]) -> None:
        await started.commit(lambda connection: handle(connection, Heard(batch, started.clock.now())))
        metrics.events.labels(hearing.stream, "done").inc(len(batch))

    return process


async def _carry_out(started: Running, message: Received) -> None:
    """Process one parked message by the handler that hears its stream."""
    for hearing, handle in started.service.handlers:
        if hearing.stream == message.stream:
            await _processor(started, handle, hearing)([message])


async def _sweep_for_ever(started: Running) -> None:
    while True:
        try:
            await started.sweep_up_to(started.clock.now())
        except Exception as error:
            if not db.is_transient(error):
                raise
            log.warning("sweep_waits", error=repr(error)[:300])
        await asyncio.sleep(SWEEP_EVERY_S)
