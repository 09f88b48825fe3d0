"""Random questions on random calendars: the program's answer is the one of the slow way, and the inverse laws hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from shared.worktime import CalendarEndsError, Limit, Pause, WorkCalendar, calendar, measure, open_seconds, reckon
from tests.unit.worktime import slow

DAYS = 40
STRETCHES = (
    ("Asia/Ho_Chi_Minh", "2026-11-02"),
    ("Asia/Ho_Chi_Minh", "2027-01-18"),
    ("Asia/Kathmandu", "2026-02-12"),
    ("Europe/Amsterdam", "2026-03-10"),
    ("America/New_York", "2026-10-20"),
)
SHIFTS: tuple[list[str], ...] = (
    ["07:00-11:30", "13:30-17:00"], ["08:00-12:00"], ["00:00-24:00"], ["18:00-24:00"], ["00:00-06:00", "22:00-24:00"],
    ["07:00-11:00", "11:00-15:00"], [], [],
)  # fmt: skip
PER_CALENDAR = 60


@lru_cache(maxsize=20)
def case(seed: int) -> tuple[slow.Walk, WorkCalendar]:
    random = Random(seed)
    timezone, first = random.choice(STRETCHES)
    begins = date.fromisoformat(first)
    week = {day: random.choice(SHIFTS) for day in slow.WEEKDAYS}
    if not any(week.values()):
        week["wed"] = ["07:00-11:30", "13:30-17:00"]
    dates = {str(begins + timedelta(days=random.randrange(DAYS))): random.choice(SHIFTS) for _ in range(5)}
    plain: dict[str, Any] = {
        "timezone": timezone, "week": week, "dates": dates, "known_from": first,
        "known_until": str(begins + timedelta(days=DAYS - 1)),
    }  # fmt: skip
    return slow.Walk(plain), calendar(**plain)


def questions(seed: int, count: int) -> list[slow.Question]:
    walk, _ = case(seed)
    random = Random(f"{seed} questions")

    def instant(spread: int) -> datetime:
        at = random.randrange(min(spread, len(walk.begins)))
        return walk.begins[at - at % random.choice((1, 15, 30, 60, 1440))]

    asked = []
    for _ in range(count):
        unit = random.choice(("working_minutes", "working_hours", "working_days", "calendar_days", "weeks", "months"))
        most = {"working_minutes": 3000, "working_hours": 60, "weeks": 4, "months": 1}.get(unit, 15)
        ends = random.choice(("clock_time", "end_of_day"))
        start = instant(15 * 1440)
        pauses = []
        for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
            since = instant(25 * 1440)
            until = since + timedelta(minutes=random.choice((0, 1, 30, 90, 600, 1440, 4000)))
            pauses.append(
                (since, min(until, walk.begins[-1]), random.choice(("suspend", "suspend", "suspend", "reset")))
            )
        counts = ["working_time", "working_days" if unit == "working_days" else "calendar_days"]
        if unit in ("working_minutes", "working_hours"):
            counts = ["working_time"]
        asked.append(
            slow.Question(
                start, random.randint(1, most), unit, ends, random.choice(("forward", "none")),
                random.choice(("next", "same")) if ends == "end_of_day" else "next",
                tuple(pauses), random.choice(counts),
            )
        )  # fmt: skip
    return asked


def answered(compiled: WorkCalendar, asked: slow.Question) -> datetime | None:
    limit = Limit(
        asked.value, cast(Any, asked.unit), cast(Any, asked.ends), cast(Any, asked.roll), cast(Any, asked.first_day)
    )
    pauses = [Pause(since, until, cast(Any, effect)) for since, until, effect in asked.pauses]
    try:
        found = reckon(
            compiled, start=asked.start, limit=limit, pauses=pauses, pause_counts=cast(Any, asked.pause_counts)
        )
    except CalendarEndsError:
        return None
    return found.due_at.astimezone(UTC)


PART = 30  # calendars of one test
PARTS = [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, 25))]


@pytest.mark.parametrize("part", PARTS)
def test_the_answer_is_that_of_the_slow_way(part: int) -> None:
    clear = 0
    for seed in range(part * PART, (part + 1) * PART):
        walk, compiled = case(seed)
        for asked in questions(seed, PER_CALENDAR):
            right = slow.due(walk, asked)
            if right != slow.UNCLEAR:
                clear += 1
                assert answered(compiled, asked) == right, (seed, asked, walk.plain)
    assert clear > PART * PER_CALENDAR * 0.8


@pytest.mark.parametrize("seed", range(8))
def test_measuring_is_that_of_the_slow_way_and_undoes_adding(seed: int) -> None:
    walk, compiled = case(seed)
    for asked in questions(seed, 30):
        pauses = [Pause(since, until) for since, until, _ in asked.pauses]
        end = walk.begins[-1]
        taken = set[int]().union(*(range(walk.index[p.since], walk.index[p.until]) for p in pauses))
        since = walk.index[asked.start]
        slowly = sum(walk.open[n] for n in range(since, len(walk.open) - 1) if n not in taken)
        assert measure(compiled, start=asked.start, end=end, pauses=pauses) == slowly * 60
        hours = Limit(asked.value, "working_minutes")
        try:
            due_at = reckon(compiled, start=asked.start, limit=hours, pauses=pauses).due_at
            half = reckon(compiled, start=asked.start, limit=Limit(asked.value, "working_minutes")).due_at
        except CalendarEndsError:
            continue
        assert measure(compiled, start=asked.start, end=due_at, pauses=pauses) == asked.value * 60
        again = reckon(compiled, start=half, limit=Limit(asked.value, "working_minutes"))
        assert (
            again.due_at == reckon(compiled, start=asked.start, limit=Limit(asked.value * 2, "working_minutes")).due_at
        )
        assert open_seconds(compiled, start=asked.start, end=half) == asked.value * 60
        assert due_at.tzinfo == ZoneInfo(walk.plain["timezone"])
