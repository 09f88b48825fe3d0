"""The periodic acts: each morning's census, each hour's count of events. Both are said once, whoever sweeps first."""

from __future__ import annotations

from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deadline import acts, counting, handlers, recalculating
from services.deadline.counting import Counted
from services.deadline.refolding import SETTINGS
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing, outgoing
from shared.events import CensusTaken, EventsCounted
from shared.service import Handle, Heard

CENSUS = "census"
PART = 5_000  # ids of one event: some 300 kB
GRACE = timedelta(minutes=5)  # after an hour's end: transactions that began in it have committed by then
DAY = timedelta(days=1)
LOOK_BACK = timedelta(days=31)  # for days on which units gave way to others while nobody swept

_looked: WeakKeyDictionary[Engine, datetime] = WeakKeyDictionary()


def tallied(handle: Handle) -> Handle:
    """Return a handler that also counts what it says, in the same transaction."""

    async def handle_and_tally(connection: AsyncConnection, heard: Heard) -> list[Outgoing]:
        events = await handle(connection, heard)
        await counting.tally(connection, events, now=heard.now)
        return events

    return handle_and_tally


async def sweep(connection: AsyncConnection, at: datetime) -> tuple[list[Outgoing], bool]:
    """Fire what is due; once there is no more, take the census of the morning and count the hours that are over."""
    events, more = await handlers.sweep(connection, at)
    await counting.tally(connection, events, now=at)
    if not more and _is_another_minute(connection, at):
        events += await _take_census(connection, at)
        events += await _count_hours(connection, at)
        await recalculating.ask_for_turns(connection, after=at - LOOK_BACK, until=at)
    return events, more


def _is_another_minute(connection: AsyncConnection, at: datetime) -> bool:
    """Say whether this process has not looked for periodic acts in this minute: an idle second is to cost little.

    After a transaction that failed it looks again in the next minute.
    """
    minute = at.replace(second=0, microsecond=0)
    if _looked.get(connection.engine.sync_engine) == minute:
        return False
    _looked[connection.engine.sync_engine] = minute
    return True


async def next_timer(connection: AsyncConnection) -> datetime | None:
    """Return when there is something to sweep next; the first census is taken at the first sweep."""
    timer, taken = await counting.next_timers(connection, CENSUS)
    census = _slot_before(taken) + DAY if taken else None
    return min(filter(None, (timer, census)), default=None)


def _slot_before(at: datetime) -> datetime:
    """Return the newest census slot at or before `at`."""
    local = at.astimezone(PROVINCE_ZONE)
    slot = datetime.combine(local.date(), SETTINGS.census_at, PROVINCE_ZONE)
    return slot if slot <= local else slot - DAY


async def _take_census(connection: AsyncConnection, at: datetime) -> list[Outgoing]:
    """Say what is open and overdue, in one snapshot. A morning missed while nobody swept is not made up for."""
    slot = _slot_before(at)
    if (taken := await acts.newest_slot(connection, CENSUS)) and taken >= slot:
        return []
    if await acts.add(connection, CENSUS, subject="", slot=slot, detail={}, finished=True) is None:
        return []
    found = await counting.overdue(connection, at=at)
    parts = [found.ids[start : start + PART] for start in range(0, len(found.ids), PART)] or [()]
    return [
        outgoing(
            CensusTaken,
            id=f"census/{slot.isoformat()}:{number}",
            about=f"census/{slot.isoformat()}",
            time=at,
            data=CensusTaken(
                slot=slot, taken_at=at, part=number, parts=len(parts), counts=found.counts, overdue=tuple(part)
            ),
        )
        for number, part in enumerate(parts, start=1)
    ]


async def _count_hours(connection: AsyncConnection, at: datetime) -> list[Outgoing]:
    over = (at - GRACE).replace(minute=0, second=0, microsecond=0)
    return [_counted(one, at) for one in await counting.count_hours(connection, before=over)]


def _counted(one: Counted, at: datetime) -> Outgoing:
    hour = one.hour.astimezone(PROVINCE_ZONE)
    about = f"counted/{hour.isoformat()}"
    said = EventsCounted(hour=hour, revision=one.revision, count=one.number, digest=f"{one.digest:016x}")
    return outgoing(EventsCounted, id=f"{about}:{one.revision}", about=about, time=at, data=said)
