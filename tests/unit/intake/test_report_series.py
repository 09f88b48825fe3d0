"""Periods of report series, and until when a report is due: closings in mid-month, year ends, Tết."""

from __future__ import annotations

import itertools
from datetime import date, datetime
from typing import Any

import pytest
import yaml

from services.intake.oversight import series
from services.intake.oversight.making import carried
from services.intake.oversight.series import Due, Period, Series, SeriesError, due_at, next_period, owing
from shared.worktime import CalendarEndsError, vietnam

CALENDAR = vietnam()
GIVEN: dict[str, Any] = {
    "name": "cchc", "title": "Báo cáo", "units": "all", "period": "quarter", "due": {"working_days": 5},
    "since": "2026-01-01",
}  # fmt: skip


def a_series(**changes: Any) -> Series:
    return Series.model_validate({**GIVEN, **changes})


def period(length: str, on: str) -> Period:
    found = next_period(a_series(period=length, since=on), through=None)
    assert found
    return found


@pytest.mark.parametrize(
    ("length", "on", "code", "first", "last"),
    [
        ("month", "2028-02-29", "2028-02", "2028-02-01", "2028-02-29"),
        ("month", "2026-12-31", "2026-12", "2026-12-01", "2026-12-31"),
        ("quarter", "2026-01-01", "2026-Q1", "2026-01-01", "2026-03-31"),
        ("quarter", "2026-12-31", "2026-Q4", "2026-10-01", "2026-12-31"),
        ("half_year", "2026-07-01", "2026-H2", "2026-07-01", "2026-12-31"),
        ("year", "2026-06-30", "2026", "2026-01-01", "2026-12-31"),
        ("month_15_14", "2026-12-14", "2026-12", "2026-11-15", "2026-12-14"),
        ("month_15_14", "2026-12-15", "2027-01", "2026-12-15", "2027-01-14"),
        ("quarter_15_14", "2026-12-14", "2026-Q4", "2026-09-15", "2026-12-14"),
        ("quarter_15_14", "2026-12-15", "2027-Q1", "2026-12-15", "2027-03-14"),
        ("half_year_15_14", "2026-06-15", "2026-H2", "2026-06-15", "2026-12-14"),
        ("year_15_14", "2026-12-14", "2026", "2025-12-15", "2026-12-14"),
        ("year_15_14", "2026-12-15", "2027", "2026-12-15", "2027-12-14"),
    ],
)
def test_a_day_lies_in_one_period(length: str, on: str, code: str, first: str, last: str) -> None:
    found = period(length, on)
    assert (found.code, str(found.first), str(found.last)) == (code, first, last)


@pytest.mark.parametrize("length", series.Length.__args__)  # type: ignore[attr-defined]
def test_periods_follow_one_another_without_a_gap(length: str) -> None:
    of, through = a_series(period=length), None
    found: list[Period] = []
    while len(found) < 30:
        one = next_period(of, through=through)
        assert one
        found.append(one)
        through = one.last
    assert all((after.first - before.last).days == 1 for before, after in itertools.pairwise(found))
    assert len({one.code for one in found}) == len({one.words for one in found}) == 30


def test_a_series_ends_with_the_last_period_that_has_ended_by_then() -> None:
    of = a_series(until="2026-06-29")
    assert next_period(of, through=date(2026, 3, 31)) is None
    assert next_period(a_series(until="2026-06-30"), through=date(2026, 3, 31))


@pytest.mark.parametrize(
    ("rule", "of", "due"),
    [
        ({"working_days": 5}, ("quarter_15_14", "2026-12-14"), "2026-12-21T17:00"),
        ({"working_days": 1}, ("year", "2026-01-01"), "2027-01-04T17:00"),  # New Year's Day, then a weekend
        ({"calendar_days": 1}, ("year", "2026-01-01"), "2027-01-04T17:00"),
        ({"calendar_days": 10}, ("quarter", "2026-03-01"), "2026-04-10T17:00"),
        ({"on_day": 20}, ("quarter_15_14", "2026-12-14"), "2026-12-21T17:00"),  # the 20th is a Sunday
        ({"on_day": 20}, ("quarter", "2026-12-14"), "2026-12-21T17:00"),  # before the quarter has ended
        ({"on_day": 31, "months_later": 1}, ("month", "2026-03-31"), "2026-05-04T17:00"),  # 30/4, 1/5, a weekend
        ({"on_day": 15, "months_later": 2}, ("month_15_14", "2026-12-14"), "2027-02-15T17:00"),
    ],
)
def test_a_report_is_due_at_a_closing(rule: dict[str, int], of: tuple[str, str], due: str) -> None:
    at = due_at(Due(**rule), period(*of), calendar=CALENDAR)
    assert at.isoformat() == f"{due}:00+07:00"


