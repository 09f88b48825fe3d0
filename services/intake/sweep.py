"""What intake does of its own accord when its time has come: each part is a timer and a deed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.oversight import making
from services.intake.quality import walking
from services.intake.sources import watch
from shared.cloudevents import Outgoing


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that falls due.

    perform: does what is due at a business time, or a bounded share of it; returns its events and whether more is due
    now. Another copy of intake may do the same at the same time. next_at: when it is due next, None if never.
    observe: sets gauges of its own, now and then.
    """

    perform: Callable[[AsyncConnection, datetime], Awaitable[tuple[list[Outgoing], bool]]]
    next_at: Callable[[AsyncConnection], Awaitable[datetime | None]]
    observe: Callable[[AsyncConnection, datetime], Awaitable[None]] | None = None


PARTS: Sequence[Part] = (
    Part(watch.perform, watch.next_at, watch.observe),
    Part(making.perform, making.next_at),
    Part(walking.perform, walking.next_at, walking.observe),
)


async def sweep(connection: AsyncConnection, now: datetime) -> tuple[list[Outgoing], bool]:
    """Do what is due; returns the events and whether more is due now."""
    said, more = list[Outgoing](), False
    for part in PARTS:
        events, left = await part.perform(connection, now)
        said += events
        more = more or left
    return said, more


async def next_timer(connection: AsyncConnection) -> datetime | None:
    """Return when something is due next."""
    timers = [await part.next_at(connection) for part in PARTS]
    return min((at for at in timers if at), default=None)


async def observe(connection: AsyncConnection, now: datetime) -> None:
    """Set the gauges of all parts."""
    for part in PARTS:
        if part.observe:
            await part.observe(connection, now)
