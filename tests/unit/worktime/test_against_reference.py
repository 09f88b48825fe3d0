"""Random calendars against a reference that walks through every minute, slow and obviously right."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shared.worktime import (
    CalendarEndsError,
    WorkCalendar,
    calendar,
    is_working_day,
    next_opening,
    open_seconds,
    open_time_after,
    vietnam,
    working_days_after,
    working_days_from,
)
from shared.worktime.calendars import WEEKDAYS

MINUTE = timedelta(minutes=1)
STRETCHES = [  # zones and nine days in them: plain ones, and some in which the clocks change
    ("Asia/Ho_Chi_Minh", "2026-11-18"),
    ("Asia/Kathmandu", "2026-02-12"),
    ("Europe/Amsterdam", "2026-03-25"),
    ("Europe/Amsterdam", "2026-10-21"),
    ("America/New_York", "2026-03-03"),
    ("Australia/Lord_Howe", "2026-04-01"),
    ("Africa/Cairo", "2026-04-20"),  # forward at midnight
    ("America/Havana", "2026-10-28"),  # back to midnight
]


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute that passes, what the wall shows when it begins, and whether the office is open during it."""

    begins: datetime
    wall: datetime
    is_open: bool


@dataclass(frozen=True)
class Case:
    """A calendar as given, compiled, and walked through."""

    plain: dict[str, Any]
    compiled: WorkCalendar
    minutes: list[Minute]

    def dates(self) -> list[date]:
        """List the dates with any open time."""
        return sorted({minute.wall.date() for minute in self.minutes if minute.is_open})


@cache
def passing_minutes(timezone: str, first: str, last: str) -> list[tuple[datetime, datetime]]:
    """List every minute between two local dates, both included, with what the wall clock shows as it begins."""
    begins = datetime.fromisoformat(first).replace(tzinfo=UTC) - timedelta(days=1)
    end = datetime.fromisoformat(last).replace(tzinfo=UTC) + timedelta(days=2)
    minutes = []
    while begins < end:
        wall = begins.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
        if first <= str(wall.date()) <= last:
            minutes.append((begins, wall))
        begins += MINUTE
    return minutes


def hours_on(plain: dict[str, Any], on: date) -> list[str]:
    """Return the shifts of a date as a reader of the plain data would find them."""
    week: dict[str, list[str]] = plain["week"]
    for period in plain["periods"]:
        if period["from"] <= str(on) <= period["until"]:
            week = period["week"]
    hours: str | list[str] = plain["dates"].get(str(on), WEEKDAYS[on.weekday()])
    return week.get(hours, []) if isinstance(hours, str) else hours


def walked(plain: dict[str, Any]) -> list[Minute]:
    """Say of every known minute whether its wall clock time lies in a shift of its date."""
    minutes = []
    hours_of: dict[date, list[str]] = {}
    for begins, wall in passing_minutes(plain["timezone"], plain["known_from"], plain["known_until"]):
        if wall.date() not in hours_of:
            hours_of[wall.date()] = hours_on(plain, wall.date())
        clock = f"{wall.hour:02}:{wall.minute:02}"
        is_open = any(shift[:5] <= clock < shift[6:] for shift in hours_of[wall.date()])
        minutes.append(Minute(begins, wall, is_open))
    return minutes


def reference_open_minutes(case: Case, start: datetime, end: datetime) -> int:
    return sum(minute.is_open for minute in case.minutes if start <= minute.begins < end)


def reference_after(case: Case, start: datetime, count: int) -> datetime | None:
    """Walk on until `count` open minutes have passed, or back if it is negative."""
    if count > 0:
        passed = [minute for minute in case.minutes if minute.is_open and minute.begins >= start]
        return passed[count - 1].begins + MINUTE if count <= len(passed) else None
    passed = [minute for minute in case.minutes if minute.is_open and minute.begins < start]
    return passed[count].begins if -count <= len(passed) else None


def reference_opening(case: Case, at: datetime) -> datetime | None:
    return next((minute.begins for minute in case.minutes if minute.is_open and minute.begins >= at), None)


def reference_level(case: Case, due: datetime, days: int) -> datetime | str | None:
    """Count working days from the date of `due`; "unclear" where the clocks skip or repeat the clock time."""
    wall = due.astimezone(case.compiled.zone).replace(tzinfo=None)
    counted_from = (wall - MINUTE).date() if f"{wall:%H:%M}" == "00:00" else wall.date()
    later = [on for on in case.dates() if on > counted_from]
    earlier = [on for on in case.dates() if on < counted_from]
    if days > len(later) or -days > len(earlier):
        return None
    on = later[days - 1] if days > 0 else earlier[days]
    day = [minute for minute in case.minutes if minute.wall.date() == on]
    if wall.date() > counted_from:
        at = day[-1].begins + MINUTE
    else:
        shown = [minute.begins for minute in day if minute.wall.time() == wall.time()]
        if len(shown) != 1:
            return "unclear"
        at = shown[0]
    open_minutes = [minute.begins for minute in day if minute.is_open]
    if at in open_minutes or at - MINUTE in open_minutes:
        return at
    before = [begins for begins in open_minutes if begins < at]
    return before[-1] + MINUTE if before else open_minutes[0]


def times_of_day() -> st.SearchStrategy[int]:
    odd = st.integers(0, 24 * 60)
    return st.one_of(st.sampled_from([0, 30, 60, 120, 150, 180, 420, 690, 1440]), odd)


