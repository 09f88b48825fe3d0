"""Due dates as the local one-stop software prints them on receipts, beside the law's own. Pure.

The rule is that of the local one-stop product as observed, faults included, so that a date on a receipt can be told
from a mistake: a Saturday that is worked for another day off is a day off to it all the same.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple

from services.deadline.limits import Limit
from shared.worktime import WorkCalendar
from shared.worktime.reckoning import calendar_ends

Counts = Literal["working_days", "calendar_days"]

HOURS_A_DAY = 8
OPENS, NOON, AFTERNOON, CLOSES = (timedelta(hours=hours) for hours in (7, 11.5, 13.5, 17))
"""Its default shifts: 07:00-11:30 and 13:30-17:00."""
DAY = timedelta(days=1)
FRIDAY = 4


class Counted(NamedTuple):
    """A limit on its way. on: the date from which `days` are counted. last: the date it ends on, at `clock`."""

    on: date
    days: int
    last: date
    clock: timedelta


def local_due(start: datetime, *, hours: float, counts: Counts, calendar: WorkCalendar) -> datetime:
    """Return when a limit runs out by the software's own reckoning.

    start: aware, any zone. After 17:00 it becomes 07:00 and the limit a day longer; before 07:00 it becomes 07:00, and
        between 11:30 and 13:30 it becomes 13:30; its date stays, even where that is a day off.
    hours: > 0; each 8 are a day, the rest runs on the clock first, past the lunch break and into the next morning.
    calendar: its listed days off count, its week and its make-up days do not.
    returns: at the clock time so reached. In calendar days a last day off moves on to the next day that is none.
    raises: CalendarEndsError - the start, the due date or a date between them is not a known one. ValueError - a naive
        start; hours that are not > 0.
    source: the local one-stop product as observed.
    """
    counted = _reckoned(start, hours, counts, calendar)
    return datetime.combine(counted.last, time(), calendar.zone) + counted.clock


def steps(start: datetime, *, hours: float, counts: Counts, calendar: WorkCalendar) -> list[dict[str, Any]]:
    """Return the dates from the start to the due time of `local_due`, as `worktime.explain` gives them.

    raises: as `local_due`.
    """
    on, days, last, _ = _reckoned(start, hours, counts, calendar)
    told = [_step(on, 0, "day of the start")]
    while on < last:
        on += DAY
        if counts == "working_days" and is_off(on, calendar):
            name = calendar.names.get(on) if on.weekday() <= FRIDAY else None
            told.append(_step(on, 0, f"holiday: {name}" if name else "day off"))
        elif days:
            days -= 1
            told.append(_step(on, 1, "working day" if counts == "working_days" else "calendar day"))
        else:
            told.append(_step(on, 0, "last day was off: next working day"))
    return told


def after_supplement(due: datetime, *, requested: datetime, resumed: datetime, calendar: WorkCalendar) -> datetime:
    """Return the due time after a supplement that was asked for and came.

    returns: later by the calendar days from the date of the request to the date of its coming, less one, and then by a
        day that is not off; the clock time stays.
    raises: CalendarEndsError - the new date is not a known one. ValueError - a naive time; it came before the request.
    source: the local one-stop product as observed.
    """
    if resumed < requested:
        raise ValueError(f"resumed: {resumed.isoformat()} is before the request")
    local, asked, came = (_local(at, calendar) for at in (due, requested, resumed))
    moved = local.date() + (came.date() - asked.date()) - DAY
    return datetime.combine(_last(moved, 1, "working_days", calendar), local.time(), calendar.zone)


def local_due_of(limit: Limit, accepted_at: datetime, calendar: WorkCalendar) -> datetime | None:
    """Return what the software would print for a limit, None where it has no way to express the limit's unit.

    raises: CalendarEndsError - as `local_due`.
    """
    if (told := hours_of(limit.value, limit.unit)) is None:
        return None
    hours, counts = told
    return local_due(accepted_at, hours=hours, counts=counts, calendar=calendar)


def hours_of(value: float, unit: str) -> tuple[float, Counts] | None:
    """Return a limit as the software keeps it, in hours and by what it counts them; None where it cannot."""
    if unit == "working_hours":
        return value, "working_days"
    if unit == "working_days":
        return value * HOURS_A_DAY, "working_days"
    if unit == "calendar_days":
        return value * HOURS_A_DAY, "calendar_days"
    return None


def is_off(on: date, calendar: WorkCalendar) -> bool:
    """Say whether a date is off to the software: Saturdays, Sundays, listed days off.

    raises: CalendarEndsError - the date is not a known one.
    """
    if not calendar.known_from <= on <= calendar.known_until:
        raise calendar_ends(calendar)
    return on.weekday() > FRIDAY or calendar.content.dates.get(on) == ()


def _step(on: date, counts: int, why: str) -> dict[str, Any]:
    return {"on": on.isoformat(), "counts": counts, "why": why}


def _reckoned(start: datetime, hours: float, counts: Counts, calendar: WorkCalendar) -> Counted:
    if not hours > 0:
        raise ValueError(f"hours: {hours} is not above 0")
    days, rest = divmod(timedelta(hours=hours), timedelta(hours=HOURS_A_DAY))
    on, clock, late = _arrival(start, calendar)
    clock, overflow = _run_on(clock, rest)
    days += late + overflow
    return Counted(on, days, _last(on, days, counts, calendar), clock)


def _arrival(start: datetime, calendar: WorkCalendar) -> tuple[date, timedelta, int]:
    """Return the date and the clock time from which is counted, and the days by which a late arrival lengthens it."""
    local = _local(start, calendar)
    on, clock = local.date(), local.replace(tzinfo=None) - datetime.combine(local.date(), time())
    if clock > CLOSES:
        return on, OPENS, 1
    if NOON < clock < AFTERNOON:
        return on, AFTERNOON, 0
    return on, max(clock, OPENS), 0


def _run_on(clock: timedelta, rest: timedelta) -> tuple[timedelta, int]:
    """Return the clock time when a rest of less than a day is used up, and whether that is on the next morning."""
    days = 0
    while rest:
        if clock == NOON:
            clock = AFTERNOON
        elif clock == CLOSES:
            clock, days = OPENS, days + 1
        used = min(rest, (NOON if clock < NOON else CLOSES) - clock)
        clock, rest = clock + used, rest - used
    return clock, days


def _last(on: date, days: int, counts: Counts, calendar: WorkCalendar) -> date:
    """Return the date on which so many days after a date have been counted."""
    is_off(on, calendar)  # which is to be a known date
    if counts == "working_days":
        while days:
            on += DAY
            days -= not is_off(on, calendar)
        return on
    if days > (calendar.known_until - on).days:
        raise calendar_ends(calendar)
    on += days * DAY
    while is_off(on, calendar):
        on += DAY
    return on


def _local(at: datetime, calendar: WorkCalendar) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone")
    return at.astimezone(calendar.zone)
