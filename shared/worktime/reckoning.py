"""Adding and measuring working time: bisection over a compiled calendar, nothing else.

Instants are aware on the way in and in the calendar's zone on the way out. Inside they are epoch seconds; as
floats these still tell microseconds apart.
"""

from bisect import bisect_left, bisect_right
from datetime import date, datetime, time, timedelta

from shared.worktime.calendars import DAY_S, EPOCH_ORDINAL, WorkCalendar

MIDNIGHT = time()
DAY = timedelta(days=1)


class CalendarEndsError(Exception):
    """Working time was asked for on a day that the calendar does not know."""


def working_days_after(calendar: WorkCalendar, *, start: datetime, days: int) -> datetime:
    """Return when a limit of `days` working days from `start` runs out, at the clock time of its start.

    start: aware, any zone. Closed time does not count: it is first moved to the next opening.
    days: > 0 is a limit; < 0 counts back as `working_days_from` does; 0 is `start` itself.
    returns: on the n-th working day after the (moved) start's, see `working_days_from` for closed clock times.
    raises: CalendarEndsError - the start or the result is on no known day. ValueError - naive start.
    law: Bộ luật Dân sự 2015 Đ.147(2) - the first day is not counted; the clock time is kept as on the slip.
    """
    try:
        return calendar.by_date.working_days_after(start, days)
    except LookupError:
        pass
    if days <= 0:
        return working_days_from(calendar, due=start, days=days)
    at = instant_s(calendar, start)
    i = _next_interval(calendar, at)
    day = calendar.days[bisect_right(calendar.first_interval, i) - 1]
    clock = (max(at, calendar.opens[i]) + calendar.offsets[i]) % DAY_S
    return _placed(calendar, day, clock, days)


def working_days_from(calendar: WorkCalendar, *, due: datetime, days: int) -> datetime:
    """Return the n-th working day from the date of `due` at its clock time: how the levels of a ladder are set.

    due: aware, any zone; is not moved, so a closing or a time on a day off counts from that very date.
    days: < 0 counts back; 0 is `due` itself.
    returns: if that day is closed at the clock time, its last closing before, else its first opening. A clock
        time that day skips is the moment of the skip; of one it repeats, the first that is open counts.
        Midnight is the 24:00 of the day that ends.
    raises: CalendarEndsError - either end is on no known day. ValueError - naive due time.
    """
    local = datetime.fromtimestamp(instant_s(calendar, due), calendar.zone)
    if not days:
        return local
    clock = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1_000_000
    return _placed(calendar, local.toordinal(), clock, days)


def open_time_after(calendar: WorkCalendar, *, start: datetime, seconds: int) -> datetime:
    """Return the instant at which `seconds` of open time after `start` are used up.

    start: aware, any zone. Closed time does not count, so 22:00 equals the next opening.
    seconds: < 0 counts back and stops at the first instant met; 0 is `start` itself.
    returns: a limit that fills a shift ends at its closing, not at the next opening.
    raises: CalendarEndsError - the start or the result is on no known day. ValueError - naive start.
    """
    try:
        return calendar.by_date.open_time_after(start, seconds)
    except LookupError:
        pass
    at = instant_s(calendar, start)
    if not seconds:
        return datetime.fromtimestamp(at, calendar.zone)
    before = calendar.open_before
    target = _open_until(calendar, at) + seconds
    if not 0 <= target <= before[-1]:
        raise calendar_ends(calendar)
    i = (bisect_left(before, target) if seconds > 0 else bisect_right(before, target)) - 1
    return datetime.fromtimestamp(calendar.opens[i] + (target - before[i]), calendar.zone)


def open_seconds(calendar: WorkCalendar, *, start: datetime, end: datetime) -> int:
    """Return the open time between two instants, in whole seconds.

    returns: 0 if `end` is not after `start`. A shift over a change of clocks counts what really passed.
    raises: CalendarEndsError - either end is on no known day. ValueError - a naive instant.
    """
    try:
        return max(calendar.by_date.open_until(end) - calendar.by_date.open_until(start), 0)
    except LookupError:
        pass
    begins, ends = instant_s(calendar, start), instant_s(calendar, end)
    if ends <= begins:
        return 0
    return int(_open_until(calendar, ends) - _open_until(calendar, begins))


def next_opening(calendar: WorkCalendar, *, at: datetime) -> datetime:
    """Return `at` if it is open then, else the next opening. A closing instant is closed.

    raises: CalendarEndsError - no opening is known any more. ValueError - naive `at`.
    """
    try:
        return calendar.by_date.next_opening(at)
    except LookupError:
        pass
    instant = instant_s(calendar, at)
    opening = calendar.opens[_next_interval(calendar, instant)]
    return datetime.fromtimestamp(max(instant, opening), calendar.zone)


