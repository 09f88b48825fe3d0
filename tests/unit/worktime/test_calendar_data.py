"""What a calendar is made from: every mistake is named, equal content has an equal version, the file is sound."""

import csv
from datetime import date, datetime
from typing import Any

import pytest

from shared.worktime import CalendarError, calendar, is_working_day, open_time_after, vietnam
from shared.worktime.province import DATA

SOUND: dict[str, Any] = {
    "timezone": "Asia/Ho_Chi_Minh",
    "week": {"mon": ["07:00-11:30", "13:30-17:00"], "sat": []},
    "dates": {"2026-11-24": [], "2026-08-22": ["07:00-11:30"]},
    "names": {"2026-11-24": "Ngày Văn hóa Việt Nam"},
    "provisional": ["2027-02-04"],
    "known_from": "2018-01-01",
    "known_until": "2027-12-31",
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"week": {"mon": ["07:00-11:30", "11:00-17:00"]}}, "week.mon: 07:00-11:30 and 11:00-17:00 overlap"),
        ({"week": {"tue": ["17:00-07:00"]}}, "week.tue: 17:00-07:00 closes before it has opened"),
        ({"week": {"tue": ["07:00-07:00"]}}, "week.tue: 07:00-07:00 closes before it has opened"),
        ({"week": {"tue": ["13:30-00:00"]}}, "week.tue: 13:30-00:00 closes before it has opened"),
        ({"week": {"tue": ["24:00-24:00"]}}, "week.tue: '24:00-24:00' is not a shift such as 07:00-11:30"),
        ({"week": {"tue": ["07:00-24:30"]}}, "week.tue: '07:00-24:30' is not a shift such as 07:00-11:30"),
        ({"week": {"tue": ["7-11"]}}, "week.tue: '7-11' is not a shift such as 07:00-11:30"),
        ({"week": {"tue": "07:00-11:30"}}, "week.tue: '07:00-11:30' is not a list of shifts"),
        ({"week": {"Thứ hai": []}}, "week.Thứ hai: not one of mon, tue, wed, thu, fri, sat, sun"),
        ({"dates": {"2026-02-30": []}}, "dates: '2026-02-30' is not a date such as 2026-11-24"),
        ({"dates": {"20261124": []}}, "dates: '20261124' is not a date such as 2026-11-24"),
        ({"dates": {"2026-11-24": ["9:00-10:00"]}}, "dates.2026-11-24: '9:00-10:00' is not a shift"),
        ({"known_until": "2017-12-31"}, "known_until: 2017-12-31 is before known_from, 2018-01-01"),
        ({"known_until": "2927-12-31"}, "known_until: 2927-12-31 is more than 100 years after"),
        ({"known_from": None}, "known_from: None is not a date"),
        ({"known_from": "9999-01-01", "known_until": "9999-12-31"}, "known_until: 9999-12-31 is too far away"),
        ({"dates": {"2026-11-24": "08:00-11:30"}}, "dates.2026-11-24: '08:00-11:30' is not a list of shifts"),
        ({"dates": {"2026-11-24": 8}}, "dates.2026-11-24: 8 is not a list of shifts"),
        ({"dates": 8}, "dates: 8 does not list dates"),
        ({"names": {"2026-11-24": 8}}, "names.2026-11-24: 8 is not a name"),
        ({"provisional": "2026-11-24"}, "provisional: '2026-11-24' does not list dates"),
        ({"week": []}, "week: [] does not give shifts by weekday"),
        ({"timezone": None}, "timezone: None is not a known time zone"),
        ({"timezone": "Asia/Thanh_Hoa"}, "timezone: 'Asia/Thanh_Hoa' is not a known time zone"),
        ({"timezone": "Asia"}, "timezone: 'Asia' is not a known time zone"),
        ({"timezone": "../etc"}, "timezone: '../etc' is not a known time zone"),
        ({"week": {"mon": []}, "dates": {}}, "calendar has no open hours"),
    ],
)
def test_a_mistake_is_refused_and_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(CalendarError) as refused:
        calendar(**SOUND | wrong)
    assert str(refused.value).startswith(message)


def test_a_shift_may_end_at_24_00_and_touch_the_next() -> None:
    night = calendar(**SOUND | {"week": {"mon": ["20:00-22:00", "22:00-24:00"], "tue": ["00:00-04:00"]}})
    assert is_working_day(night, on=date(2026, 11, 23))


def test_shifts_may_be_given_in_any_order() -> None:
    assert calendar(**SOUND | {"week": {"mon": ["13:30-17:00", "07:00-11:30"]}}).version == calendar(**SOUND).version


@pytest.mark.parametrize(
    "change",
    [
        {"timezone": "Asia/Bangkok"},
        {"week": {"mon": ["07:00-11:30", "13:30-17:30"]}},
        {"dates": {"2026-11-24": []}},
        {"names": {"2026-11-24": "Ngày Văn hóa"}},
        {"provisional": []},
        {"known_until": "2026-12-31"},
    ],
)
def test_the_version_tells_any_change_of_content(change: dict[str, Any]) -> None:
    assert calendar(**SOUND).version == calendar(**SOUND).version
    assert calendar(**SOUND | change).version != calendar(**SOUND).version


def test_the_province_s_calendar_is_compiled_once() -> None:
    assert vietnam() is vietnam()


def test_every_year_of_the_province_s_calendar_has_its_public_holidays_and_each_row_a_source() -> None:
    rows = list(csv.DictReader((DATA / "vietnam.csv").read_text(encoding="utf-8").splitlines()))
    off = {row["date"] for row in rows if row["kind"] != "worked_swap"}
    for year in range(2018, 2028):
        assert {f"{year}-01-01", f"{year}-04-30", f"{year}-05-01", f"{year}-09-02"} <= off
    assert [row["date"] for row in rows] == sorted({row["date"] for row in rows})
    assert all(row["source"] and row["name"] and row["confidence"] in ("high", "medium", "low") for row in rows)
    assert all(date.fromisoformat(row["date"]).weekday() == 5 for row in rows if row["kind"] == "worked_swap")
    assert {row["kind"] for row in rows} == {"holiday", "swap_off", "worked_swap"}


def test_the_province_s_make_up_days_have_its_hours() -> None:
    saturday = datetime(2026, 8, 22, 7, tzinfo=vietnam().zone)
    assert open_time_after(vietnam(), start=saturday, seconds=8 * 3600) == saturday.replace(hour=17)


@pytest.mark.parametrize(
    ("year", "working_days"),
    [(2024, 251), (2025, 250), (2026, 249)],
)
def test_a_year_has_as_many_working_days_as_the_file_leaves(year: int, working_days: int) -> None:
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    dates = map(date.fromordinal, range(first, last + 1))
    assert sum(is_working_day(vietnam(), on=on) for on in dates) == working_days
