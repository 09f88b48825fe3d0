"""Adding and measuring working time for whole arrays of instants at once, as reckoning.py does for one.

Instants are int64 microseconds since 1970 UTC, which is what `datetime64[us]` holds: `.view(np.int64)` and
`.view("datetime64[us]")` turn one into the other at no cost, `instants` and `datetimes` those of the standard
library at some. Arrays have one dimension; counts are one number for all or an array. Each element is answered as
the function of the same name in reckoning.py answers it alone; where that one raises CalendarEndsError the element
is UNKNOWN, and so is what is reckoned from an UNKNOWN: `answer == UNKNOWN` is the mask of them, `np.isnat` in
datetime64. One that the calendar does not reach never costs the others their answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shared.worktime.calendars import WorkCalendar
from shared.worktime.tables import DAY_US, SECOND_US, Array, Tables, tables

Count = int | Array
Rule = Callable[[Tables, Array, Any], Array]
Ends = Literal["clock_time", "end_of_day"]

UNKNOWN = int(np.iinfo(np.int64).min)  # NaT in datetime64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BLOCK = 16_384  # elements at a time, so that what is reckoned on the way stays in the processor's cache


def working_days_after(calendar: WorkCalendar, *, start: Array, days: Count, ends: Ends = "clock_time") -> Array:
    """Return when limits of working days run out.

    days: as in reckoning.py; > 0 where `ends` is "end_of_day".
    ends: "clock_time" as in reckoning.py; "end_of_day" is the last closing of the n-th working day after the date of
        the start, of which midnight is the 24:00.
    raises: ValueError - a number of days that is none.
    """
    if ends == "end_of_day":
        if np.min(days, initial=1) < 1:
            raise ValueError("days: a limit that ends with a day has at least one")
        return _by_blocks(calendar, _end_of_day, start, days)
    if np.min(days, initial=1) > 0:
        return _by_blocks(calendar, _days_on, start, days)
    return _by_blocks(calendar, _days_either_way, start, days)


def open_time_after(calendar: WorkCalendar, *, start: Array, seconds: Count) -> Array:
    """Return the instants at which so many seconds of open time are used up; < 0 counts back."""
    longest = tables(calendar).total // SECOND_US + 1  # more is as good, and always fits
    if isinstance(seconds, np.ndarray):
        return _by_blocks(calendar, _open_time, start, np.clip(seconds, -longest, longest) * SECOND_US)
    return _by_blocks(calendar, _open_time, start, max(-longest, min(seconds, longest)) * SECOND_US)


def open_seconds(calendar: WorkCalendar, *, start: Array, end: Array) -> Array:
    """Return the open time between pairs of instants, in whole seconds; 0 where the end is not after the start."""
    return _by_blocks(calendar, _measured, start, _checked(end), pairs=True)


def next_opening(calendar: WorkCalendar, *, at: Array) -> Array:
    """Return each instant that is open, else its next opening."""
    return _by_blocks(calendar, _opening, at, 0)


def instants(times: Iterable[datetime | None]) -> Array:
    """Return aware times as an array; None as UNKNOWN. raises: ValueError - a naive time."""
    try:
        return np.array([UNKNOWN if at is None else (at - EPOCH) // MICROSECOND for at in times], np.int64)
    except TypeError:
        raise ValueError("a time has no time zone") from None


def datetimes(calendar: WorkCalendar, array: Array) -> list[datetime | None]:
    """Return an array as times in the calendar's zone; UNKNOWN as None."""
    zone = calendar.zone
    return [None if at == UNKNOWN else (EPOCH + timedelta(microseconds=at)).astimezone(zone) for at in array.tolist()]


def _by_blocks(calendar: WorkCalendar, rule: Rule, instants: Array, other: Count, *, pairs: bool = False) -> Array:
    """Apply a rule to one block of elements after another; what lies outside the calendar is UNKNOWN.

    other: what goes with the instants, for all or one by one. pairs: it is instants too.
    """
    on, answers = tables(calendar), np.empty(_checked(instants).shape, np.int64)
    if isinstance(other, np.ndarray) and _checked(other).shape != instants.shape:
        raise ValueError(f"{len(instants)} instants, and {len(other)} to go with them")
    for begin in range(0, len(instants), BLOCK):
        block = slice(begin, begin + BLOCK)
        at = instants[block]
        more = other[block] if isinstance(other, np.ndarray) else other
        outside = _outside(on, at, more) if pairs else _outside(on, at)
        if outside is None:
            answers[block] = rule(on, at, more)
        else:
            more = np.where(outside, on.since, more) if pairs else more
            answers[block] = np.where(outside, UNKNOWN, rule(on, np.where(outside, on.since, at), more))
    return answers


