"""When a notice may leave: in quiet hours, at a slot, on the next day, once a week. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import NamedTuple, get_args

from services.notify.policies.parts import QuietHours, Weekday, Weekly
from shared.worktime import CalendarEndsError, WorkCalendar, is_working_day

SATURDAY = 5
DAY = timedelta(days=1)


class Quiet(NamedTuple):
    """Whether people are not to be woken now. others: units for which it is the other way, by their own calendars."""

    province: bool = False
    others: Sequence[str] = ()


def awake(quiet: QuietHours | None, *, calendar: WorkCalendar, at: datetime) -> datetime:
    """Return the first instant at or after `at` that is not quiet: `at` itself, or the end of quiet hours."""
    local = at.astimezone(calendar.zone)
    if quiet is None or not (quiet.holds(local.time()) or (quiet.days_off and not works(calendar, local.date()))):
        return at
    for days in count():
        on = local.date() + days * DAY
        instant = datetime.combine(on, quiet.until, calendar.zone)
        if instant >= local and (works(calendar, on) or not quiet.days_off):
            return instant
    raise AssertionError("unreachable")


def is_quiet(quiet: QuietHours | None, *, calendar: WorkCalendar, at: datetime) -> bool:
    return awake(quiet, calendar=calendar, at=at) > at


def next_slot(slots: tuple[time, ...], *, calendar: WorkCalendar, at: datetime) -> datetime:
    """Return the first digest slot at or after `at`.

    Where the calendar does not reach, Monday to Friday count as working days: a late digest beats none.
    """
    local = at.astimezone(calendar.zone)
    for days in count():
        on = local.date() + days * DAY
        for slot in slots:
            instant = datetime.combine(on, slot, calendar.zone)
            if instant >= local and works(calendar, on):
                return instant
    raise AssertionError("unreachable")


def next_day(slots: tuple[time, ...], *, calendar: WorkCalendar, at: datetime) -> datetime:
    """Return the first slot of the next day that has one: for what is over a cap today."""
    tomorrow = at.astimezone(calendar.zone).date() + DAY
    return next_slot(slots, calendar=calendar, at=datetime.combine(tomorrow, time(), calendar.zone))


def next_weekly(weekly: Weekly, *, calendar: WorkCalendar, at: datetime) -> datetime:
    """Return the first weekly slot after `at`."""
    local = at.astimezone(calendar.zone)
    monday = local.date() - local.weekday() * DAY
    for week in count(-1):  # last week's may have been put off to a day of this one
        on = monday + (week * 7 + get_args(Weekday).index(weekly.weekday)) * DAY
        while not works(calendar, on):
            on += DAY
        instant = datetime.combine(on, weekly.at, calendar.zone)
        if instant > local:
            return instant
    raise AssertionError("unreachable")


def works(calendar: WorkCalendar, on: date) -> bool:
    """Return whether a day is a working day; Monday to Friday where the calendar does not reach."""
    try:
        return is_working_day(calendar, on=on)
    except CalendarEndsError:
        return on.weekday() < SATURDAY
