"""Limits in working hours, measuring, days off and the edges of what a calendar knows, on the province's calendar."""

from datetime import UTC, date, datetime

import pytest

from shared.worktime import (
    CalendarEndsError,
    calendar,
    crosses_provisional,
    days_off,
    is_working_day,
    next_opening,
    open_seconds,
    open_time_after,
    vietnam,
    working_days_after,
)

HOUR_S = 3600
VIETNAM = vietnam()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM.zone)


def after(start: str, hours: float) -> datetime:
    return open_time_after(VIETNAM, start=at(start), seconds=int(hours * HOUR_S))


def hours(start: str, end: str) -> float:
    return open_seconds(VIETNAM, start=at(start), end=at(end)) / HOUR_S


def test_lunch_the_night_and_a_holiday_do_not_count() -> None:
    assert after("2026-11-23 10:00", 8) == at("2026-11-25 10:00")


def test_a_limit_that_fills_a_shift_ends_at_its_close() -> None:
    assert after("2026-11-23 10:00", 1.5) == at("2026-11-23 11:30")
    assert after("2026-11-23 07:00", 8) == at("2026-11-23 17:00")


def test_reception_of_an_online_filing_on_a_holiday_is_due_at_the_end_of_the_next_working_day() -> None:
    assert after("2026-11-24 10:00", 8) == at("2026-11-25 17:00")


def test_a_start_at_the_closing_equals_the_next_opening() -> None:
    assert after("2026-11-23 17:00", 1) == after("2026-11-24 23:00", 1) == at("2026-11-25 08:00")


def test_hours_run_on_a_make_up_saturday() -> None:
    assert after("2026-08-21 16:30", 1) == at("2026-08-22 07:30")


def test_hours_counted_back_stop_at_the_first_instant_met() -> None:
    assert after("2026-11-25 09:00", -2) == at("2026-11-25 07:00")
    assert after("2026-11-25 09:00", -3) == at("2026-11-23 16:00")
    assert after("2026-11-24 12:00", -8) == at("2026-11-23 07:00")


def test_no_time_is_the_start_itself() -> None:
    assert after("2026-11-24 12:00", 0) == at("2026-11-24 12:00")


def test_microseconds_survive() -> None:
    assert after("2026-11-23 16:59:59.999999", 1) == at("2026-11-25 07:59:59.999999")


def test_a_measurement_counts_open_time_only() -> None:
    assert hours("2026-11-20 16:00", "2026-11-25 08:00") == 1 + 8 + 1
    assert hours("2026-11-23 12:00", "2026-11-23 13:00") == 0
    assert hours("2026-02-13 17:00", "2026-02-23 07:00") == 0


def test_a_measurement_that_ends_before_it_begins_is_0() -> None:
    assert hours("2026-11-25 08:00", "2026-11-20 16:00") == 0


