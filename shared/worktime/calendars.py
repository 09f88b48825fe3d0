"""Work calendars, compiled for bisection from what content.py has checked; the arithmetic lives in reckoning.py."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypedDict, Unpack
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from shared.worktime.bydate import ByDate
from shared.worktime.content import WEEKDAYS, CalendarError, Content, Shifts, Week, checked
from shared.worktime.zones import DAY_S, Span, spans

__all__ = ["DAY_S", "EPOCH_ORDINAL", "WEEKDAYS", "CalendarError", "WorkCalendar", "calendar", "calendar_over"]

Array = NDArray[np.int64]

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class WorkCalendar:
    """A calendar compiled for bisection: when it is open, in epoch seconds, between two known days.

    A moment is open when the wall clock of the zone shows a time inside a shift of that date, so a shift over
    a change of clocks is longer or shorter. Intervals are half-open, in order, and never overlap.
    """

    zone: ZoneInfo
    known_from: date
    known_until: date
    version: str
    """Short hash of all that decides an answer, however it was given: two calendars of one version give the same."""

    known_since_s: int
    """Epoch second at which `known_from` begins."""
    known_to_s: int
    """Epoch second at which `known_until` ends."""

    opens: tuple[int, ...]
    closes: tuple[int, ...]
    offsets: tuple[int, ...]
    """Seconds the wall clock is ahead of UTC during each interval: it never changes within one."""
    open_before: tuple[int, ...]
    """Open seconds before each interval, and at the end those of all: one entry more than `opens`."""

    days: tuple[int, ...]
    """The working days, as ordinals: dates on which there is any open time."""
    first_interval: tuple[int, ...]
    """Index in `opens` of each working day's first interval, and at the end their number."""

    names: Mapping[date, str]
    """What dates with hours of their own are called."""
    provisional: tuple[int, ...]
    """Dates, as ordinals, that are expected but not yet announced."""

    content: Content
    """What was compiled, for calendars laid over this one."""
    spans: tuple[Span, ...]
    """The stretches of one UTC offset in the known time."""
    by_date: ByDate = field(init=False, repr=False)
    """The same calendar for single answers; fills as it is asked."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_date", ByDate(self))


def calendar(
    *,
    timezone: str,
    week: Mapping[str, Sequence[str]],
    known_from: str,
    known_until: str,
    dates: Mapping[str, Sequence[str]] | None = None,
    names: Mapping[str, str] | None = None,
    provisional: Iterable[str] = (),
    periods: Iterable[Mapping[str, Any]] = (),
) -> WorkCalendar:
    """Check plain data and compile a calendar from them.

    week: "mon" … "sun" to shifts such as "07:00-11:30"; a missing day is closed; 24:00 may end a shift.
    dates: "2026-11-24" to the shifts of that date, in place of its weekday's; [] is a day off. A weekday in place of
        shifts gives that date the hours of this weekday in the week then in force.
    known_from, known_until: first and last date whose hours are known; nothing outside is ever answered.
    periods: {"from": date, "until": date, "week": week} - a week that holds between two dates, both included, or
        without end where one is missing.
    raises: CalendarError - a wrong entry, named; or no open hours at all.
    """
    given = {
        "timezone": timezone,
        "week": week,
        "periods": periods,
        "dates": dates,
        "names": names,
        "provisional": provisional,
        "known_from": known_from,
        "known_until": known_until,
    }
    return compiled(checked(given))


class Given(TypedDict, total=False):
    """What `calendar` is given, any of it left out."""

    timezone: str
    week: Mapping[str, Sequence[str]]
    known_from: str
    known_until: str
    dates: Mapping[str, Sequence[str]]
    names: Mapping[str, str]
    provisional: Iterable[str]
    periods: Iterable[Mapping[str, Any]]


def calendar_over(base: WorkCalendar, **given: Unpack[Given]) -> WorkCalendar:
    """Return the calendar of someone who follows `base` in all that is not given.

    An own week stands in place of the base's week and periods; own periods, dates and names go before the base's; what
    is given is as for `calendar`.
    raises: CalendarError - a wrong entry, named; or no open hours at all.
    """
    return compiled(checked(given, base=base.content))


def compiled(content: Content) -> WorkCalendar:
    """Return a calendar ready for bisection. raises: CalendarError - it has no open hours."""
    first, last, zone = content.known_from, content.known_until, content.zone
    since, until = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    stretches = tuple(spans(zone, since, until))
    intervals = _open_intervals(content, stretches)
    if not intervals.size:
        raise CalendarError("calendar has no open hours")
    return WorkCalendar(
        zone=zone,
        known_from=first,
        known_until=last,
        version=_version(content, intervals, stretches),
        known_since_s=since,
        known_to_s=until,
        names=MappingProxyType(content.names),
        provisional=tuple(sorted(day.toordinal() for day in content.provisional)),
        content=content,
        spans=stretches,
        **_arrays(intervals),
    )


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _open_intervals(content: Content, stretches: Sequence[Span]) -> Array:
    """Return each stretch of open time in order of time; rows: ordinal of its date, opening, closing, offset."""
    first = content.known_from.toordinal() - 1
    of_day, kinds = _hours_by_day(content, first, content.known_until.toordinal() + 1)
    shifts = np.array([shift for kind in kinds for shift in kind], dtype=np.int64).reshape(-1, 2)
    counts = np.array([len(kind) for kind in kinds])
    begins = np.cumsum(counts) - counts
    parts = []
    for since, until, offset in stretches:
        days = np.arange((since + offset) // DAY_S, (until - 1 + offset) // DAY_S + 1)
        kind = of_day[days + EPOCH_ORDINAL - first]
        count = counts[kind]
        shift = shifts[np.arange(count.sum()) + np.repeat(begins[kind] - np.cumsum(count) + count, count)]
        day = np.repeat(days, count)
        opened = np.maximum(day * DAY_S - offset + shift[:, 0], since)
        closed = np.minimum(day * DAY_S - offset + shift[:, 1], until)
        kept = np.stack([day + EPOCH_ORDINAL, opened, closed, np.full_like(day, offset)])
        parts.append(kept[:, opened < closed])
    return np.concatenate(parts, axis=1)


def _hours_by_day(content: Content, first: int, last: int) -> tuple[Array, list[Shifts]]:
    """Return for each ordinal from `first` to `last` which of the kinds of days it is, and the shifts of each kind."""
    kinds: dict[Shifts, int] = {}

    def numbers(week: Week) -> Array:
        return np.array([kinds.setdefault(shifts, len(kinds)) for shifts in week])

    weekday = (np.arange(first, last + 1) - 1) % 7  # ordinal 1 was a Monday
    of_day = numbers(content.week)[weekday]
    for period in content.periods:
        held = slice(max(period.first.toordinal() - first, 0), max(period.last.toordinal() - first + 1, 0))
        of_day[held] = numbers(period.week)[weekday[held]]
    for on, hours in content.dates.items():
        if first <= on.toordinal() <= last:
            shifts = content.usual(on)[hours] if isinstance(hours, int) else hours
            of_day[on.toordinal() - first] = kinds.setdefault(shifts, len(kinds))
    return of_day, list(kinds)


def _arrays(intervals: Array) -> dict[str, Any]:
    """Turn open intervals into the arrays that adding and measuring bisect."""
    ordinals, opens, closes, offsets = intervals
    reached = np.maximum.accumulate(ordinals)  # clocks put back over midnight: the day that has begun goes on
    begins = np.flatnonzero(np.diff(reached, prepend=0))
    arrays = {
        "opens": opens,
        "closes": closes,
        "offsets": offsets,
        "open_before": np.concatenate([[0], np.cumsum(closes - opens)]),
        "days": reached[begins],
        "first_interval": np.append(begins, len(opens)),
    }
    return {name: tuple(array.tolist()) for name, array in arrays.items()}


def _version(content: Content, intervals: Array, stretches: Sequence[Span]) -> str:
    """Return a short hash of what decides an answer: not of hours nobody sees, nor of how the rest was written."""
    first, last = content.known_from, content.known_until
    names = [(str(day), name) for day, name in sorted(content.names.items()) if first <= day <= last]
    provisional = [str(day) for day in sorted(content.provisional) if first <= day <= last]
    rest = json.dumps((str(content.zone), str(first), str(last), stretches, names, provisional))
    return hashlib.sha256(intervals.astype("<i8").tobytes() + rest.encode()).hexdigest()[:12]
