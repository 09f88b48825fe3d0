"""What a service is made of, and the state of a running one: commit, sweep, ticks, status."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter
from nats.aio.client import Client
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import bus, db, metrics, outbox, quarantine_store, ticks, tracing
from shared.bus import Received
from shared.clock import Clock, DrivenClock
from shared.cloudevents import Event, Outgoing
from shared.consumer import Consumer, Hearing
from shared.events import Tick
from shared.logs import log, log_traces, told
from shared.outbox import Relay
from shared.parking import Note
from shared.precedence import Precedence
from shared.settings import Settings
from shared.streams import STREAMS, StreamName


@dataclass(frozen=True, slots=True)
class Heard:
    """A batch as a handler gets it.

    now: business time; events with their own times use those. driven: it is moved by ticks, not the machine's.
    """

    messages: Sequence[Received]
    now: datetime
    driven: bool = False


Handle = Callable[[AsyncConnection, Heard], Awaitable[list[Outgoing]]]
Sweep = Callable[[AsyncConnection, datetime], Awaitable[tuple[list[Outgoing], bool]]]


@dataclass(frozen=True)
class Service:
    """The parts of one service.

    handlers: one per stream heard. sweep: fires what is due at a business time in one transaction and returns its
    events and whether more is due now. next_timer: the earliest coming timer. counts: for `dondoc status`.
    busy: work that `status --wait-idle` waits for, beside messages and outbox. background: tasks of its own.
    at_start: done once before it is ready. reads_again: streams that it may read from their beginning beside its
    durables (`shared.rereading`). receives: streams without an owner, which this service keeps.
    observe: sets gauges of its own, now and then. note_parked: what else is to be remembered of a message that failed
    alone, in the transaction that parks it. keep_said: what else is kept of events, last in the transaction that says
    them.
    """

    name: str
    says: Sequence[type[Event]]
    owns: StreamName | None = None
    receives: Sequence[StreamName] = ()
    reads_again: Sequence[StreamName] = ()
    handlers: Sequence[tuple[Hearing, Handle]] = ()
    sweep: Sweep | None = None
    next_timer: Callable[[AsyncConnection], Awaitable[datetime | None]] | None = None
    counts: Callable[[AsyncConnection, datetime], Awaitable[dict[str, dict[str, int]]]] | None = None
    busy: Callable[[AsyncConnection, datetime], Awaitable[int]] | None = None
    observe: Callable[[AsyncConnection, datetime], Awaitable[None]] | None = None
    note_parked: Note | None = None
    keep_said: Callable[[AsyncConnection, Sequence[Outgoing]], Awaitable[None]] | None = None
    router: APIRouter | None = None
    background: Sequence[Callable[[Running], Coroutine[Any, Any, None]]] = ()
    at_start: Sequence[Callable[[Running], Awaitable[None]]] = ()

    @property
    def keeps(self) -> set[StreamName]:
        """The streams that this service makes and watches over."""
        return {stream for stream in (self.owns, *self.receives) if stream}


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
    committed: asyncio.Event = field(default_factory=asyncio.Event)  # set as something said commits; for one waiter
    precedence: Precedence = field(default_factory=Precedence)

    async def commit(
        self, work: Callable[[AsyncConnection], Awaitable[list[Outgoing]]], *, cause: str, can_wait: bool = False
    ) -> None:
        """Run `work` in a transaction together with the outbox rows of what it says, then relay.

        cause: for the log: a stream heard, `sweep`, a request. can_wait: what is said gives way to all else.
        """
        with tracing.spans():
            async with db.transaction(self.engine) as connection:
                said = await work(connection)
                ids = await outbox.add(connection, self.service.name, said)
                if said and self.service.keep_said:
                    await self.service.keep_said(connection, said)
        for type, number in Counter(event.subject for event in said).items():
            metrics.said.labels(type).inc(number)
        if said:
            log_traces("info", "committed", (event.trace for event in said), cause=cause, said=len(said))
            self.committed.set()
        await self.relay.hand_over(ids, said, can_wait=can_wait)

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

                await self.commit(fire, cause="sweep")

    async def take_tick(self, stream: StreamName, tick: Tick) -> None:
        """Move business time to the smallest tick reached by all streams heard, sweep, and pass the tick on."""
        await self.relay.drain()
        if not isinstance(self.clock, DrivenClock):
            return
        for consumer in self.consumers:
            if consumer.hearing.can_wait:  # no ticks are there: what came before this one is done first
                await consumer.drained()
        await self.relay.drain()
        if tick.at < self.reached.get(stream, tick.at):
            return  # comes again, from before a crash
        self.reached[stream] = tick.at
        self.timers |= tick.timers
        async with db.transaction(self.engine) as connection:
            await ticks.put(connection, self.service.name, stream=stream, at=tick.at)
        hearings = [consumer.hearing for consumer in self.consumers]
        heard = {hearing.stream for hearing in hearings if not (hearing.can_wait or hearing.aside)}
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
                log.warning("tick_waits", error=told(error))
                await asyncio.sleep(1)

    async def status(self) -> dict[str, Any]:
        """Return what `dondoc status` shows."""
        consumers = {}
        for consumer in self.consumers:
            if not consumer.there:
                continue
            lag = await bus.lag(self.client, stream=consumer.hearing.stream, durable=consumer.durable)
            consumers[f"{consumer.hearing.stream}/{consumer.durable}"] = {
                "pending": lag.pending,
                "unacked": lag.unacked,
            }
        async with self.engine.connect() as connection:
            counts = await self.service.counts(connection, self.clock.now()) if self.service.counts else {}
            parked = await quarantine_store.count(connection, self.service.name)
            busy = await self.service.busy(connection, self.clock.now()) if self.service.busy else 0
        pending = await self.relay.pending()
        deaf = not all(consumer.there for consumer in self.consumers)
        return {
            "service": self.service.name,
            "ready": not self.missing(),
            "missing": self.missing(),
            "consumers": consumers,
            "outbox": pending,
            "quarantine": parked,
            "counts": counts,
            "busy": busy,
            "business_time": self.clock.now(),
            "redelivered": sum(consumer.redelivered for consumer in self.consumers),
            "idle": not (deaf or pending or busy or any(c["pending"] or c["unacked"] for c in consumers.values())),
        }

    def missing(self) -> dict[str, str]:
        """Name what keeps the service from being ready."""
        missing: dict[str, str] = {
            c.hearing.stream: "messages wait and none arrives" for c in self.consumers if c.stalled
        }
        missing |= {c.hearing.stream: "not made yet by its owner" for c in self.consumers if not c.there}
        if not self.client.is_connected:
            missing["nats"] = "not connected"
        return missing