@st.composite
def shifts(draw: st.DrawFn) -> list[str]:
    edges = sorted(draw(st.sets(times_of_day(), min_size=0, max_size=6)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone, first = draw(st.sampled_from(STRETCHES))
    known = [date.fromisoformat(first) + timedelta(days=n) for n in range(9)]
    own = draw(st.dictionaries(st.sampled_from(known).map(str), shifts() | st.sampled_from(WEEKDAYS), max_size=3))
    weeks = st.dictionaries(st.sampled_from(WEEKDAYS), shifts(), min_size=3)
    held = draw(st.lists(st.sampled_from(known).map(str), max_size=4, unique=True).map(sorted))
    plain: dict[str, Any] = {
        "timezone": zone,
        "week": draw(weeks),
        "periods": [
            {"from": since, "until": until, "week": draw(weeks)}
            for since, until in zip(held[::2], held[1::2], strict=False)
        ],
        "dates": own | {str(known[4]): ["07:00-11:30", "13:30-17:00"]},  # never a calendar without open hours
        "known_from": str(known[0]),
        "known_until": str(known[-1]),
    }
    return Case(plain, calendar(**plain), walked(plain))


def instants(case: Case, chance: Random, count: int) -> list[datetime]:
    """Draw instants of a case, half of them where a shift or a date begins or ends."""
    edges = [
        after.begins
        for before, after in pairwise(case.minutes)
        if before.is_open != after.is_open or before.wall.date() != after.wall.date()
    ]
    return [chance.choice(edges if n % 2 else [chance.choice(case.minutes).begins]) for n in range(count)]


def answer(function: Any, compiled: WorkCalendar, **arguments: Any) -> datetime | None:
    try:
        instant: datetime = function(compiled, **arguments)
    except CalendarEndsError:
        return None
    assert instant.tzinfo is compiled.zone
    return instant.astimezone(UTC)


# No shrinking: a walk through the minutes is too slow for it, and the first failing case is small enough to read.
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(case=cases(), seed=st.integers(0, 2**32))
def test_every_function_agrees_with_walking_through_the_minutes(case: Case, seed: int) -> None:
    compiled, chance = case.compiled, Random(seed)
    for start, end in pairwise(instants(case, chance, 8)):
        opening = reference_opening(case, start)
        assert answer(next_opening, compiled, at=start) == opening
        assert open_seconds(compiled, start=start, end=end) == 60 * reference_open_minutes(case, start, end)
        count = chance.choice([-1, 1]) * chance.randint(1, 2500)
        due = reference_after(case, start, count)
        assert answer(open_time_after, compiled, start=start, seconds=60 * count) == due
        days = chance.choice([-4, -3, -2, -1, 1, 2, 3, 4])
        level = reference_level(case, start, days)
        if level != "unclear":
            assert answer(working_days_from, compiled, due=start, days=days) == level
        limit = opening and reference_level(case, opening, abs(days))
        if limit != "unclear":
            assert answer(working_days_after, compiled, start=start, days=abs(days)) == limit
    known = sorted({minute.wall.date() for minute in case.minutes})
    assert [on for on in known if is_working_day(compiled, on=on)] == case.dates()


INSTANTS = st.datetimes(
    min_value=datetime(2018, 3, 1),  # noqa: DTZ001 - the zone is given beside
    max_value=datetime(2026, 11, 1),  # noqa: DTZ001
    timezones=st.just(vietnam().zone),
)
INSTANTS |= INSTANTS.map(lambda at: at.replace(microsecond=0))  # which are answered by date


@given(start=INSTANTS, seconds=st.integers(1, 60 * 8 * 3600))
def test_adding_open_time_and_measuring_it_gives_back_the_same(start: datetime, seconds: int) -> None:
    due = open_time_after(vietnam(), start=start, seconds=seconds)
    assert open_seconds(vietnam(), start=start, end=due) == seconds
    back = open_time_after(vietnam(), start=due, seconds=-seconds)
    assert open_seconds(vietnam(), start=min(start, back), end=max(start, back)) == 0


@given(start=INSTANTS, one=st.integers(1, 10**6), other=st.integers(1, 10**6))
def test_a_limit_in_two_parts_equals_the_whole(start: datetime, one: int, other: int) -> None:
    halfway = open_time_after(vietnam(), start=start, seconds=one)
    whole = open_time_after(vietnam(), start=start, seconds=one + other)
    assert open_time_after(vietnam(), start=halfway, seconds=other) == whole


@given(start=INSTANTS, one=st.integers(1, 125), other=st.integers(1, 125))
def test_working_days_in_two_parts_equal_the_whole(start: datetime, one: int, other: int) -> None:
    halfway = working_days_after(vietnam(), start=start, days=one)
    whole = working_days_after(vietnam(), start=start, days=one + other)
    assert working_days_after(vietnam(), start=halfway, days=other) == whole


@given(start=INSTANTS, days=st.integers(1, 250))
def test_working_days_counted_on_and_back_give_the_opening_they_were_counted_from(start: datetime, days: int) -> None:
    due = working_days_after(vietnam(), start=start, days=days)
    assert working_days_from(vietnam(), due=due, days=-days) == next_opening(vietnam(), at=start)
    assert open_seconds(vietnam(), start=start, end=due) == days * 8 * 3600
