"""What due dates rest on, as it was known when: calendars and their heirs, units and their words, limits."""

from __future__ import annotations

from typing import Any

import pytest

from services.deadline.course import Course
from services.deadline.reference import Row, carried, reference
from shared.announced import Dated
from shared.worktime import CalendarError, WorkCalendar, vietnam

FIRST, SECOND, THIRD = (f"2026-{month}-01T08:00:00+07:00" for month in ("05", "06", "07"))


def calendar(name: str, at: str, *, inherits: str | None = None, units: tuple[str, ...] = (), **given: Any) -> Row:
    return Row("calendar", name, at, {"given": {"inherits": inherits, **given}, "units": units})


def unit(code: str, name: str, at: str, *, difficult: bool = False) -> Row:
    document = {"code": code, "name": name, "aliases": [], "active": True, "difficult": difficult}
    return Row("unit", code, at, document)


def procedure(at: str, value: int, **more: Any) -> Row:
    rule = {"value": value, "unit": "working_days", **more}
    return Row("procedure", "1.004746", at, {"rules": [rule]})


def dossier(**more: Any) -> Course:
    return Course("dossier", "X", "s", FIRST, accepted_at="2026-06-15T09:00:00+07:00", procedure="1.004746", **more)


def test_a_version_holds_from_its_announcement() -> None:
    known = Dated([(SECOND, "two"), (FIRST, "one")])
    assert [known.at(moment) for moment in ("2026-04", FIRST, "2026-05-20", SECOND, None)] == [
        None,
        "one",
        "one",
        "two",
        "two",
    ]


def test_where_nothing_was_announced_the_carried_calendar_and_limits_hold() -> None:
    assert carried().calendar("H56.12", "UBND xã Mường Lát", at=None) is vietnam()
    limit = carried().limit(dossier(), at=None)
    assert limit
    assert limit.unit == "working_days"


def test_a_units_calendar_is_found_by_any_word_for_it() -> None:
    known = reference(
        [unit("TH-1", "UBND xã Mường Lát", FIRST), calendar("ml", FIRST, inherits="thanh-hoa", units=("TH-1",))]
    )
    own = known.calendars["ml"].at(None)
    assert known.calendar(None, "ubnd xã  mường lát", at=None) is own
    assert known.calendar("TH-1", None, at=None) is own
    assert known.calendar("H56.13", "Sở Tư pháp", at=None) is vietnam()
    assert known.calendar("TH-1", None, at="2026-04-01T00:00:00+07:00") is vietnam()


def test_a_merger_to_come_takes_no_calendar_from_a_unit_that_is_still_in_force() -> None:
    merging = unit("TH-1", "Xã Một", FIRST)
    heir = unit("TH-2", "Xã Hai", FIRST)
    over = merging._replace(document={**merging.document, "valid_until": "2027-06-30", "successors": ["TH-2"]})
    own = calendar("one", FIRST, inherits="thanh-hoa", units=("Xã Một",), dates={"2026-11-05": []})
    known = reference([heir, over, own]).on(SECOND)
    assert known.calendar(None, None, at=None, unit_code="TH-1") is known.calendars["one"].at(None)
    assert known.calendar("TH-1", None, at=None) is known.calendars["one"].at(None)
    assert known.calendar(None, None, at=None, unit_code="TH-2") is known.calendars["thanh-hoa"].at(None)


def test_a_unit_the_directory_does_not_know_may_have_a_calendar_all_the_same() -> None:
    known = reference([calendar("ml", FIRST, inherits="thanh-hoa", units=("H56.12",))])
    assert known.calendar("000.00.12.H56", None, at=None) is known.calendars["ml"].at(None)


def test_a_calendar_follows_the_one_it_inherits_from() -> None:
    rows = [
        calendar("district", FIRST, inherits="thanh-hoa", dates={"2026-11-05": []}),
        calendar("ml", SECOND, inherits="district", units=("H56.12",), dates={"2026-11-06": []}),
        calendar("district", THIRD, inherits="thanh-hoa", dates={"2026-11-04": []}),
    ]
    known = reference(rows)
    then, now = (known.calendar("H56.12", None, at=moment) for moment in (SECOND, None))
    assert off_in_november(then) == [5, 6, 24]
    assert off_in_november(now) == [4, 6, 24]


def off_in_november(of: WorkCalendar) -> list[int]:
    days = (day for day, hours in of.content.dates.items() if not hours)
    return sorted(day.day for day in days if (day.year, day.month) == (2026, 11))


def test_a_wrong_calendar_is_refused() -> None:
    with pytest.raises(CalendarError, match="2026-11-05"):
        reference([calendar("ml", FIRST, inherits="thanh-hoa", dates={"2026-11-05": ["08:00-07:00"]})])


