"""Counts by unit: many words for a unit are one line."""

from datetime import UTC, datetime, timedelta

from services.console.overview import Group, Notice, by_kind, by_unit, named
from shared.directory import Unit

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
UNITS = [
    Unit("14797", "Phường Hạc Thành", ("UBND phường Hạc Thành", "H56.03.21"), True),
    Unit("TH-STC", "Sở Tài chính", ("H56.07",), True),
]
NONE = Group(None, None, "dossier", 0, 0, 0, 0, None, 0, 0)


def test_groups_that_mean_one_unit_are_one_line() -> None:
    groups = [
        NONE._replace(unit_name="UBND phường Hạc Thành", open=3, overdue=1, overdue_since=NOW - timedelta(days=9)),
        NONE._replace(unit="H56.03.21", open=2, paused=1, overdue=1, overdue_since=NOW - timedelta(days=2), late=4),
        NONE._replace(unit="14797", in_time=5),
    ]
    total, (line,) = by_unit(groups, UNITS, now=NOW)
    assert (line.code, line.name) == ("14797", "Phường Hạc Thành")
    assert (line.open, line.paused, line.soon, line.overdue) == (5, 1, 0, 2)
    assert (line.in_time, line.late, line.overdue_for) == (5, 4, timedelta(days=9))
    assert (total.open, total.overdue, total.in_time, total.late) == (5, 2, 5, 4)


def test_the_unit_with_the_most_overdue_comes_first() -> None:
    groups = [
        NONE._replace(unit_name="Sở Tài chính", open=90, soon=20),
        NONE._replace(unit_name="Phường Hạc Thành", open=2, overdue=1, overdue_since=NOW),
        NONE._replace(unit_name="Chi nhánh số 9", open=1, soon=30),
    ]
    _, lines = by_unit(groups, UNITS, now=NOW)
    assert [line.name for line in lines] == ["Phường Hạc Thành", "Chi nhánh số 9", "Sở Tài chính"]


def test_an_unknown_unit_keeps_the_sources_word() -> None:
    groups = [NONE._replace(unit_name="Chi nhánh số 9", unit="H99", open=1), NONE._replace(open=1)]
    _, lines = by_unit(groups, UNITS, now=NOW)
    assert [(line.code, line.name) for line in lines] == [(None, ""), (None, "Chi nhánh số 9")]


def test_notices_show_the_units_present_name() -> None:
    notice = Notice(NOW, "TH-STC", "head", "email", 1, "sent", "", NOW)
    assert [one.unit for one in named([notice, notice._replace(unit="gone")], UNITS)] == ["Sở Tài chính", "gone"]


def test_what_else_falls_due_is_counted_beside_the_dossiers_and_by_its_kind() -> None:
    since = NOW - timedelta(days=3)
    groups = [
        NONE._replace(unit="TH-STC", open=2, soon=1),
        NONE._replace(unit="TH-STC", kind="report", open=1, overdue=1, overdue_since=since, late=2),
        NONE._replace(unit="14797", kind="report", open=2, soon=1, in_time=4),
        NONE._replace(unit="TH-STC", kind="answer", open=1, paused=1, overdue=1, overdue_since=NOW),
        NONE._replace(unit="14797", kind="step", open=1),
    ]
    total, (finance, ward) = by_unit(groups, UNITS, now=NOW)
    assert (total.open, total.soon, total.overdue, total.late, total.in_time, total.overdue_for) == (
        2,
        1,
        0,
        0,
        0,
        None,
    )
    assert (finance.open, finance.feedback, finance.others_overdue) == (2, 2, 2)
    assert (ward.open, ward.feedback, ward.others_overdue) == (0, 0, 0)
    step, answer, report = by_kind(groups, now=NOW)
    assert (step.code, answer.code, report.code) == ("step", "answer", "report")
    assert (report.open, report.soon, report.overdue, report.overdue_for) == (3, 1, 1, timedelta(days=3))
    assert (report.in_time, report.late, answer.open, answer.paused) == (4, 2, 1, 1)
    assert by_kind(groups[:1], now=NOW) == []


def test_of_units_with_as_many_overdue_dossiers_the_one_with_more_overdue_beside_them_comes_first() -> None:
    groups = [
        NONE._replace(unit="14797"),
        NONE._replace(unit="TH-STC", kind="step", overdue=1, overdue_since=NOW),
    ]
    _, lines = by_unit(groups, UNITS, now=NOW)
    assert [line.code for line in lines] == ["TH-STC", "14797"]


def test_a_unit_that_several_stand_for_now_keeps_its_name_beside_what_was_counted_of_it() -> None:
    district = Unit("H", "Huyện Hà Trung", (), True, None, "2026-06-30", ("14797", "TH-STC"))
    _, (line,) = by_unit([NONE._replace(unit="H", in_time=2)], [*UNITS, district], now=NOW)
    assert (line.code, line.name, line.in_time) == (None, "Huyện Hà Trung", 2)
