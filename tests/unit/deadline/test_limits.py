"""The limits of procedures: each unit as what it is, the cut-off hour, and what is left out rather than guessed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from services.deadline.limits import Limit, carried, due_after
from shared.worktime import Pause, vietnam


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+07:00")


def due(start: str, value: int, unit: Any, *pauses: Pause) -> str:
    found = due_after(at(start), Limit(value, unit, "-"), calendar=vietnam(), pauses=pauses)
    return found.isoformat()[5:16]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("11-20T09:10", "11-20T17:00"),
        ("11-20T15:00", "11-20T17:00"),  # at the hour is not after it
        ("11-20T15:00:01", "11-23T17:00"),
        ("11-20T18:00", "11-23T17:00"),  # closed: as if at Monday's opening
        ("11-21T09:00", "11-23T17:00"),
        ("11-23T15:30", "11-25T17:00"),  # the next day is a holiday
    ],
)
def test_what_is_due_the_same_day_and_comes_after_15_00_is_due_the_next_working_day(start: str, expected: str) -> None:
    assert due(start, 0, "same_day") == expected


def test_a_pause_moves_a_same_day_limit_by_its_open_time() -> None:
    assert due("11-20T09:00", 0, "same_day", Pause(at("11-20T10:00"), at("11-20T11:00"))) == "11-23T08:00"


def test_calendar_days_count_all_days_and_roll_to_the_end_of_a_working_day() -> None:
    assert due("11-02T09:10", 20, "calendar_days") == "11-23T17:00"  # 22/11 is a Sunday
    assert due("11-02T09:10", 15, "calendar_days") == "11-17T09:10"


def test_the_carried_catalogue_knows_each_unit_and_nothing_of_low_confidence() -> None:
    limits = carried()
    assert limits["2.000815"].unit == "same_day"
    assert (limits["1.013225"].value, limits["1.013225"].unit) == (20, "calendar_days")
    assert (limits["1.004746"].value, limits["1.004746"].unit) == (5, "working_days")
    assert "1.001699" not in limits  # of low confidence