def test_tet_is_not_counted() -> None:
    """Tết 2026: 16 to 20 February are off, as the calendar that is carried says."""
    ended = period("month_15_14", "2026-02-14")
    assert due_at(Due(working_days=1), ended, calendar=CALENDAR) > datetime(2026, 2, 20, tzinfo=CALENDAR.zone)
    assert due_at(Due(calendar_days=3), ended, calendar=CALENDAR).date() == date(2026, 2, 23)


def test_past_the_calendar_nothing_is_guessed() -> None:
    with pytest.raises(CalendarEndsError):
        due_at(Due(working_days=5), period("quarter", "2031-01-01"), calendar=CALENDAR)


def test_a_report_is_asked_for_when_its_period_has_ended_or_before_it_is_due() -> None:
    quarter = period("quarter", "2026-12-14")
    for rule, at in (({"working_days": 5}, "2027-01-01T00:00:00+07:00"), ({"on_day": 20}, "2026-12-11T17:00:00+07:00")):
        due = due_at(Due(**rule), quarter, calendar=CALENDAR)
        assert series.asked_at(quarter, due, calendar=CALENDAR).isoformat() == at


UNITS = [
    {"code": code, "name": code, "aliases": [], "kind": kind, "active": active}
    for code, kind, active in (
        ("14758", "xa", True), ("14797", "phuong", True), ("TH-SNV", "so", True), ("380", "huyen_cu", False),
        ("99999", "xa", False), ("TT", "trung_tam_hcc_xa", True),
    )
] + [
    {"code": "MERGED", "name": "M", "aliases": [], "kind": "xa", "active": True, "valid_until": "2026-06-30"},
    {"code": "COMING", "name": "C", "aliases": [], "kind": "xa", "active": True, "valid_from": "2027-01-01"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("units", "codes"),
    [
        ("communes", ["14758", "14797"]),
        ("departments", ["TH-SNV"]),
        ("all", ["14758", "14797", "TH-SNV"]),
        (["x"], ["14797", "TT"]),
    ],
)
def test_units_in_force_owe_reports(units: Any, codes: list[str]) -> None:
    assert owing(a_series(units=units), UNITS, ["14797", "TT", "99999", None], on="2026-12-15") == codes


def test_a_unit_owes_and_is_checked_from_its_first_day_to_its_last() -> None:
    for on, codes in (("2026-06-30", ["MERGED"]), ("2026-07-01", []), ("2026-12-31", []), ("2027-01-01", ["COMING"])):
        assert owing(a_series(units="communes"), UNITS[-2:], [], on=on) == codes
        assert series.checked(UNITS[-2:], on=on) == codes


def test_a_title_says_the_period_in_words() -> None:
    said = series.title_of(a_series(title="Báo cáo cải cách hành chính"), period("quarter_15_14", "2026-12-14"))
    assert said == "Báo cáo cải cách hành chính quý IV năm 2026 (từ 15/09/2026 đến 14/12/2026)"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"due": {"working_days": 5, "on_day": 3}}, "one of working_days"),
        ({"due": {}}, "one of working_days"),
        ({"due": {"working_days": 0}}, "greater than or equal to 1"),
        ({"due": {"calendar_days": 3, "months_later": 1}}, "goes with on_day"),
        ({"period": "week"}, "period"),
        ({"units": []}, "units"),
        ({"name": "Báo cáo"}, "name"),
        ({"until": "2025-01-01"}, "until is before since"),
        ({"since": "1026-01-01"}, "between 2000 and 2100"),
        ({"enabled": "no"}, "enabled"),
        ({"who": "x"}, "Extra inputs"),
    ],
)
def test_a_wrong_series_is_told_with_its_place(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SeriesError, match=said):
        series.read(yaml.safe_dump({"series": [{**GIVEN, **given}]}).encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"series: [", "not readable as YAML"),
        (b"\xff\xfe\x00", "not readable as YAML"),
        (b"[]", "file"),
        (b"a: 1", "series"),
        (b"x" * 300_000, "longer than"),
        (b"[" * 20_000, "not readable as YAML"),
        (yaml.safe_dump({"series": [GIVEN, GIVEN]}).encode(), "cchc stands twice"),
    ],
)
def test_a_file_that_is_none_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(SeriesError, match=said):
        series.read(content)


def test_the_series_that_are_carried_make_nothing_until_somebody_enables_them() -> None:
    found = series.read(carried())
    assert found
    assert not any(one.enabled for one in found)
    assert all(one.note for one in found)