def test_a_corrected_limit_holds_for_open_dossiers_and_not_for_those_that_ended_before() -> None:
    known = reference([procedure(THIRD, 9)])
    before, after = (known.limit(dossier(), at=moment) for moment in (SECOND, None))
    assert before == carried().limit(dossier(), at=None)
    assert after
    assert after.value == 9


def test_a_dossier_keeps_the_limit_of_the_day_of_its_reception() -> None:
    rules = [
        {"value": 3, "unit": "working_days", "valid_until": "2026-06-30"},
        {"value": 9, "unit": "working_days", "valid_from": "2026-07-01"},
    ]
    known = reference([Row("procedure", "1.004746", FIRST, {"rules": rules})])
    limit = known.limit(dossier(), at=None)
    assert limit
    assert limit.value == 3


def test_a_difficult_commune_has_more_days_once_it_is_marked() -> None:
    rows = [
        unit("TH-1", "UBND xã Mường Lát", FIRST),
        unit("TH-1", "UBND xã Mường Lát", SECOND, difficult=True),
        procedure(FIRST, 5, difficult_days=10),
    ]
    known = reference(rows)
    of_commune, of_others = dossier(unit_name="UBND xã Mường Lát"), dossier(unit_name="Sở Tư pháp")
    for course, moment, days in ((of_commune, None, 15), (of_commune, FIRST, 5), (of_others, None, 5)):
        limit = known.limit(course, at=moment)
        assert limit
        assert limit.value == days


def test_only_what_moves_due_times_marks_the_directory_as_changed() -> None:
    plain, renamed = (reference([unit("TH-1", name, FIRST)]) for name in ("A", "B"))
    assert plain.marks() == renamed.marks()
    assert plain.marks() != reference([unit("TH-1", "A", FIRST, difficult=True)]).marks()


def test_calendars_announced_together_are_compiled_in_the_order_in_which_they_inherit() -> None:
    """The heir stands first, and fits its base only as that now is."""
    before = [
        calendar("mien", FIRST, inherits="thanh-hoa"),
        calendar("x", FIRST, inherits="mien", units=("U",), known_from="2026-12-01"),
    ]
    together = [
        calendar("a", SECOND, inherits="b", units=("A",)),
        calendar("b", SECOND, inherits="thanh-hoa", dates={"2026-11-05": []}),
        calendar("mien", SECOND, inherits="thanh-hoa", known_until="2026-06-30")._replace(revision=1),
        calendar("x", SECOND, inherits="mien", units=("U",), known_from="2026-01-01")._replace(revision=1),
    ]
    known = reference([*before, *together])
    assert off_in_november(known.calendar("A", None, at=None)) == [5, 24]
    assert str(known.calendar("U", None, at=None).known_until) == "2026-06-30"


def test_an_heir_of_nobody_is_refused_and_passed_over_where_it_is_stored_already() -> None:
    rows = [calendar("a", FIRST, inherits="b", units=("A",))]
    with pytest.raises(CalendarError, match="no calendar 'b'"):
        reference(rows)
    lenient = reference(rows, strict=False)
    assert lenient.calendar("A", None, at=None) is vietnam()
    later = reference([*rows, calendar("b", SECOND, inherits="thanh-hoa", dates={"2026-11-05": []})], strict=False)
    assert off_in_november(later.calendar("A", None, at=None)) == [5, 24]


def test_a_circle_of_calendars_is_refused() -> None:
    rows = [calendar("a", FIRST, inherits="b"), calendar("b", FIRST, inherits="a")]
    with pytest.raises(CalendarError, match="circle"):
        reference(rows)
    assert reference(rows, strict=False).calendars.keys() == {"thanh-hoa"}


def test_a_higher_revision_is_newer_whatever_the_clocks_say() -> None:
    known = reference([procedure(SECOND, 5)._replace(revision=1), procedure(FIRST, 9)._replace(revision=2)])
    limit = known.limit(dossier(), at=None)
    assert limit
    assert limit.value == 9


def test_a_unit_that_changes_hands_keeps_the_calendar_it_had_for_what_ended_then() -> None:
    rows = [
        calendar("odd", FIRST, inherits="thanh-hoa", units=("U",), dates={"2026-11-05": []}),
        calendar("odd", SECOND, inherits="thanh-hoa", dates={"2026-11-05": []})._replace(revision=1),
        calendar("two", SECOND, inherits="thanh-hoa", units=("U", " "), dates={"2026-11-06": []}),
    ]
    known = reference(rows)
    assert off_in_november(known.calendar("U", None, at=FIRST)) == [5, 24]
    assert off_in_november(known.calendar("U", None, at=None)) == [6, 24]
    assert known.calendar(None, None, at=None) is vietnam()
