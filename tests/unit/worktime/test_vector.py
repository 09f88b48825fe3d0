"""Whole arrays are answered as their elements are one by one: on random calendars, at every edge, past every end."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.worktime import (
    CalendarEndsError,
    WorkCalendar,
    calendar,
    next_opening,
    open_seconds,
    open_time_after,
    vector,
    vietnam,
    working_days_after,
)
from shared.worktime.calendars import WEEKDAYS
from shared.worktime.tables import NEVER, Ranks
from shared.worktime.vector import UNKNOWN
from tests.unit.worktime.test_against_reference import STRETCHES, shifts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def us(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def alone(function: Any, on: WorkCalendar, **arguments: Any) -> int:
    """Return what the function of a single instant answers, in the terms of the arrays."""
    try:
        answer = function(on, **arguments)
    except CalendarEndsError:
        return UNKNOWN
    return us(answer) if isinstance(answer, datetime) else answer


def end_of_day(on: WorkCalendar, *, start: datetime, days: int) -> datetime:
    if not on.known_since_s * 10**6 <= us(start) <= on.known_to_s * 10**6:
        raise CalendarEndsError
    wall = start.astimezone(on.zone).replace(tzinfo=None)
    n = bisect_right(on.days, (wall - MICROSECOND).toordinal()) - 1 + days
    if n >= len(on.days):
        raise CalendarEndsError
    return datetime.fromtimestamp(on.closes[on.first_interval[n + 1] - 1], UTC)


def instants(on: WorkCalendar, chance: Random, count: int) -> list[datetime]:
    """Draw instants: edges of shifts, dates and offsets, beside them, anywhere in the calendar, and outside it."""
    midnights = range(on.known_since_s, on.known_to_s + 1, 3600)
    edges = [*on.opens, *on.closes, *midnights, *(begin for begin, _, _ in on.spans), on.known_to_s]
    since, until = on.known_since_s, on.known_to_s
    drawn = [
        1_000_000 * chance.choice([chance.choice(edges), chance.randint(since - 90_000, until + 90_000)])
        + chance.choice([0, 0, 0, -1, 1, chance.randrange(1_000_000)])
        for _ in range(count)
    ]
    return [EPOCH + timedelta(microseconds=instant) for instant in drawn]


def assert_equal(on: WorkCalendar, chance: Random, count: int, farthest_days: int) -> None:
    starts, ends = instants(on, chance, count), instants(on, chance, count)
    at, until = np.array([us(start) for start in starts]), np.array([us(end) for end in ends])
    days = [chance.randint(-farthest_days, farthest_days) for _ in starts]
    limits = [abs(n) or 1 for n in days]
    seconds = [n * chance.choice([1, 60, 1800, 28_800]) for n in days]
    assert vector.next_opening(on, at=at).tolist() == [alone(next_opening, on, at=start) for start in starts]
    assert vector.open_seconds(on, start=at, end=until).tolist() == [
        alone(open_seconds, on, start=start, end=end) for start, end in zip(starts, ends, strict=True)
    ]
    for counts in (seconds, [seconds[0]] * count):
        given_as = np.array(counts) if counts is seconds else counts[0]
        assert vector.open_time_after(on, start=at, seconds=given_as).tolist() == [
            alone(open_time_after, on, start=start, seconds=n) for start, n in zip(starts, counts, strict=True)
        ]
    for counts in (days, limits, [limits[0]] * count):
        given_as = counts[0] if counts not in (days, limits) else np.array(counts)
        assert vector.working_days_after(on, start=at, days=given_as).tolist() == [
            alone(working_days_after, on, start=start, days=n) for start, n in zip(starts, counts, strict=True)
        ]
    assert vector.working_days_after(on, start=at, days=np.array(limits), ends="end_of_day").tolist() == [
        alone(end_of_day, on, start=start, days=n) for start, n in zip(starts, limits, strict=True)
    ]


@st.composite
def calendars(draw: st.DrawFn) -> WorkCalendar:
    zone, first = draw(st.sampled_from(STRETCHES))
    known = [str(date.fromisoformat(first) + timedelta(days=n)) for n in range(9)]
    own = draw(st.dictionaries(st.sampled_from(known), shifts(), max_size=3))
    return calendar(
        timezone=zone,
        week=draw(st.dictionaries(st.sampled_from(WEEKDAYS), shifts(), min_size=3)),
        dates=own | {known[4]: ["07:00-11:30", "13:30-17:00"]},  # never a calendar without open hours
        known_from=known[0],
        known_until=known[-1],
    )


@settings(max_examples=100)
@given(on=calendars(), seed=st.integers(0, 2**32))
def test_random_calendars_with_few_days(on: WorkCalendar, seed: int) -> None:
    assert_equal(on, Random(seed), 60, 8)


@pytest.mark.parametrize("zone", sorted({zone for zone, _ in STRETCHES}))
def test_years_of_office_hours_in_every_kind_of_zone(zone: str) -> None:
    week = {
        "mon": ["07:00-11:30", "13:30-17:00"],
        "tue": ["00:00-24:00"],
        "sat": ["00:30-03:00"],
        "sun": ["22:00-24:00"],
    }
    on = calendar(
        timezone=zone,
        week=week,
        periods=[{"from": "2025-04-16", "until": "2025-10-15", "week": week | {"wed": ["06:30-11:00"]}}],
        dates={"2025-12-25": [], "2025-12-27": "mon", "2026-01-02": ["07:00-11:30"]},
        known_from="2024-11-01",
        known_until="2026-12-31",
    )
    assert_equal(on, Random(zone), 800, 400)


def test_the_province_s_calendar() -> None:
    assert_equal(vietnam(), Random(4), 2_000, 700)


def test_more_elements_than_a_block_holds_are_all_answered() -> None:
    start = us(datetime(2026, 11, 23, 3, tzinfo=UTC)) + np.arange(2 * vector.BLOCK + 7) * 60_000_000
    whole = vector.working_days_after(vietnam(), start=start, days=3)
    parts = [vector.working_days_after(vietnam(), start=part, days=3) for part in np.array_split(start, 9)]
    assert whole.tolist() == np.concatenate(parts).tolist()


def test_what_is_unknown_stays_so_and_costs_the_others_nothing() -> None:
    at = np.array(["2026-11-23T03:00", "NaT", "2031-01-01"], "datetime64[us]")
    due = vector.working_days_after(vietnam(), start=at.view(np.int64), days=1)
    assert str(due.view("datetime64[us]").tolist()) == "[datetime.datetime(2026, 11, 25, 3, 0), None, None]"
    again = vector.open_time_after(vietnam(), start=due, seconds=3600)
    assert (again == UNKNOWN).tolist() == [False, True, True]


def test_times_go_in_and_out_to_the_microsecond() -> None:
    zone = vietnam().zone
    times = [datetime(2026, 11, 23, 10, 0, 0, n, zone) for n in (0, 1, 999_999)] + [
        datetime(1969, 7, 20, tzinfo=UTC),
        None,
    ]
    there_and_back = vector.datetimes(vietnam(), vector.instants(times))
    assert there_and_back == times
    assert [at.tzinfo for at in there_and_back if at] == [zone] * 4
    with pytest.raises(ValueError, match="a time has no time zone"):
        vector.instants([datetime(2026, 11, 23)])  # noqa: DTZ001 - meant


def test_no_element_is_no_answer() -> None:
    nothing = np.array([], np.int64)
    assert vector.working_days_after(vietnam(), start=nothing, days=nothing).tolist() == []
    assert vector.open_seconds(vietnam(), start=nothing, end=nothing).tolist() == []


def test_huge_counts_are_past_the_end_not_wrapped_around() -> None:
    at = np.array([us(datetime(2026, 11, 23, 3, tzinfo=UTC))])
    for far in (2**62, -(2**62)):
        assert vector.open_time_after(vietnam(), start=at, seconds=far).tolist() == [UNKNOWN]
        assert vector.open_time_after(vietnam(), start=at, seconds=np.array([far])).tolist() == [UNKNOWN]
        assert vector.working_days_after(vietnam(), start=at, days=far).tolist() == [UNKNOWN]


@pytest.mark.parametrize(
    "call",
    [
        lambda on: vector.next_opening(on, at=np.array([1.5])),
        lambda on: vector.next_opening(on, at=np.array(["2026-11-23"], "datetime64[us]")),
        lambda on: vector.next_opening(on, at=np.array([[0]])),
        lambda on: vector.next_opening(on, at=cast(Any, [0])),
        lambda on: vector.open_seconds(on, start=np.array([0]), end=cast(Any, 5)),
        lambda on: vector.open_time_after(on, start=np.array([0]), seconds=np.array([1.5])),
    ],
)
def test_what_is_no_array_of_microseconds_is_refused(call: Any) -> None:
    with pytest.raises(TypeError, match="not an int64 array of one dimension"):
        call(vietnam())


def test_counts_that_do_not_fit_the_instants_are_refused() -> None:
    with pytest.raises(ValueError, match="2 instants, and 3 to go with them"):
        vector.working_days_after(vietnam(), start=np.array([0, 1]), days=np.array([1, 2, 3]))
    with pytest.raises(ValueError, match="a limit that ends with a day has at least one"):
        vector.working_days_after(vietnam(), start=np.array([0]), days=0, ends="end_of_day")


@settings(max_examples=50)
@given(keys=st.sets(st.integers(0, 10**9)), values=st.lists(st.integers(-5, 10**9 + 5), min_size=1))
def test_a_rank_is_the_number_of_keys_up_to_a_value(keys: set[int], values: list[int]) -> None:
    ranks = Ranks(np.array(sorted(keys), np.int64), since=-5, until=10**9 + 5)
    assert ranks.upto(np.array(values)).tolist() == [sum(key <= value for key in keys) for value in values]
    assert ranks.keys[-1] == NEVER