def is_working_day(calendar: WorkCalendar, *, on: date) -> bool:
    """Say whether a date has any open time.

    raises: CalendarEndsError - the date is not a known one.
    """
    if not calendar.known_from <= on <= calendar.known_until:
        raise calendar_ends(calendar)
    ordinal, i = on.toordinal(), bisect_left(calendar.days, on.toordinal())
    return i < len(calendar.days) and calendar.days[i] == ordinal


def crosses_provisional(calendar: WorkCalendar, *, start: datetime, end: datetime) -> bool:
    """Say whether a date between two instants, theirs included, is expected but not yet announced.

    raises: CalendarEndsError - either end is on no known day. ValueError - a naive instant.
    """
    first, last = _dates_between(calendar, start, end)
    i = bisect_left(calendar.provisional, first.toordinal())
    return i < len(calendar.provisional) and calendar.provisional[i] <= last.toordinal()


def days_off(calendar: WorkCalendar, *, start: datetime, end: datetime) -> list[tuple[date, str]]:
    """List the days off that have a name between two instants, the dates of both included.

    raises: CalendarEndsError - either end is on no known day. ValueError - a naive instant.
    """
    first, last = _dates_between(calendar, start, end)
    dates = (date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1))
    return [(on, calendar.names[on]) for on in dates if on in calendar.names and not is_working_day(calendar, on=on)]


def _placed(calendar: WorkCalendar, day: int, clock: float, days: int) -> datetime:
    """Return the n-th working day from `day`, an ordinal, at a clock time in seconds, or the open time nearest it."""
    if clock == 0:  # midnight is the 24:00 of the day that ends
        day, clock = day - 1, DAY_S
    n = (bisect_right(calendar.days, day) - 1 if days > 0 else bisect_left(calendar.days, day)) + days
    if not 0 <= n < len(calendar.days):
        raise calendar_ends(calendar)
    return at_clock(calendar, n, clock)


def at_clock(calendar: WorkCalendar, n: int, clock: float) -> datetime:
    """Return the `n`-th of the calendar's working days at a clock time, or the open time nearest it.

    clock: seconds since local midnight, 86,400 at most.
    """
    try:
        if clock == (whole := int(clock)):
            return calendar.by_date.at_clock(n, whole)
    except LookupError:
        pass
    wall_s = (calendar.days[n] - EPOCH_ORDINAL) * DAY_S + clock
    due: float | None = None
    for i in range(calendar.first_interval[n], calendar.first_interval[n + 1]):
        at = wall_s - calendar.offsets[i]
        if at < calendar.opens[i]:
            due = calendar.opens[i] if due is None else due
            break
        due = min(at, calendar.closes[i])
        if due == at:
            break
    assert due is not None  # a working day has an interval
    return datetime.fromtimestamp(due, calendar.zone)


def instant_s(calendar: WorkCalendar, at: datetime) -> float:
    """Return an instant in epoch seconds. raises: CalendarEndsError, ValueError - as all that is public here."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone")
    instant = at.timestamp()
    if not calendar.known_since_s <= instant <= calendar.known_to_s:
        raise calendar_ends(calendar)
    return instant


def _next_interval(calendar: WorkCalendar, instant: float) -> int:
    """Return the index of the interval that holds `instant`, else of the next one."""
    i = bisect_right(calendar.closes, instant)
    if i == len(calendar.closes):
        raise calendar_ends(calendar)
    return i


def _open_until(calendar: WorkCalendar, instant: float) -> float:
    """Return the open seconds between the calendar's begin and `instant`."""
    i = bisect_right(calendar.opens, instant) - 1
    if i < 0:
        return 0
    return calendar.open_before[i] + min(instant, calendar.closes[i]) - calendar.opens[i]


def _dates_between(calendar: WorkCalendar, start: datetime, end: datetime) -> tuple[date, date]:
    """Return the first and the last local date of a stretch; midnight at its end is the day before's 24:00."""
    first = datetime.fromtimestamp(instant_s(calendar, start), calendar.zone)
    last = datetime.fromtimestamp(instant_s(calendar, end), calendar.zone)
    if last > first and last.time() == MIDNIGHT:
        last -= DAY
    return first.date(), last.date()


def calendar_ends(calendar: WorkCalendar) -> CalendarEndsError:
    """Return the error that says between which dates the calendar is known."""
    known = f"{calendar.known_from.isoformat()} until {calendar.known_until.isoformat()}"
    return CalendarEndsError(f"The calendar is known from {known}; what was asked lies outside")
