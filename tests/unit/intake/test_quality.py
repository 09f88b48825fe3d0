"""What of the reception is incomplete: the rules, each with the fault and without."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.quality import rules
from services.intake.quality.offices import offices
from services.intake.quality.rules import Code, Dossier, Terms, code_of, missing_numbers
from shared.worktime import vietnam

KEY = "000.00.12.H56-261102-0001"  # a Monday
ACCEPTED = "2026-11-02T09:10:00+07:00"
NOW = datetime.fromisoformat("2026-11-05T02:00:00+07:00")
TERMS = Terms(grace_days=1, tolerance=timedelta(minutes=15), mirrored=False)


def fact(slot: str, value: Any, **more: Any) -> Any:
    at = "2026-11-02T09:10:00+07:00"
    given = {"id": f"{slot}{value}", "slot": slot, "value": value, "at": at, "as_of": at, "heard": at, "rank": 2}
    return {**given, "source": "motcua-1", **more}


def standing(status: int, ended: str | None = None) -> Any:
    return fact("standing", {"status": status, "ended": ended, "refused": None})


ABOUT, DUE = fact("about", {"unit_name": "", "agency": "H56.12"}), fact("due", "2026-11-09T09:10:00+07:00")
WELL = [ABOUT, fact("accepted", ACCEPTED), DUE]


def flags(*facts: Any, now: datetime = NOW, slips: frozenset[str] = frozenset(), **terms: Any) -> list[str]:
    of = Terms(**{**{name: getattr(TERMS, name) for name in Terms.__slots__}, **terms})
    dossier = Dossier(KEY, facts)
    return [
        one.flag for one in rules.flags_of(dossier, calendar=vietnam(), now=now, terms=of, giving_slips=slips)
    ]  # fmt: skip


def of_portal(*facts: Any) -> list[Any]:
    return [{**one, "mirror": True, "source": "dvcqg"} for one in facts]


def test_a_dossier_received_well_has_no_flag() -> None:
    assert flags(*WELL) == []


def test_what_only_the_portal_tells_of_is_not_in_the_one_stop_system() -> None:
    assert flags(*of_portal(*WELL), mirrored=True) == ["not_in_one_stop"]
    assert flags(*of_portal(*WELL), WELL[1], mirrored=True) == []
    pause = fact("pause.1", {}, source="thanh-tra")  # told by who holds no dossiers
    assert flags(*of_portal(*WELL), pause, mirrored=True) == ["not_in_one_stop"]


def test_what_the_portal_does_not_tell_of_is_flagged_where_a_mirror_is_registered() -> None:
    assert (flags(*WELL, mirrored=True), flags(*WELL, mirrored=False)) == (["not_on_portal"], [])
    assert flags(ABOUT, fact("filed", ACCEPTED), mirrored=True) == []  # nobody has accepted it yet


def test_nothing_incomplete_is_flagged_within_a_working_day() -> None:
    soon = datetime.fromisoformat("2026-11-03T09:00:00+07:00")
    for facts in (of_portal(*WELL), [fact("accepted", ACCEPTED)], [standing(9)]):
        assert flags(*facts, now=soon, mirrored=True) == []
        assert flags(*facts, now=soon + timedelta(minutes=11), mirrored=True) != []


def test_a_weekend_is_no_working_day() -> None:
    friday = "2026-11-06T16:00:00+07:00"
    facts = [fact("accepted", friday, heard=friday)]
    assert flags(*facts, now=datetime.fromisoformat("2026-11-09T15:00:00+07:00")) == []
    assert flags(*facts, now=datetime.fromisoformat("2026-11-09T16:00:00+07:00")) == ["no_due_date"]


def test_accepted_without_a_due_date_is_flagged_and_filed_without_is_not() -> None:
    assert flags(ABOUT, fact("accepted", ACCEPTED)) == ["no_due_date"]
    assert flags(ABOUT, fact("filed", ACCEPTED)) == []


def test_a_slip_is_asked_for_only_of_sources_that_give_them() -> None:
    slip = fact("slip", "BN-1")
    assert flags(*WELL, slips=frozenset(["motcua-1"])) == ["no_slip"]
    assert flags(*WELL, slip, slips=frozenset(["motcua-1"])) == []
    assert flags(*WELL, slips=frozenset(["other"])) == []
    with_one, without = Dossier("A", [*WELL, slip]), Dossier("B", WELL)
    counted: dict[str, list[int]] = {}
    for dossiers, giving in (([without], set()), ([with_one], {"motcua-1"}), ([without], set())):
        rules.count_slips(dossiers, counted)
        assert rules.giving_slips(counted) == giving


@pytest.mark.parametrize(
    ("status", "ended", "flagged"),
    [
        (9, ACCEPTED, True),
        (10, None, True),
        (4, ACCEPTED, True),
        (4, None, False),
        (3, ACCEPTED, False),
        (7, ACCEPTED, False),
    ],
)
def test_completed_without_acceptance(status: int, ended: str | None, flagged: bool) -> None:
    assert ("completed_without_acceptance" in flags(ABOUT, standing(status, ended))) is flagged
    assert flags(*WELL, standing(status, ended)) == []


@pytest.mark.parametrize(
    ("at", "outside"),
    [
        ("2026-11-02T09:10:00", False),
        ("2026-11-02T11:40:00", False),  # who stood in the queue at 11:30
        ("2026-11-02T12:30:00", True),
        ("2026-11-02T21:00:00", True),
        ("2026-11-01T09:00:00", True),  # a Sunday
        ("2026-11-24T09:00:00", True),  # a holiday
        ("2026-11-01T00:00:00", False),  # a date without its time
    ],
)
def test_received_outside_hours(at: str, outside: bool) -> None:
    accepted = fact("accepted", f"{at}+07:00")
    assert ("received_outside_hours" in flags(ABOUT, accepted, DUE)) is outside
    assert flags(ABOUT, accepted, DUE, fact("filed", ACCEPTED)) == []  # online filings may come at any time
    assert flags(fact("about", {"channel": "post"}), accepted, DUE) == []


def test_no_evidence_holds_more_than_times_codes_and_sources() -> None:
    about = fact("about", {"unit_name": "UBND phường Hạc Thành", "agency": "", "field": "Đất đai"})
    found = rules.flags_of(
        Dossier(KEY, [about, fact("accepted", ACCEPTED)]), calendar=vietnam(), now=NOW, terms=TERMS,
        giving_slips=frozenset(),
    )  # fmt: skip
    assert [one.evidence for one in found] == [{"accepted": ACCEPTED, "source": "motcua-1"}]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (KEY, ("000.00.12.H56", date(2026, 11, 2), 1, 4, "000.00.12.H56-261102")),
        ("G09.20-20260609-0092637", ("G09.20", date(2026, 6, 9), 92637, 7, "G09.20-20260609")),
        ("H56.12-261302-0001", None),
        ("X-1", None),
        ("report/H56-261102-0001", None),
    ],
)
def test_a_code_is_taken_apart(key: str, told: tuple[Any, ...] | None) -> None:
    assert code_of(key) == told


def codes(numbers: set[int], digits: int = 4) -> list[Code]:
    return [Code("H56", date(2026, 11, 2), number, digits, "H56-261102") for number in numbers]


@given(st.sets(st.integers(1, 400), min_size=1))
def test_every_number_below_the_highest_is_either_known_or_missing(numbers: set[int]) -> None:
    found = missing_numbers(codes(numbers))
    absent = set(range(1, max(numbers))) - numbers
    assert (found.amount if found else 0) == len(absent)
    if found and not found.evidence["cut"]:
        ranges = [list(map(int, one.split("-"))) for one in found.evidence["missing"]]
        assert {number for one in ranges for number in range(one[0], one[-1] + 1)} == absent


@given(st.sets(st.integers(1, 9999), min_size=1, max_size=200), st.data())
def test_what_arrives_later_only_closes_gaps_below_the_highest(numbers: set[int], data: st.DataObject) -> None:
    late = data.draw(st.sets(st.integers(1, max(numbers)), max_size=20))
    before, after = missing_numbers(codes(numbers)), missing_numbers(codes(numbers | late))
    assert (after.amount if after else 0) <= (before.amount if before else 0)


def test_an_evidence_of_many_gaps_is_cut_and_its_amount_is_not() -> None:
    found = missing_numbers(codes(set(range(2, 402, 2))))
    assert found
    assert (found.amount, len(found.evidence["missing"]), found.evidence["cut"]) == (200, 50, True)


def test_longer_numbers_count_only_where_they_are_dense() -> None:
    assert missing_numbers(codes({92637, 92700, 93000}, 7)) is None
    dense = missing_numbers(codes(set(range(500, 520)) - {507}, 7))
    assert dense
    assert (dense.amount, dense.evidence["missing"]) == (1, ["507"])


UNIT = {"code": "14758", "name": "Phường Hàm Rồng", "aliases": ["H56.99"], "active": True}
TODAY = date(2026, 11, 12)


def known_as(key: str, *abouts: Any) -> Dossier:
    return Dossier(key, abouts or [fact("accepted", ACCEPTED)])


def test_a_unit_is_the_one_of_the_directory_else_the_agency() -> None:
    own = {"name": "c", "given": {"inherits": "thanh-hoa"}, "units": ["H56.99"], "revision": 1}
    known = offices([UNIT], [own], today=TODAY)
    assert known.unit_of(known_as("000.00.99.H56-261102-0001")) == "14758"
    named = fact("about", {"unit_name": "phường hàm rồng", "agency": "H56.01"})
    assert known.unit_of(known_as("X-1", named)) == "14758"
    assert known.unit_of(known_as("000.00.98.H56-261102-0001")) == "H56.98"
    assert known.unit_of(known_as("X-1")) == "unknown"
    assert known.calendar_of("14758") is not known.province
    assert known.calendar_of("H56.98") is known.province


def test_who_tells_of_the_whole_province_is_not_the_unit_of_what_it_tells() -> None:
    of_portal = fact("about", {"unit_name": "nơi không ai biết", "agency": "H56"}, mirror=True)
    province = {"code": "H56", "name": "UBND tỉnh", "aliases": [], "active": True}
    known = offices([UNIT, province], [], today=TODAY)
    assert known.unit_of(known_as("000.00.99.H56-261102-0001", of_portal)) == "14758"


def test_a_member_left_empty_later_says_nothing() -> None:
    first = fact("about", {"unit_name": "phường hàm rồng", "agency": "", "channel": "online"})
    later = fact("about", {"unit_name": "", "agency": "H56.01"}, as_of="2026-11-03T09:10:00+07:00")
    assert offices([UNIT], [], today=TODAY).unit_of(known_as("X-1", first, later)) == "14758"
    at_night = "2026-11-02T21:10:00+07:00"
    assert flags(first, later, fact("accepted", at_night), DUE) == []
    assert flags(later, fact("accepted", at_night), DUE) == ["received_outside_hours"]


def test_a_word_of_one_source_means_a_unit_to_it_alone() -> None:
    desk = {"word": "Bộ phận Một cửa", "source": "motcua-1", "valid_from": None, "valid_until": None}
    known = offices([{**UNIT, "limited_aliases": [desk]}], [], today=TODAY)
    about = fact("about", {"unit_name": "Bộ phận một cửa", "agency": ""})
    assert known.unit_of(known_as("X-1", about)) == "14758"
    assert known.unit_of(known_as("X-1", {**about, "source": "motcua-2"})) == "unknown"


def test_a_merger_that_is_announced_counts_from_its_day_on() -> None:
    old = {**UNIT, "valid_until": "2026-12-31", "successors": ["14759"]}
    new = {"code": "14759", "name": "Phường Nam Ngạn", "aliases": [], "active": True, "valid_from": "2027-01-01"}
    own = {"name": "c", "given": {"inherits": "thanh-hoa"}, "units": ["14758"], "revision": 1}
    dossier = known_as("000.00.99.H56-261102-0001")
    code = code_of(dossier.key)
    assert code
    before, after = (offices([old, new], [own], today=day) for day in (date(2026, 12, 31), date(2027, 1, 1)))
    assert (before.unit_of(dossier), before.unit_of_agency(code)) == ("14758", "14758")
    assert before.calendar_of("14758") is not before.province
    assert (after.unit_of(dossier), after.unit_of_agency(code)) == ("14759", "14759")
    assert after.calendar_of("14759") is not after.province
