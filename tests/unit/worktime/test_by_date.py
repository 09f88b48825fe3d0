"""What is answered by date is what bisection answers, in every zone of the world and most of all near its changes."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from shared.worktime import (
    CalendarEndsError,
    Limit,
    WorkCalendar,
    calendar,
    next_opening,
    open_seconds,
    open_time_after,
    reckon,
    vietnam,
    working_days_after,
)

WEEK = {
    "mon": ["07:00-11:30", "13:30-17:00"],
    "tue": ["00:00-24:00"],
    "wed": ["00:00-00:20", "03:00-03:01", "12:00-24:00"],
    "fri": ["22:00-24:00"],
    "sat": ["00:00-06:00"],
    "sun": ["00:30-03:30"],
}
ODD_YEARS = {"Pacific/Apia": 2011, "Pacific/Kwajalein": 1993, "Asia/Ho_Chi_Minh": 1975, "America/Juneau": 1983}


class Nothing:
    """Has no answer to anything."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError


def two_ways(zone: str, year: int) -> tuple[WorkCalendar, WorkCalendar]:
    """Return a calendar, and the same one without its answers by date."""
    made = [
        calendar(timezone=zone, week=WEEK, known_from=f"{year}-01-01", known_until=f"{year}-12-31") for _ in range(2)
    ]
    object.__setattr__(made[1], "by_date", Nothing())
    return made[0], made[1]


def said(function: Any, on: WorkCalendar, **arguments: Any) -> Any:
    """Return an answer in all that can be told of it."""
    try:
        answer = function(on, **arguments)
    except CalendarEndsError as error:
        return str(error)
    if not isinstance(answer, datetime):
        return answer
    assert answer.tzinfo is on.zone
    return answer.isoformat(), answer.fold


def instants(on: WorkCalendar, chance: Random, count: int) -> list[datetime]:
    """Draw instants near changes of clocks and the calendar's ends, and anywhere, in its own zone and in UTC."""
    near = [edge for begin, end, _ in on.spans for edge in (begin, end)]
    drawn = []
    for n in range(count):
        instant = chance.choice(near) + chance.randrange(-250_000, 250_000) // 900 * 900
        if n % 3 == 0:
            instant = chance.randrange(on.known_since_s, on.known_to_s)
        drawn.append(datetime.fromtimestamp(instant, on.zone if n % 4 else UTC))
    return drawn


def due_at(on: WorkCalendar, *, start: datetime, limit: Limit) -> datetime:
    return reckon(on, start=start, limit=limit).due_at


def test_both_ways_answer_the_same_in_every_zone() -> None:
    for zone in sorted(available_timezones()):
        by_date, bisected = two_ways(zone, ODD_YEARS.get(zone, 2026))
        chance = Random(zone)
        drawn = instants(by_date, chance, 24)
        for start, end in zip(drawn, reversed(drawn), strict=True):
            for function, more in (
                (open_time_after, {"seconds": chance.choice((1, 1200, 28_800, 500_000, 5_000_000))}),
                (open_seconds, {"end": end}),
                (working_days_after, {"days": chance.choice((1, 2, 5, 60))}),
                (due_at, {"limit": Limit(chance.randint(1, 9), chance.choice(("calendar_days", "working_days")))}),
                (due_at, {"limit": Limit(chance.randint(1, 9), "weeks", ends="end_of_day")}),
            ):
                asked = {"start": start, **more}
                assert said(function, by_date, **asked) == said(function, bisected, **asked), (zone, asked)
            assert said(next_opening, by_date, at=start) == said(next_opening, bisected, at=start), (zone, start)


@pytest.mark.parametrize("fold", [0, 1])
@pytest.mark.parametrize("wall", ["2026-03-29 02:30", "2026-10-25 02:30", "2026-10-25 03:00", "2026-06-01 02:30"])
def test_times_that_the_clocks_skip_or_show_twice_are_told_apart(wall: str, fold: int) -> None:
    by_date, bisected = two_ways("Europe/Amsterdam", 2026)
    start = datetime.fromisoformat(wall).replace(tzinfo=by_date.zone, fold=fold)
    for seconds in (60, 1800, 7200, 86_400):
        asked = {"start": start, "seconds": seconds}
        assert said(open_time_after, by_date, **asked) == said(open_time_after, bisected, **asked)


@pytest.mark.parametrize("year", [1, 9999])
def test_an_instant_that_the_zone_cannot_show_is_beyond_the_calendar(year: int) -> None:
    far = datetime(year, 1 if year == 1 else 12, 1 if year == 1 else 31, 12, tzinfo=ZoneInfo("Etc/GMT-14"))
    far = far.replace(tzinfo=UTC) if year == 9999 else far
    with pytest.raises(CalendarEndsError):
        open_time_after(vietnam(), start=far.replace(hour=1 if year == 1 else 23), seconds=60)


def test_days_without_a_change_of_clocks_near_by_are_answered_by_date() -> None:
    on, _ = two_ways("Europe/Amsterdam", 2026)
    start = datetime(2026, 6, 1, 8, tzinfo=on.zone)
    assert on.by_date.open_time_after(start, 3600) == datetime(2026, 6, 1, 9, tzinfo=on.zone)
    assert on.by_date.working_days_after(start, 1) == datetime(2026, 6, 2, 8, tzinfo=on.zone)
    with pytest.raises(LookupError):
        on.by_date.open_time_after(datetime(2026, 10, 24, 8, tzinfo=on.zone), 3600)


def test_answers_by_date_do_not_depend_on_what_was_asked_before() -> None:
    starts = [datetime(2026, 11, 2, tzinfo=vietnam().zone) + timedelta(hours=7 * n) for n in range(200)]
    used, _ = two_ways("Asia/Ho_Chi_Minh", 2026)
    onwards = [said(open_time_after, used, start=start, seconds=40_000) for start in starts]
    unused, _ = two_ways("Asia/Ho_Chi_Minh", 2026)
    backwards = [said(open_time_after, unused, start=start, seconds=40_000) for start in reversed(starts)]
    assert onwards == backwards[::-1] == [said(open_time_after, used, start=s, seconds=40_000) for s in starts]
