"""Who has fallen silent: looked at when it may be so, at a business time, by the sweep."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.calendars import PROVINCE
from services.intake.settings import IntakeSettings
from services.intake.sources import heard_store, store
from services.intake.sources.heard_store import Watched
from services.intake.sources.hearing import REACH, end_silence
from services.intake.sources.register import Source
from services.intake.sources.silence import FORGOTTEN_DAYS, HISTORY_DAYS, HOUR_MIN, Days, Policy, silent_at, usual
from shared import metrics
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing, outgoing
from shared.events import SourceSilent
from shared.instants import canonical
from shared.worktime import CalendarEndsError, CalendarError, WorkCalendar, open_seconds, vietnam
from shared.worktime.loading import from_given

AT_ONCE = 50  # sources of one transaction
OFFICE_HOURS = range(7, 17)  # of a weekday that no calendar knows
SETTINGS = IntakeSettings()

_calendars: dict[int, WorkCalendar] = {}


async def perform(connection: AsyncConnection, now: datetime) -> tuple[list[Outgoing], bool]:
    """Look at the sources that are due; say those that are silent.

    says: intake.source_silent.v1. repeats: a silent source is not due before it is heard again.
    """
    if REACH.is_behind():
        return [], False
    due = await heard_store.lock_due(connection, now, limit=AT_ONCE)
    if not due:
        return [], False
    register, days = await store.read(connection), await _days(connection)
    said = [await _look(connection, one, register.sources.get(one.source), days, now) for one in due]
    return [event for event in said if event], len(due) == AT_ONCE


async def next_at(connection: AsyncConnection) -> datetime | None:
    """Return when the next source is due; while this process is behind the stream nothing is."""
    return None if REACH.is_behind() else await heard_store.next_look(connection)


async def observe(connection: AsyncConnection, now: datetime) -> None:
    """Set the gauge of silent sources."""
    silent = await heard_store.list_silent(connection)
    seconds = {metrics.source_label(name): (now - since).total_seconds() for name, since in silent.items()}
    metrics.set_all(metrics.source_silent, seconds)


async def stop_watching(connection: AsyncConnection, name: str, *, now: datetime) -> list[Outgoing]:
    """End the silence of a source that is disabled or not watched any more."""
    return [
        await end_silence(connection, one, at=now, look_at=None)
        for one in await heard_store.lock_silent(connection, [name])
    ]


def policy(settings: IntakeSettings) -> Policy:
    return Policy(
        after_days=settings.silence_after_days,
        new_min=settings.silence_new_minutes,
        floor_min=settings.silence_floor_minutes,
        factor=settings.silence_factor,
    )


async def _look(
    connection: AsyncConnection, one: Watched, source: Source | None, days: Days, now: datetime
) -> Outgoing | None:
    if one.silent_since or source is None or not (source.enabled and source.watched):
        await heard_store.look_again(connection, one.source, at=None)
        return None
    today = now.astimezone(PROVINCE_ZONE).date()
    first = today - timedelta(days=HISTORY_DAYS)
    await heard_store.forget_hours(connection, one.source, before=first)
    hours = await heard_store.list_hours(connection, one.source, since=first)
    heard_on = min(today, one.heard_at.date())  # the silence that runs teaches nothing of what is usual
    held_to = usual(hours, days, policy(SETTINGS), today=heard_on, silent_after_minutes=source.silent_after_minutes)
    if held_to is None:  # too new to be called silent
        forgotten = now - one.quiet_from > timedelta(days=FORGOTTEN_DAYS)
        await heard_store.look_again(connection, one.source, at=None if forgotten else now + timedelta(days=1))
        return None
    found = silent_at(one.quiet_from, held_to, days)
    if found is None or found[0] > now:
        await heard_store.look_again(connection, one.source, at=found[0] if found else None)
        return None
    await heard_store.mark_silent(connection, one.source, allowed_min=found[1])
    return _silent(one, allowed_min=found[1], at=found[0])


def _silent(one: Watched, *, allowed_min: int, at: datetime) -> Outgoing:
    revision = one.revision + 1
    return outgoing(
        SourceSilent,
        id=f"source:{one.source}:{revision}",
        about=one.source,
        time=at,
        data={
            "source": one.source,
            "revision": revision,
            "since": canonical(one.heard_at),
            "usual_gap_s": allowed_min * 60,
        },
    )


async def _days(connection: AsyncConnection) -> Days:
    calendar = await _calendar(connection)

    def works(day: date) -> bool:
        if not calendar.known_from <= day <= calendar.known_until:
            return day.weekday() < 5
        at = bisect_left(calendar.days, day.toordinal())
        return at < len(calendar.days) and calendar.days[at] == day.toordinal()

    def opens(day: date, hour: int) -> bool:
        start = datetime(day.year, day.month, day.day, hour, tzinfo=PROVINCE_ZONE)
        try:
            return open_seconds(calendar, start=start, end=start + timedelta(hours=1)) * 2 >= HOUR_MIN * 60
        except CalendarEndsError:
            return works(day) and hour in OFFICE_HOURS

    return Days(works, opens)


async def _calendar(connection: AsyncConnection) -> WorkCalendar:
    """Return the province's calendar: the one that was loaded, else the one carried along."""
    found = await heard_store.find_province_calendar(connection, PROVINCE)
    if found is None:
        return vietnam()
    revision, given = found
    if revision not in _calendars:
        _calendars.clear()
        try:
            _calendars[revision] = from_given(given, base=vietnam() if given.get("inherits") else None)
        except CalendarError:
            _calendars[revision] = vietnam()
    return _calendars[revision]