@pytest.mark.parametrize(("on", "hours_open"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_shift_over_a_change_of_clocks_counts_what_really_passes(on: date, hours_open: int) -> None:
    amsterdam = calendar(
        timezone="Europe/Amsterdam",
        week={"sun": ["00:00-24:00"]},
        known_from="2026-01-01",
        known_until="2026-12-31",
    )
    start = datetime(on.year, on.month, on.day, tzinfo=amsterdam.zone)
    end = datetime(on.year, on.month, on.day + 1, tzinfo=amsterdam.zone)
    assert open_seconds(amsterdam, start=start, end=end) == hours_open * HOUR_S
    assert open_time_after(amsterdam, start=start, seconds=hours_open * HOUR_S) == end


def test_a_shift_that_the_clocks_skip_is_no_open_time() -> None:
    amsterdam = calendar(
        timezone="Europe/Amsterdam",
        week={"sun": ["02:15-02:45"]},
        known_from="2026-01-01",
        known_until="2026-12-31",
    )
    assert not is_working_day(amsterdam, on=date(2026, 3, 29))
    assert is_working_day(amsterdam, on=date(2026, 10, 25))


def test_the_next_opening_of_an_open_instant_is_itself() -> None:
    assert next_opening(VIETNAM, at=at("2026-11-23 10:00")) == at("2026-11-23 10:00")
    assert next_opening(VIETNAM, at=at("2026-11-23 11:30")) == at("2026-11-23 13:30")
    assert next_opening(VIETNAM, at=at("2026-11-23 17:00")) == at("2026-11-25 07:00")


def test_working_days_are_weekdays_and_make_up_saturdays_without_holidays() -> None:
    assert is_working_day(VIETNAM, on=date(2026, 11, 23))
    assert not is_working_day(VIETNAM, on=date(2026, 11, 24))
    assert is_working_day(VIETNAM, on=date(2026, 8, 22))
    assert not is_working_day(VIETNAM, on=date(2026, 8, 29))


def test_only_days_that_are_off_and_have_a_name_are_listed() -> None:
    listed = days_off(VIETNAM, start=at("2026-08-20 10:00"), end=at("2026-09-03 10:00"))
    assert listed == [
        (date(2026, 8, 31), "Nghỉ hoán đổi, làm bù 22/08/2026"),
        (date(2026, 9, 1), "Quốc khánh"),
        (date(2026, 9, 2), "Quốc khánh"),
    ]


def test_a_stretch_that_ends_at_midnight_does_not_touch_the_day_that_begins() -> None:
    assert days_off(VIETNAM, start=at("2026-11-23 10:00"), end=at("2026-11-24 00:00")) == []
    assert len(days_off(VIETNAM, start=at("2026-11-23 10:00"), end=at("2026-11-24 00:01"))) == 1


def test_tet_2027_is_provisional_until_its_schedule_is_announced() -> None:
    assert crosses_provisional(VIETNAM, start=at("2027-02-03 10:00"), end=at("2027-02-11 10:00"))
    assert crosses_provisional(VIETNAM, start=at("2027-02-10 10:00"), end=at("2027-02-11 10:00"))
    assert not crosses_provisional(VIETNAM, start=at("2027-02-01 10:00"), end=at("2027-02-04 00:00"))
    assert not crosses_provisional(VIETNAM, start=at("2026-02-10 10:00"), end=at("2026-02-25 10:00"))


def test_a_calendar_answers_nothing_past_its_end() -> None:
    last = "2027-12-31 16:00"
    assert after(last, 1) == at("2027-12-31 17:00")
    with pytest.raises(CalendarEndsError, match="2018-01-01 until 2027-12-31"):
        after(last, 1.5)
    with pytest.raises(CalendarEndsError):
        working_days_after(VIETNAM, start=at(last), days=1)
    with pytest.raises(CalendarEndsError):
        next_opening(VIETNAM, at=at("2027-12-31 17:00"))
    with pytest.raises(CalendarEndsError):
        hours(last, "2028-01-01 00:01")
    with pytest.raises(CalendarEndsError):
        is_working_day(VIETNAM, on=date(2028, 1, 1))
    assert hours(last, "2028-01-01 00:00") == 1


def test_a_calendar_answers_nothing_before_its_begin() -> None:
    first = "2018-01-02 08:00"
    assert after(first, -1) == at("2018-01-02 07:00")
    with pytest.raises(CalendarEndsError):
        after(first, -2)
    with pytest.raises(CalendarEndsError):
        working_days_after(VIETNAM, start=at(first), days=-1)
    with pytest.raises(CalendarEndsError):
        working_days_after(VIETNAM, start=at("2017-12-31 10:00"), days=5)
    with pytest.raises(CalendarEndsError):
        days_off(VIETNAM, start=at("2017-12-31 10:00"), end=at(first))


def test_a_naive_instant_is_refused() -> None:
    naive, aware = datetime(2026, 11, 23, 10), datetime(2026, 11, 23, 10, tzinfo=UTC)  # noqa: DTZ001 - meant
    for call in (
        lambda: working_days_after(VIETNAM, start=naive, days=1),
        lambda: open_time_after(VIETNAM, start=naive, seconds=60),
        lambda: open_seconds(VIETNAM, start=aware, end=naive),
        lambda: next_opening(VIETNAM, at=naive),
        lambda: days_off(VIETNAM, start=naive, end=aware),
    ):
        with pytest.raises(ValueError, match="2026-11-23T10:00:00 has no time zone"):
            call()
