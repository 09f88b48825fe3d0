"""Limits by worked examples: the law's own, and each edge that its words leave to decide."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from shared.worktime import CalendarEndsError, Level, Limit, LimitError, Pause, calendar, level_at, reckon, vietnam

OFFICE = ["07:00-11:30", "13:30-17:00"]
PLAIN = calendar(  # without a holiday
    timezone="Asia/Ho_Chi_Minh",
    week=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE),
    known_from="2026-01-01",
    known_until="2026-12-31",
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+07:00")


def due(start: str, value: float, unit: Any, *pauses: Pause, counts: Any = "working_time", **more: Any) -> str:
    limit = Limit(value, unit, **more)
    found = reckon(vietnam(), start=at(start), limit=limit, pauses=pauses, pause_counts=counts)
    return found.due_at.isoformat()[5:16]


def pause(since: str, until: str, effect: Any = "suspend") -> Pause:
    return Pause(at(since), at(until), effect)


END: dict[str, Any] = {"ends": "end_of_day"}


@pytest.mark.parametrize(
    ("start", "value", "unit", "more", "expected"),
    [
        ("11-20T16:00", 3, "working_days", {}, "11-26T16:00"),  # 24/11 is a holiday
        ("11-20T16:00", 3, "working_days", END, "11-26T17:00"),
        ("11-21T09:00", 1, "working_days", {}, "11-25T07:00"),  # a Saturday: as if at Monday's opening
        ("11-21T09:00", 1, "working_days", END, "11-23T17:00"),  # as if at the end of Friday
        ("11-20T12:00", 1, "working_days", {}, "11-23T13:30"),  # in the lunch break: at the opening after it
        ("11-20T17:00", 1, "working_days", {}, "11-25T07:00"),  # at the closing: from the next opening
        ("11-20T16:00", 1, "working_days", END | {"first_day": "same"}, "11-20T17:00"),
        ("11-20T18:00", 1, "working_days", END | {"first_day": "same"}, "11-23T17:00"),
        ("08-21T09:00", 1, "working_days", {}, "08-22T09:00"),  # 22/8/2026 is a Saturday worked for 31/8
        ("11-20T16:00", 1, "calendar_days", {}, "11-23T17:00"),  # Saturday rolls to Monday's last closing
        ("11-20T16:00", 1, "calendar_days", {"roll": "none"}, "11-21T16:00"),
        ("11-20T16:00", 1, "calendar_days", END | {"roll": "none"}, "11-22T00:00"),  # Saturday 24:00
        ("11-20T16:00", 5, "calendar_days", {}, "11-25T16:00"),
        ("11-20T16:00", 1, "weeks", {}, "11-27T16:00"),
        ("01-30T10:00", 1, "months", {}, "03-02T17:00"),  # clamped to 28/02, a Saturday, rolls to Monday
        ("03-31T10:00", 1, "months", END, "05-04T17:00"),  # 30/4, a holiday, then 1/5 and a weekend
        ("11-20T16:00", 90, "working_minutes", {}, "11-23T07:30"),
        ("11-20T15:00", 2, "working_hours", {}, "11-20T17:00"),  # runs out exactly at the closing
    ],
)
def test_a_limit_runs_out(start: str, value: int, unit: str, more: dict[str, Any], expected: str) -> None:
    assert due(start, value, unit, **more) == expected


@pytest.mark.parametrize(
    ("pauses", "counts", "value", "unit", "expected"),
    [
        ([pause("11-17T09:00", "11-18T09:00")], "working_time", 5, "working_days", "11-25T16:00"),  # +8 hours
        ([pause("11-17T09:00", "11-18T09:00")], "working_days", 5, "working_days", "11-26T16:00"),  # 17 and 18 drop out
        ([pause("11-17T09:00", "11-18T09:00")], "calendar_days", 5, "calendar_days", "11-23T16:00"),
        ([pause("11-17T09:00", "11-17T10:00"), pause("11-17T09:30", "11-17T11:00")], "working_time", 8, "working_hours",
         "11-18T08:00"),  # overlapping: two hours, not two and a half
        ([pause("11-15T09:00", "11-16T17:00")], "working_time", 8, "working_hours", "11-17T17:00"),  # cut off
        ([pause("11-17T16:00", "11-17T17:00")], "working_time", 8, "working_hours", "11-17T16:00"),  # too late
        ([pause("11-17T11:30", "11-17T13:30")], "working_time", 8, "working_hours", "11-17T16:00"),  # no open time
        ([pause("11-17T09:00", "11-18T10:00", "reset")], "working_time", 8, "working_hours", "11-19T10:00"),
        ([pause("11-17T09:00", "11-18T10:00", "reset"), pause("11-17T08:00", "11-18T11:00")], "working_time", 8,
         "working_hours", "11-19T11:00"),  # of the other pause only what lies behind the new start counts
        ([pause("11-21T00:00", "11-23T10:00")], "calendar_days", 4, "calendar_days", "11-20T16:00"),  # after it was due
        ([pause("11-20T15:00", "11-23T10:00")], "calendar_days", 4, "calendar_days", "11-25T17:00"),
    ],
)  # fmt: skip
def test_pauses_move_what_is_due(pauses: list[Pause], counts: str, value: int, unit: str, expected: str) -> None:
    assert due("11-16T16:00", value, unit, *pauses, counts=counts) == expected


def test_rolling_passes_over_a_paused_working_day() -> None:
    # 20/11 to 23/11 drop out; the 4th date that counts is Tuesday 24/11, a holiday; Wednesday is paused too
    pauses = [pause("11-20T15:00", "11-23T10:00"), pause("11-23T15:00", "11-25T16:30")]
    assert due("11-16T16:00", 4, "calendar_days", *pauses, counts="calendar_days") == "11-26T16:00"
    limit = Limit(4, "calendar_days")
    off = [Pause(at("11-20T08:00"), at("11-20T09:00")), Pause(at("11-23T08:00"), at("11-23T09:00"))]
    found = reckon(PLAIN, start=at("11-17T16:00"), limit=limit, pauses=off, pause_counts="calendar_days")
    assert found.due_at == at("11-24T17:00")  # 18, 19, 21 and Sunday 22/11 count; Monday is paused


def test_a_month_without_the_day_of_the_start_ends_with_its_last_day() -> None:
    for start, due_on in (("2024-01-31", "2024-02-29"), ("2023-01-31", "2023-02-28"), ("2024-05-31", "2024-07-01")):
        begin = datetime.fromisoformat(f"{start}T10:00:00+07:00")
        found = reckon(vietnam(), start=begin, limit=Limit(1, "months"))
        assert str(found.due_at.date()) == due_on  # 30/06/2024 is a Sunday: the next working day


def test_levels_stand_before_and_after_the_due_time() -> None:
    due_at = at("11-26T16:00")
    levels = [
        Level(10, "working_hours"),
        Level(-1, "working_days"),
        Level(-90, "working_minutes"),
        Level(0, "working_days"),
    ]
    assert [level_at(vietnam(), due=due_at, level=level).isoformat()[5:16] for level in levels] == [
        "11-30T08:00",
        "11-25T16:00",
        "11-26T14:30",
        "11-26T16:00",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, "working_days"), "limit.value"),
        ((-1, "months"), "limit.value"),
        ((10**9, "weeks"), "limit.value"),
        ((float("nan"), "working_hours"), "limit.value"),
        ((1.5, "working_days"), "limit.value"),
        ((1, "working_days", "clock_time", "forward", "same"), "first_day"),
    ],
)
def test_a_limit_that_contradicts_itself_is_refused_by_its_field(arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(LimitError, match=rf"^{said}: "):
        Limit(*arguments)


def test_days_of_another_kind_than_the_limits_are_refused() -> None:
    for unit, counts in (("working_days", "calendar_days"), ("weeks", "working_days")):
        with pytest.raises(LimitError, match=r"^pause_counts: "):
            due("11-16T16:00", 5, unit, pause("11-17T09:00", "11-18T09:00"), counts=counts)


@pytest.mark.parametrize("unit", ["working_minutes", "working_days", "calendar_days", "weeks", "months"])
def test_no_limit_runs_out_beyond_the_calendar(unit: Any) -> None:
    with pytest.raises(CalendarEndsError):
        reckon(PLAIN, start=at("12-30T16:00"), limit=Limit(500_000, unit))
