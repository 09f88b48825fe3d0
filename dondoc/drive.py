"""Drives business time: plays messages and ticks into FEED, and never moves past anything that is due.

A tick T stands behind all data up to T, and nothing follows it until it has come back through every service. It brings
each service's next timer along. Timers are rounded up to a grid, so what lies between is jumped over at once.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import orjson
from nats.aio.client import Client
from nats.aio.subscription import Subscription

from dondoc.stack.errors import StackError
from shared import bus
from shared.clock import PROVINCE_ZONE, monotonic_s
from shared.cloudevents import Outgoing
from shared.events import Tick
from shared.streams import STREAMS, StreamName

GRID = timedelta(minutes=15)  # divides a day, so slots and closings lie on it
PATIENCE_S = 90  # for a tick to come back: longer than the server waits before it gives a dead service's messages again
LOOK_AGAIN_S = 1  # a tick whose announcement was missed is found in the stream
RECEIVED_AT = "Dondoc-Received-At"  # business time of receipt, as intake reads it
PATH: dict[StreamName, str] = {
    "INTAKE": "intake",
    "COMPLAINTS": "complaints",
    "DEADLINE": "deadline",
    "NOTIFY": "notify",
}


class Timed(NamedTuple):
    """A raw message and the business time at which FEED receives it."""

    at: datetime
    source: str
    body: bytes


class Beside(Protocol):
    """Who acts over HTTP while business time stands: it stops where they want it to."""

    @property
    def next_at(self) -> datetime | None:
        """When they act next; None: no more."""

    async def act(self, at: datetime) -> None:
        """Do all that is due by `at`, where business time is."""


class ClockStoppedError(StackError):
    """A tick did not come back; names the service that keeps it."""


def no_report(_: Driver) -> None:
    """Report to nobody."""


@dataclass
class Driver:
    """Where business time stands. timers: each service's next, as the last tick brought them back."""

    client: Client
    back: Subscription
    at: datetime
    timers: dict[str, datetime | None] = field(default_factory=dict)
    messages: int = 0
    ticks: int = 0
    patience_s: float = PATIENCE_S
    report: Callable[[Driver], None] = no_report
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    async def play(
        self, messages: Iterable[Timed], *, until: datetime, speed: float | None = None, beside: Beside | None = None
    ) -> None:
        """Play `messages` and move business time to `until`; what is timed later is not played.

        messages: in the order of their times. speed: business seconds a second; None: as fast as the services go.
        beside: who acts at the beginning and after each tick.
        raises: ClockStoppedError - a service does not pass a tick on.
        """
        waiting = _Ahead(iter(messages))
        began_s, began_at = monotonic_s(), self.at
        if beside:
            await beside.act(self.at)
        while self.at < until:
            at = self._next(waiting.next_at, beside.next_at if beside else None, until=until)
            if speed:
                await asyncio.sleep((at - began_at).total_seconds() / speed - (monotonic_s() - began_s))
            await self.publish(waiting.take(up_to=at))
            await self.tick(at)
            if beside:
                await beside.act(at)
            self.report(self)

    async def publish(self, messages: Iterable[Timed]) -> None:
        """Write raw messages into FEED as their sources would."""
        outgoing = []
        for message in messages:
            self.messages += 1
            headers = {RECEIVED_AT: message.at.isoformat()}
            subject = f"feed.{message.source}.national"
            outgoing.append(Outgoing(f"{self.run}:{self.messages}", subject, message.body, headers))
        await bus.publish(self.client, outgoing)

    async def tick(self, at: datetime) -> None:
        """Move business time to `at` and return once every service has done what is due by then.

        raises: ClockStoppedError - a service does not pass the tick on.
        """
        subject = STREAMS["FEED"].tick
        body = orjson.dumps({"at": at, "timers": {}})
        await bus.publish(self.client, [Outgoing(f"{subject}:{at.isoformat()}", subject, body)])
        self.timers = (await self._come_back(at)).timers
        self.at = at
        self.ticks += 1

    def _next(self, *others: datetime | None, until: datetime) -> datetime:
        """Return the next instant of the grid at which there is something to do; later than the present one."""
        wanted = [at for at in (*others, *self.timers.values()) if at]
        soonest = on_grid(self.at + timedelta(microseconds=1))
        return min(until, max(soonest, on_grid(min(wanted)))) if wanted else until

    async def _come_back(self, at: datetime) -> Tick:
        end = monotonic_s() + self.patience_s
        while monotonic_s() < end:
            tick: Tick | None
            try:
                tick = Tick.model_validate_json((await self.back.next_msg(timeout=LOOK_AGAIN_S)).data)
            except TimeoutError:
                tick = await last_tick(self.client, "NOTIFY")
            if tick and tick.at >= at:
                return tick
        raise ClockStoppedError(await self._who_keeps(at))

    async def _who_keeps(self, at: datetime) -> str:
        when = f"{at.astimezone(PROVINCE_ZONE):%Y-%m-%d %H:%M}"
        for stream, service in PATH.items():
            tick = await last_tick(self.client, stream)
            if tick is None or tick.at < at:
                return f"{service} has not reached {when} within {self.patience_s:g} s; see its log"
        return f"the tick of {when} was passed on, but too late: after {self.patience_s:g} s"


@contextlib.asynccontextmanager
async def driving(
    client: Client,
    *,
    start: datetime,
    report: Callable[[Driver], None] = no_report,
    patience_s: float = PATIENCE_S,
) -> AsyncIterator[Driver]:
    """Take the wheel: move business time to `start` and give the driver, which moves it on."""
    back = await client.subscribe(STREAMS["NOTIFY"].tick)
    driver = Driver(client, back, start, report=report, patience_s=patience_s)
    try:
        await driver.tick(start)
        yield driver
    finally:
        if client.is_connected:
            await back.unsubscribe()


async def last_tick(client: Client, stream: StreamName) -> Tick | None:
    """Return the last tick that the stream holds."""
    try:
        found = await bus.api(client, f"STREAM.MSG.GET.{stream}", {"last_by_subj": STREAMS[stream].tick})
    except bus.JetStreamError as error:
        if error.status != 404:
            raise
        return None
    return Tick.model_validate_json(base64.b64decode(found["message"]["data"]))


def on_grid(at: datetime) -> datetime:
    """Return the first instant of the grid at or after `at`, in the province's time."""
    local = at.astimezone(PROVINCE_ZONE)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -((midnight - local) // GRID) * GRID


class _Ahead:
    """Messages with a look at the next one."""

    def __init__(self, messages: Iterator[Timed]) -> None:
        self._messages = messages
        self._next = next(messages, None)

    @property
    def next_at(self) -> datetime | None:
        return self._next.at if self._next else None

    def take(self, *, up_to: datetime) -> Iterator[Timed]:
        while self._next and self._next.at <= up_to:
            yield self._next
            self._next = next(self._messages, None)
