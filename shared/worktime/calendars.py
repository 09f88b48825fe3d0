"""Work calendars: plain data is checked and compiled here; the arithmetic on them lives in reckoning.py."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

Shifts = tuple[tuple[int, int], ...]  # of one day: opening and closing in seconds since local midnight
Span = tuple[int, int, int]  # a stretch of one UTC offset: since and until in epoch seconds, offset in seconds

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_S = 86_400
LONGEST_YEARS = 100  # a slip in a year's digits must not compile millions of days
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_SHIFT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24(?=:00)):([0-5]\d)")


class CalendarError(ValueError):
    """The calendar's data contradict themselves; the message begins with the entry at fault."""


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
    """Short hash of all that was given: two calendars of one version give the same answers."""

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


def calendar(
    *,
    timezone: str,
    week: Mapping[str, Sequence[str]],
    known_from: str,
    known_until: str,
    dates: Mapping[str, Sequence[str]] | None = None,
    names: Mapping[str, str] | None = None,
    provisional: Iterable[str] = (),
) -> WorkCalendar:
    """Check plain data and compile a calendar from them.

    week: "mon" … "sun" to shifts such as "07:00-11:30"; a missing day is closed; 24:00 may end a shift.
    dates: "2026-11-24" to the shifts of that date, in place of its weekday's; [] is a day off.
    known_from, known_until: first and last date whose hours are known; nothing outside is ever answered.
    raises: CalendarError - a wrong entry, named; or no open hours at all.
    """
    zone = _zone(timezone)
    first, last = _known(known_from, known_until)
    usual = _week(week)
    own = {_date("dates", day): _shifts(f"dates.{day}", shifts) for day, shifts in (dates or {}).items()}
    called = {_date("names", day): name for day, name in (names or {}).items()}
    expected = sorted({_date("provisional", day) for day in provisional})

    content = (str(zone), str(first), str(last), usual, _texts(own), _texts(called), list(map(str, expected)))
    since, until = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    intervals = list(_open_intervals(usual, own, list(_spans(zone, since, until))))
    if not intervals:
        raise CalendarError("calendar has no open hours")
    return WorkCalendar(
        zone=zone,
        known_from=first,
        known_until=last,
        version=hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12],
        known_since_s=since,
        known_to_s=until,
        names=MappingProxyType(called),
        provisional=tuple(day.toordinal() for day in expected),
        **_arrays(intervals),
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # OSError: the name of a folder of zones, such as "Asia"
        raise CalendarError(f"timezone: {name!r} is not a known time zone") from None


def _known(known_from: str, known_until: str) -> tuple[date, date]:
    first, last = _date("known_from", known_from), _date("known_until", known_until)
    if last < first:
        raise CalendarError(f"known_until: {last} is before known_from, {first}")
    if last.year - first.year > LONGEST_YEARS:
        raise CalendarError(f"known_until: {last} is more than {LONGEST_YEARS} years after known_from, {first}")
    return first, last


def _week(week: Mapping[str, Sequence[str]]) -> list[Shifts]:
    for day in week.keys() - set(WEEKDAYS):
        raise CalendarError(f"week.{day}: not one of {', '.join(WEEKDAYS)}")
    return [_shifts(f"week.{day}", week.get(day, ())) for day in WEEKDAYS]


def _date(entry: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != text:  # one spelling only, so that no date can be given twice
        raise CalendarError(f"{entry}: {text!r} is not a date such as 2026-11-24")
    return day


def _shifts(entry: str, texts: Sequence[str]) -> Shifts:
    if isinstance(texts, str):
        raise CalendarError(f"{entry}: {texts!r} is not a list of shifts")
    shifts = []
    for text in texts:
        match = _SHIFT.fullmatch(str(text))
        if match is None:
            raise CalendarError(f"{entry}: {text!r} is not a shift such as 07:00-11:30")
        from_h, from_m, to_h, to_m = map(int, match.groups())
        opening, closing = from_h * 3600 + from_m * 60, to_h * 3600 + to_m * 60
        if closing <= opening:
            raise CalendarError(f"{entry}: {text} closes before it has opened")
        shifts.append((opening, closing, text))
    shifts.sort()
    for (_, closing, earlier), (opening, _, later) in pairwise(shifts):
        if opening < closing:
            raise CalendarError(f"{entry}: {earlier} and {later} overlap")
    return tuple((opening, closing) for opening, closing, _ in shifts)


def _texts(by_date: Mapping[date, object]) -> list[tuple[str, object]]:
    return [(str(day), by_date[day]) for day in sorted(by_date)]


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _spans(zone: ZoneInfo, since: int, until: int) -> Iterator[Span]:
    """Cut a stretch of time where the zone's offset from UTC changes.

    The zone's table of changes is not public, so each day is looked at and a change in it closed in on.
    """

    def offset_at(instant: int) -> int:
        offset = datetime.fromtimestamp(instant, zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    begin, offset = since, offset_at(since)
    for instant in [*range(since + DAY_S, until, DAY_S), until - 1]:
        while offset_at(instant) != offset:
            before, change = max(begin, instant - DAY_S), instant
            while change - before > 1:
                middle = (before + change) // 2
                before, change = (middle, change) if offset_at(middle) == offset else (before, middle)
            yield begin, change, offset
            begin, offset = change, offset_at(change)
    yield begin, until, offset


def _open_intervals(
    usual: Sequence[Shifts], own: Mapping[date, Shifts], spans: Sequence[Span]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield each stretch of open time as (ordinal of its date, opening, closing, offset), in order of time."""
    own_by_ordinal = {day.toordinal(): shifts for day, shifts in own.items()}
    for since, until, offset in spans:
        first, last = (since + offset) // DAY_S, (until - 1 + offset) // DAY_S
        for day in range(first, last + 1):
            ordinal, midnight = day + EPOCH_ORDINAL, day * DAY_S - offset
            weekday = (ordinal - 1) % 7  # ordinal 1 was a Monday
            for opening, closing in own_by_ordinal.get(ordinal, usual[weekday]):
                opened, closed = max(midnight + opening, since), min(midnight + closing, until)
                if opened < closed:
                    yield ordinal, opened, closed, offset


def _arrays(intervals: Sequence[tuple[int, int, int, int]]) -> dict[str, tuple[int, ...]]:
    """Turn open intervals into the arrays that adding and measuring bisect."""
    open_before = [0]
    days: list[int] = []
    first_interval: list[int] = []
    ordinals, opens, closes, offsets = zip(*intervals, strict=True)
    for i, (ordinal, opened, closed) in enumerate(zip(ordinals, opens, closes, strict=True)):
        if not days or ordinal > days[-1]:  # clocks put back over midnight: the day that has begun goes on
            days.append(ordinal)
            first_interval.append(i)
        open_before.append(open_before[-1] + closed - opened)
    return {
        "opens": opens,
        "closes": closes,
        "offsets": offsets,
        "open_before": tuple(open_before),
        "days": tuple(days),
        "first_interval": (*first_interval, len(opens)),
    }