def _checked(array: object) -> Array:
    if not isinstance(array, np.ndarray) or array.dtype != np.int64 or array.ndim != 1:
        raise TypeError("not an int64 array of one dimension; a datetime64[us] array becomes one by .view(np.int64)")
    return array


def _outside(on: Tables, *instants: Any) -> NDArray[np.bool] | None:
    """Return the mask of what is on no known day, None where there is no such element."""
    if all(at.min() >= on.since and at.max() <= on.until for at in instants):
        return None
    outside: NDArray[np.bool] = np.logical_or.reduce([(at < on.since) | (at > on.until) for at in instants])
    return outside


def _opening(on: Tables, at: Array, _: Count) -> Array:
    i = on.closing.upto(at)
    return np.where(i < on.count, np.maximum(at, on.opens[i]), UNKNOWN)


def _open_until(on: Tables, at: Array) -> Array:
    """Return the open time between the calendar's begin and each instant."""
    i = on.closing.upto(at)
    until: Array = np.maximum(at, on.opens[i]) - on.closed_before[i]
    return until


def _measured(on: Tables, start: Array, end: Array) -> Array:
    passed: Array = np.maximum(_open_until(on, end) - _open_until(on, start), 0) // SECOND_US
    return passed


def _open_time(on: Tables, at: Array, microseconds: Count) -> Array:
    target = _open_until(on, at) + microseconds
    lost = (target < 0) | (target > on.total)
    if lost.any():
        target[lost] = 0
    i = on.filled.upto(target - (microseconds > 0))  # what fills an interval ends with it
    due: Array = target + on.closed_before[i]
    if lost.any():
        due[lost] = UNKNOWN
    if np.all(microseconds):
        return due
    return np.where(microseconds == 0, at, due)


def _days_on(on: Tables, at: Array, days: Count) -> Array:
    """Count on from the day of the next opening; for all days > 0."""
    i = on.closing.upto(at)
    moved, day = np.maximum(at, on.opens[i]), on.day_of[i]
    clock = moved - on.midnight[day]
    counted = day + days
    last = np.minimum(counted, on.day_count - 1)
    due: Array = on.midnight[last] + clock  # right where that day has the same hours and clocks as the first
    other = (on.kind[last] != on.kind[day]) | (clock == 0) | (counted > last)
    if other.any():
        some = np.flatnonzero(other)
        wall = (moved[some] + on.offsets[i[some]]) % DAY_US
        midnight = wall == 0  # is the 24:00 of the day that ends
        n = counted[some] - midnight
        placed = _placed(on, np.minimum(n, on.day_count - 1), np.where(midnight, DAY_US, wall))
        due[some] = np.where(n < on.day_count, placed, UNKNOWN)
    return due


def _days_either_way(on: Tables, at: Array, days: Count) -> Array:
    """Count on as `_days_on` does, and back from the very date; 0 is the start itself."""
    date, clock = on.dates(at)
    last = on.days_upto(date - 1) + days
    lost = (last < 0) | (last >= on.day_count)
    back = np.where(lost, UNKNOWN, _placed(on, np.where(lost, 0, last), clock))
    return np.where(np.equal(days, 0), at, np.where(np.less(days, 0), back, _days_on(on, at, np.maximum(days, 1))))


def _end_of_day(on: Tables, at: Array, days: Count) -> Array:
    last = on.days_upto(on.dates(at)[0]) - 1 + days
    lost = last >= on.day_count
    return np.where(lost, UNKNOWN, on.last_closing[np.where(lost, 0, last)])


def _placed(on: Tables, day: Array, clock: Array) -> Array:
    """Return clock times on working days, given by number, or the open time nearest them."""
    wall = on.wall_midnight[day] + clock
    first, beyond = on.first_interval[day], on.first_interval[day + 1]
    due, settled = on.opens[first], np.zeros(day.shape, bool)
    for n in range(on.most_intervals):
        i = np.minimum(first + n, beyond - 1)
        at = wall - on.offsets[i]
        settled |= (first + n >= beyond) | (at < on.opens[i])
        due = np.where(settled, due, np.minimum(at, on.closes[i]))
        settled |= at <= on.closes[i]
    return due
