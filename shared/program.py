"""How a service runs: connect, provision, hear, sweep, relay, answer over HTTP, stop without losing anything.

A service gives its parts as a `Service`; everything that all five do alike is here.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import uvicorn
import uvloop
from fastapi import FastAPI
from nats.aio.client import Client
from nats.errors import Error as NatsError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import (
    bus,
    contract,
    db,
    http,
    logs,
    metrics,
    observing,
    parking,
    quarantine_api,
    retrying,
    sealing,
    stopping,
    ticks,
    tracing,
)
from shared.bus import Received
from shared.clock import Clock, DrivenClock, WallClock
from shared.connections import PatientProtocol
from shared.consumer import Consumer, Hearing
from shared.logs import log, told
from shared.outbox import Relay
from shared.service import Handle, Heard, Running, Service
from shared.settings import Settings
from shared.streams import STREAMS

SWEEP_EVERY_S, SOON_S = 1.0, 0.02
KEEP_EVERY_S = 3600
FINISH_S = 5  # for the batch in hand, and again for the outbox, when the process is asked to stop
BEFORE_ANY_TICK = datetime.fromisoformat("2000-01-01T00:00:00+07:00")
GC_THRESHOLDS = (50_000, 20, 20)  # Python's own look for cycles after each 700 objects, several times a batch
SERVERS_PATIENCE_S = 60  # at start: servers may come up after us


def run(service: Service, settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT."""
    logs.set_up(service=service.name, level=settings.log_level)
    tracing.set_up(service=service.name)
    gc.freeze()  # what is loaded stays; batches make many short-lived mappings, rarely a cycle
    gc.set_threshold(*GC_THRESHOLDS)
    uvloop.run(_serve(service, settings))
    tracing.shut_down()


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
    app.include_router(quarantine_api.router)
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
            http=PatientProtocol,
            limit_concurrency=settings.http_connections,
        )
    )
    await server.serve()


@contextlib.asynccontextmanager
async def running(service: Service, settings: Settings) -> AsyncIterator[Running]:
    """Start everything of the service but its HTTP server; stop it in order at the end."""
    sealing.use(settings.seal_keys.get_secret_value())
    engine = db.engine(settings.database_url, name=service.name, pool=settings.database_pool)
    await db.wait_for_database(engine, patience_s=SERVERS_PATIENCE_S)
    nats = bus.broker(settings.nats_url, name=service.name, ca=settings.nats_ca)
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
        await stopping.cancel(others)
        await nats.stop()
        await engine.dispose()
        log.info("stopped")


def _jobs(started: Running) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what runs beside the hearing for as long as the process does."""
    yield started.relay.run_fast()
    yield started.relay.run_slow()
    yield observing.observe_for_ever(started)
    yield observing.count_for_ever(started)
    yield retrying.retry_parked_for_ever(started)
    yield _keep_quarantine(started)
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
    await stopping.cancel(hearing)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FINISH_S):
            await started.relay.drain()


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
                log.warning("no_nats_server_yet", error=told(error))
                await asyncio.sleep(1)


async def _clock(service: Service, settings: Settings, engine: AsyncEngine) -> Clock:
    if settings.clock == "live":
        return WallClock()
    async with engine.connect() as connection:
        reached = await ticks.reached(connection, service.name)
    return DrivenClock(min(reached.values(), default=BEFORE_ANY_TICK))


async def _provision(started: Running) -> None:
    """Make the streams that this service keeps; its consumers make its durables once their streams are there."""
    service = started.service
    for name in sorted(service.keeps):
        await bus.provision_stream(started.client, STREAMS[name], max_bytes=started.settings.stream_max_bytes)
    for hearing, handle in service.handlers:
        consumer = Consumer(
            started.client,
            hearing,
            durable=service.name,
            process=_processor(started, handle, hearing),
            park=partial(parking.park, started.engine, service.name, note=service.note_parked),
            on_tick=started.take_tick,
            precedence=started.precedence,
        )
        started.consumers.append(consumer)
    async with started.engine.connect() as connection:
        started.reached = await ticks.reached(connection, service.name)


def _processor(started: Running, handle: Handle, hearing: Hearing) -> Callable[[Sequence[Received]], Awaitable[None]]:
    async def process(batch: Sequence[Received]) -> None:
        driven = isinstance(started.clock, DrivenClock)
        heard = Heard(batch, started.clock.now(), driven)
        await started.commit(
            lambda connection: handle(connection, heard), cause=hearing.stream, can_wait=hearing.can_wait
        )
        await started.relay.catch_up(can_wait=hearing.can_wait)
        metrics.events.labels(hearing.stream, "done").inc(len(batch))

    return process


async def _keep_quarantine(started: Running) -> None:
    """Each hour let the bytes of closed entries go whose retention is over."""
    while True:
        try:
            await retrying.release_bytes(started)
        except Exception as error:
            if not db.is_transient(error):
                raise
            log.warning("quarantine_not_kept", error=told(error))
        await asyncio.sleep(KEEP_EVERY_S)


async def _sweep_for_ever(started: Running) -> None:
    """Sweep when the next timer is due, and each second for those added meanwhile.

    A timer that is past after a sweep came up during it, or is another copy's: it is looked at soon, then less often.
    """
    soon_s = SOON_S
    while True:
        left_s = SWEEP_EVERY_S
        try:
            await started.sweep_up_to(started.clock.now())
            left_s = await _until_next_timer_s(started)
        except Exception as error:
            if not db.is_transient(error):
                raise
            log.warning("sweep_waits", error=told(error))
        await asyncio.sleep(min(left_s, SWEEP_EVERY_S) if left_s > 0 else soon_s)
        soon_s = SOON_S if left_s > 0 else min(2 * soon_s, SWEEP_EVERY_S)


async def _until_next_timer_s(started: Running) -> float:
    if started.service.next_timer is None:
        return SWEEP_EVERY_S
    async with started.engine.connect() as connection:
        at = await started.service.next_timer(connection)
    return (at - started.clock.now()).total_seconds() if at else SWEEP_EVERY_S
