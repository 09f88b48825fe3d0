"""Hours that hold for a time, calendars laid over others, and one version for equal answers."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.worktime import (
    CalendarError,
    WorkCalendar,
    calendar,
    calendar_over,
    crosses_provisional,
    days_off,
    is_working_day,
    open_seconds,
    vietnam,
    working_days_after,
)

OFFICE = ["07:30-11:30", "13:30-17:00"]
SUMMER = ["06:30-11:00", "13:30-17:00"]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
PLAIN: dict[str, Any] = {
    "timezone": "Asia/Ho_Chi_Minh",
    "week": dict.fromkeys(WEEKDAYS, OFFICE),
    "dates": {"2026-09-02": [], "2026-08-22": "mon", "2026-12-31": ["07:30-11:30"]},
    "names": {"2026-09-02": "Quốc khánh"},
    "provisional": ["2026-12-31"],
    "known_from": "2026-01-01",
    "known_until": "2026-12-31",
}
SUMMER_HOURS = {"from": "2026-04-16", "until": "2026-10-15", "week": dict.fromkeys(WEEKDAYS, SUMMER)}


def hours(of: WorkCalendar, on: str) -> float:
    start = datetime.fromisoformat(on).replace(tzinfo=of.zone)
    return open_seconds(of, start=start, end=start.replace(hour=23, minute=59)) / 3600


def test_a_period_holds_from_its_first_to_its_last_day() -> None:
    summer = calendar(**PLAIN, periods=[SUMMER_HOURS])
    assert [hours(summer, on) for on in ("2026-04-15", "2026-04-16", "2026-10-15", "2026-10-16")] == [7.5, 8, 8, 7.5]


def test_a_period_without_an_end_holds_for_good() -> None:
    since = calendar(**PLAIN, periods=[{"from": "2026-07-01", "week": {"mon": ["08:00-09:00"]}}])
    assert [hours(since, on) for on in ("2026-06-29", "2026-07-06", "2026-12-21", "2026-07-07")] == [7.5, 1, 1, 0]


def test_single_dates_go_before_periods() -> None:
    summer = calendar(**PLAIN, periods=[SUMMER_HOURS])
    assert hours(summer, "2026-09-02") == 0
    assert hours(summer, "2026-12-31") == 4


def test_a_make_up_day_may_have_the_hours_of_a_weekday_as_they_then_are() -> None:
    assert hours(calendar(**PLAIN), "2026-08-22") == 7.5
    assert hours(calendar(**PLAIN, periods=[SUMMER_HOURS]), "2026-08-22") == 8


def test_a_limit_runs_from_one_period_into_the_next() -> None:
    summer = calendar(**PLAIN, periods=[SUMMER_HOURS])
    start = datetime(2026, 10, 15, 6, 45, tzinfo=summer.zone)
    assert working_days_after(summer, start=start, days=1) == datetime(2026, 10, 16, 7, 30, tzinfo=summer.zone)


@pytest.mark.parametrize(
    ("periods", "message"),
    [
        ([SUMMER_HOURS, SUMMER_HOURS], "periods[1]: overlaps periods[0]"),
        (
            [SUMMER_HOURS | {"from": "2026-10-15", "until": "2026-11-01"}, SUMMER_HOURS],
            "periods[0]: overlaps periods[1]",
        ),
        ([SUMMER_HOURS | {"until": "2026-04-15"}], "periods[0].until: 2026-04-15 is before from, 2026-04-16"),
        ([SUMMER_HOURS | {"to": "2026-04-15"}], "periods[0].to: not one of from, until, week"),
        ([SUMMER_HOURS | {"from": "16/04"}], "periods[0].from: '16/04' is not a date such as 2026-11-24"),
        ([SUMMER_HOURS | {"week": {"mon": ["9-10"]}}], "periods[0].week.mon: '9-10' is not a shift such as"),
        ([{"from": "2026-04-16"}], "periods[0].week: None does not give shifts by weekday"),
        (["summer"], "periods[0]: not an object with from, until and week"),
        ({"summer": SUMMER_HOURS}, "periods: {'summer': {"),
    ],
)
def test_a_wrong_period_is_refused_and_named(periods: Any, message: str) -> None:
    with pytest.raises(CalendarError) as refused:
        calendar(**PLAIN, periods=periods)
    assert str(refused.value).startswith(message)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(CalendarError, match=r"^timezone: .* \(and 2 more\)$") as refused:
        calendar(**PLAIN | {"timezone": "Hà Nội", "week": {"mon": ["9-10", "11-12"]}})
    assert [mistake.at for mistake in refused.value.mistakes] == [("timezone",), ("week", "mon", 0), ("week", "mon", 1)]


def test_who_gives_nothing_of_their_own_has_the_base_s_calendar() -> None:
    assert calendar_over(vietnam()).version == vietnam().version


def test_an_own_week_keeps_the_base_s_days_off_and_makes_up_in_its_own_hours() -> None:
    unit = calendar_over(calendar(**PLAIN), week={day: ["08:00-12:00", "13:00-17:00"] for day in WEEKDAYS})
    assert hours(unit, "2026-09-02") == 0
    assert hours(unit, "2026-08-22") == hours(unit, "2026-08-24") == 8
    assert days_off(unit, start=datetime(2026, 9, 1, tzinfo=UTC), end=datetime(2026, 9, 3, tzinfo=UTC)) == [
        (date(2026, 9, 2), "Quốc khánh")
    ]


def test_an_own_week_stands_in_place_of_the_base_s_periods_too() -> None:
    base = calendar(**PLAIN, periods=[SUMMER_HOURS])
    assert hours(calendar_over(base, week={"mon": ["08:00-09:00"]}), "2026-07-06") == 1


def test_an_own_period_goes_before_the_base_s() -> None:
    base = calendar(**PLAIN, periods=[SUMMER_HOURS])
    flood = {"from": "2026-09-14", "until": "2026-09-18", "week": {"mon": ["08:00-11:00"]}}
    unit = calendar_over(base, periods=[flood])
    assert [hours(unit, on) for on in ("2026-09-11", "2026-09-14", "2026-09-15", "2026-09-21")] == [8, 3, 0, 8]


def test_an_own_date_goes_before_the_base_s_and_is_as_sure_as_it_is_given() -> None:
    base = calendar(**PLAIN)
    unit = calendar_over(base, dates={"2026-12-31": []}, provisional=["2026-12-30"])
    assert not is_working_day(unit, on=date(2026, 12, 31))
    assert [date.fromordinal(day).day for day in unit.provisional] == [30]
    assert [date.fromordinal(day).day for day in calendar_over(base, dates={"2026-12-30": []}).provisional] == [31]
    day = datetime(2026, 12, 31, 10, tzinfo=base.zone)
    assert crosses_provisional(base, start=day, end=day)
    assert not crosses_provisional(unit, start=day, end=day)


def test_known_dates_are_the_base_s_unless_given() -> None:
    unit = calendar_over(vietnam(), known_until="2026-12-31", timezone="Asia/Bangkok")
    assert (unit.known_from, unit.known_until) == (vietnam().known_from, date(2026, 12, 31))
    assert str(unit.zone) == "Asia/Bangkok"
    with pytest.raises(CalendarError, match="known_until: 2017-12-31 is before known_from, 2018-01-01"):
        calendar_over(vietnam(), known_until="2017-12-31")


@pytest.mark.parametrize(
    "other",
    [
        calendar(**PLAIN | {"week": {}}, periods=[{"week": PLAIN["week"]}]),
        calendar(**PLAIN | {"dates": PLAIN["dates"] | {"2026-08-22": OFFICE}}),
        calendar(**PLAIN | {"dates": PLAIN["dates"] | {"2026-08-24": OFFICE}}),
        calendar(**PLAIN | {"dates": PLAIN["dates"] | {"2027-09-02": []}}),
        calendar(**PLAIN | {"names": PLAIN["names"] | {"2027-09-02": "Quốc khánh"}}),
        calendar(**PLAIN | {"week": {day: ["07:30-09:00", "09:00-11:30", "13:30-17:00"] for day in WEEKDAYS}}),
        calendar_over(calendar(**PLAIN | {"week": {}}), week=PLAIN["week"]),
        calendar_over(
            calendar(**PLAIN | {"dates": {"2026-09-02": ["08:00-09:00"]}}),
            dates=PLAIN["dates"],
            provisional=PLAIN["provisional"],
        ),
        calendar_over(calendar(**PLAIN | {"timezone": "Europe/Amsterdam"}), timezone="Asia/Ho_Chi_Minh"),
        calendar_over(calendar(**PLAIN), known_until="2026-12-31"),
    ],
    ids=range(10),
)
def test_equal_answers_have_one_version_however_they_are_given(other: WorkCalendar) -> None:
    assert other.version == calendar(**PLAIN).version


@pytest.mark.parametrize(
    "change",
    [
        {"periods": [SUMMER_HOURS]},
        {"dates": PLAIN["dates"] | {"2026-08-24": []}},
        {"names": {"2026-09-02": "Ngày Quốc khánh"}},
        {"provisional": []},
        {"known_from": "2025-12-27"},
        {"timezone": "Asia/Bangkok"},
    ],
)
def test_other_answers_have_another_version(change: dict[str, Any]) -> None:
    assert calendar(**PLAIN | change).version != calendar(**PLAIN).version
