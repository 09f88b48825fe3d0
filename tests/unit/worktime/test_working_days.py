"""Limits and ladder levels in working days, one concrete date for each trap, on the province's calendar."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.worktime import calendar, vietnam, working_days_after, working_days_from

VIETNAM = vietnam()
ALL_WEEK_NIGHT_AND_DAY = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri")}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM.zone)


def after(start: str, days: int) -> datetime:
    return working_days_after(VIETNAM, start=at(start), days=days)


def level(due: str, days: int) -> datetime:
    return working_days_from(VIETNAM, due=at(due), days=days)


def test_the_clock_time_of_the_start_is_kept_as_on_the_slip() -> None:
    assert after("2026-11-16 09:10", 3) == at("2026-11-19 09:10")


def test_a_weekend_and_the_day_of_vietnamese_culture_are_not_counted() -> None:
    assert after("2026-11-20 16:00", 3) == at("2026-11-26 16:00")


def test_tet_is_not_counted() -> None:
    assert after("2026-02-13 10:00", 1) == at("2026-02-23 10:00")


def test_a_make_up_saturday_is_counted() -> None:
    assert after("2026-08-21 10:00", 1) == at("2026-08-22 10:00")
    assert after("2026-08-21 10:00", 2) == at("2026-08-24 10:00")


def test_a_start_on_a_make_up_saturday_counts_from_it() -> None:
    assert after("2026-08-22 14:00", 1) == at("2026-08-24 14:00")


def test_the_day_swapped_for_a_make_up_saturday_is_not_counted() -> None:
    assert after("2026-08-28 10:00", 1) == at("2026-09-03 10:00")


def test_a_start_after_17_00_counts_as_the_next_opening() -> None:
    assert after("2026-11-16 17:30", 1) == at("2026-11-18 07:00")


def test_a_start_at_the_closing_counts_as_the_next_opening() -> None:
    assert after("2026-11-16 17:00", 1) == at("2026-11-18 07:00")


def test_a_start_just_before_the_closing_keeps_its_clock_time() -> None:
    assert after("2026-11-16 16:59:59.999999", 1) == at("2026-11-17 16:59:59.999999")


def test_a_start_before_07_00_counts_as_07_00() -> None:
    assert after("2026-11-16 05:15", 1) == at("2026-11-17 07:00")


def test_a_start_in_the_lunch_gap_counts_as_13_30() -> None:
    assert after("2026-11-16 11:30", 1) == at("2026-11-17 13:30")
    assert after("2026-11-16 12:00", 1) == at("2026-11-17 13:30")


def test_a_start_on_a_holiday_counts_as_the_next_opening() -> None:
    assert after("2026-11-24 10:00", 1) == at("2026-11-26 07:00")


def test_a_start_in_another_zone_counts_where_the_calendar_is() -> None:
    start = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    due = working_days_after(VIETNAM, start=start, days=3)
    assert due.isoformat() == "2026-11-26T16:00:00+07:00"


def test_no_days_is_the_start_itself() -> None:
    assert after("2026-11-22 10:00", 0) == at("2026-11-22 10:00")
    assert level("2026-11-22 10:00", 0) == at("2026-11-22 10:00")


def test_a_level_counts_from_the_very_date_of_the_due_time() -> None:
    assert level("2026-11-20 17:00", 1) == at("2026-11-23 17:00")
    assert level("2026-11-22 10:00", 1) == at("2026-11-23 10:00")


def test_a_level_is_counted_back_over_holidays() -> None:
    assert level("2026-11-25 16:00", -1) == at("2026-11-23 16:00")
    assert level("2026-11-24 10:00", -1) == at("2026-11-23 10:00")
    assert after("2026-11-25 16:00", -1) == at("2026-11-23 16:00")


def test_a_level_at_a_closed_clock_time_falls_on_the_last_closing_before_it() -> None:
    assert level("2026-11-22 12:00", 1) == at("2026-11-23 11:30")
    assert level("2026-11-22 20:00", 1) == at("2026-11-23 17:00")


def test_a_level_at_a_clock_time_before_the_opening_falls_on_the_opening() -> None:
    assert level("2026-11-22 06:00", 1) == at("2026-11-23 07:00")


def test_a_level_at_midnight_counts_from_the_day_that_ends() -> None:
    assert level("2026-11-20 00:00", 1) == at("2026-11-20 17:00")
    assert level("2026-11-20 00:00", -1) == at("2026-11-18 17:00")


def half_day_calendar() -> dict[str, list[str]]:
    return {"thu": ["07:00-17:00"], "fri": ["08:00-11:30"]}


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-19 10:00", "2026-11-20 10:00"),
        ("2026-11-19 11:30", "2026-11-20 11:30"),  # at the edge of open time
        ("2026-11-19 15:00", "2026-11-20 11:30"),  # the last closing before
        ("2026-11-19 07:30", "2026-11-20 08:00"),  # the first opening
    ],
)
def test_a_last_day_with_other_hours_places_the_clock_time_where_it_is_open(start: str, due: str) -> None:
    short_friday = calendar(
        timezone="Asia/Ho_Chi_Minh",
        week=half_day_calendar(),
        known_from="2026-01-01",
        known_until="2026-12-31",
    )
    assert working_days_after(short_friday, start=at(start), days=1) == at(due)


def test_midnight_where_work_never_stops_belongs_to_the_day_that_ends() -> None:
    always = calendar(
        timezone="Asia/Ho_Chi_Minh",
        week=ALL_WEEK_NIGHT_AND_DAY,
        known_from="2026-01-01",
        known_until="2026-12-31",
    )
    assert working_days_after(always, start=at("2026-11-20 00:00"), days=1) == at("2026-11-21 00:00")


def test_the_clock_time_is_kept_when_the_clocks_change() -> None:
    amsterdam = calendar(
        timezone="Europe/Amsterdam",
        week=ALL_WEEK_NIGHT_AND_DAY,
        known_from="2026-01-01",
        known_until="2026-12-31",
    )
    start = datetime(2026, 3, 27, 9, tzinfo=amsterdam.zone)
    due = working_days_after(amsterdam, start=start, days=1)
    assert due.isoformat() == "2026-03-30T09:00:00+02:00"
    assert due.astimezone(UTC) - start.astimezone(UTC) == timedelta(days=3, hours=-1)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00"),  # 02:30 does not exist on the 29th
        ("2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00"),  # and comes twice on 25 October
    ],
)
def test_a_clock_time_that_is_skipped_or_repeated_is_due_at_its_first_open_moment(start: str, due: str) -> None:
    amsterdam = calendar(
        timezone="Europe/Amsterdam",
        week={"sat": ["00:00-24:00"], "sun": ["00:00-24:00"]},
        known_from="2026-01-01",
        known_until="2026-12-31",
    )
    assert working_days_after(amsterdam, start=datetime.fromisoformat(start), days=1).isoformat() == due
