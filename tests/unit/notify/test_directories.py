"""Whatever the directory looks like, looking up whom to tell ends, with a person or with a case for the operator."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.addressing.desks import OFFICER
from services.notify.addressing.directory import NOBODY, Directory, Fault, directory
from services.notify.policies.policy import Role
from shared.events import Holding
from tests.unit.notify.given import unit

CODES = ("P", "O", "A", "B", "C", "D")  # province, oversight, others; above and successor may be anything, even itself
PERSONS = ("p1", "p2", "p3")


@st.composite
def posts(draw: st.DrawFn) -> tuple[Holding, ...]:
    def one(person: str | None) -> Holding:
        return Holding(
            post="gd",
            role=draw(st.sampled_from(["head", "deputy"])),
            title="Giám đốc",
            person=person,
            email=draw(st.sampled_from([None, "x@example.vn"])),
            kind=draw(st.sampled_from(["holder", "acting", "stand_in", "absent"])),
        )

    return tuple(one(person) for person in draw(st.lists(st.sampled_from([None, *PERSONS]), max_size=3)))


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    def described(code: str) -> Any:
        return unit(
            code,
            parent_code=draw(st.sampled_from([None, "gone", *CODES])),
            email=draw(st.sampled_from([None, f"{code.lower()}@example.vn"])),
            active=draw(st.booleans()),
            successors=tuple(draw(st.lists(st.sampled_from([*CODES, "gone"]), max_size=2))),
            valid_until=draw(st.sampled_from([None, date(2026, 6, 30)])),
            posts=draw(posts()),
        )

    there = draw(st.sets(st.sampled_from(CODES)))
    return directory([described(code) for code in sorted(there)], province="P", oversight="O", on="2026-11-23")


@given(
    units=directories(),
    code=st.sampled_from([None, "nowhere", *CODES]),
    role=st.sampled_from(["head", "superior", "receiving"]),
    restricted=st.frozensets(st.sampled_from([*PERSONS, *CODES]), max_size=2),
)
def test_the_way_up_ends_with_a_person_who_may_read_it_or_with_a_case(
    units: Directory, code: str | None, role: Role, restricted: frozenset[str]
) -> None:
    post, faults, own = units.addressed(unit=code, unit_name=None, role=role, restricted=restricted)
    contact = units.contact(post)
    if contact is None:
        assert post == NOBODY if restricted else Fault("no_contact", units.oversight) in faults
    else:
        assert contact.email
        assert contact.code == post == units.desk(own)
        assert not units.is_accused(units.units[own], restricted) if own in units.units else own == NOBODY
        assert not units.is_accused(units.units[contact.code], restricted)
    assert units.may_read(post, restricted)
    assert all(units.stands(fault) for fault in faults)


def test_a_ring_of_units_leads_to_the_oversight_and_is_named_once() -> None:
    ring = [unit("A", parent_code="B", email=None), unit("B", parent_code="A", email=None), unit("O")]
    units = directory(ring, province="P", oversight="O")
    post, faults, _ = units.addressed(unit="A", unit_name=None, role="head")
    assert (post, [fault.kind for fault in faults]) == ("O", ["no_contact", "no_contact", "loop"])


def test_a_unit_that_gave_way_to_another_is_no_fault_and_one_that_gave_way_to_none_is() -> None:
    old = {"active": False, "valid_until": date(2026, 6, 30)}
    given = [unit("A", successors=("B",), **old), unit("B"), unit("C", **old), unit("O")]
    units = directory(given, province="P", oversight="O", on="2026-11-23")
    assert units.way("A") == ("B", ())
    assert units.way("C") == ("O", (Fault("no_head", "C"),))


@pytest.mark.parametrize("restricted", [{"p1"}, {"p1", "elsewhere"}])
def test_neither_the_deputy_nor_who_stands_in_for_the_accused_is_told(restricted: set[str]) -> None:
    head = Holding(post="1", role="head", title="Giám đốc", person="p1", email="p1@example.vn")
    deputy = Holding(post="2", role="deputy", title="Phó Giám đốc", person="p2", email="p2@example.vn")
    away = head.model_copy(update={"kind": "absent"})
    units = directory([unit("A", posts=(head, deputy, away)), unit("O")], province="P", oversight="O")
    assert units.addressed(unit="A", unit_name=None, role="head").post == "A"
    assert units.addressed(unit="A", unit_name=None, role="head", restricted=restricted).post == "O"
    assert units.addressed(unit="A", unit_name=None, role="head", restricted={"p2"}).post == "O"


@given(units=directories())
def test_a_person_has_one_desk_the_smallest_of_what_that_person_heads(units: Directory) -> None:
    headed = {code: head for code, unit in units.units.items() if (head := units.head(unit)) and head.email}
    for code, head in headed.items():
        others = [of for of in headed if of != units.province and of.endswith(OFFICER) == code.endswith(OFFICER)]
        if code == units.province:
            assert units.desk(code) == code
        elif head.person:
            same = [of for of in others if headed[of].person == head.person]
            assert {units.desk(of) for of in same} == {units.desk(code)}
            assert units.desk(code) <= min(same)
            assert all(headed[of].person in (None, head.person) for of in units.at_desk(code))
        assert units.desk(units.desk(code)) == units.desk(code)
        assert units.desk(code) in units.at_desk(code)
    assert not set(units.desks) - set(headed), "who is not reached has no desk elsewhere"


def acting(code: str, person: str | None, email: str, **changes: Any) -> Any:
    return unit(
        code,
        posts=(Holding(post="ct", role="head", title="Chủ tịch", name="Mẫu", person=person, email=email, **changes),),
    )


def desk_of(*units: Any, code: str = "B") -> str:
    return directory([*units, unit("O")], province="P", oversight="O", on="2026-11-23").desk(code)


def test_a_person_is_known_by_the_id_and_without_one_by_the_address() -> None:
    assert desk_of(acting("A", "p1", "a@example.vn"), acting("B", "p1", "b@example.vn")) == "A"
    assert desk_of(acting("A", "p1", "a@example.vn"), acting("B", "p2", "a@example.vn")) == "B"
    assert desk_of(acting("A", None, "a@example.vn"), acting("B", None, "A@Example.vn")) == "A"
    assert desk_of(unit("A", email="a@example.vn"), unit("B", email="a@example.vn")) == "A"
    assert desk_of(unit("A", email="a@example.vn"), acting("B", "p1", "a@example.vn")) == "A"
    assert desk_of(acting("A", "p1", "a@example.vn"), acting("B", "p1", "a@example.vn", kind="absent")) == "B"


def test_a_desk_is_of_the_day_and_the_provinces_is_none() -> None:
    until = {"kind": "acting", "valid_until": date(2026, 11, 22)}
    assert desk_of(acting("A", "p1", "a@example.vn"), acting("B", "p1", "a@example.vn", **until)) == "B"
    assert desk_of(acting("P", "p1", "a@example.vn"), acting("Q", "p1", "a@example.vn"), code="Q") == "Q"


def test_officers_share_a_desk_among_themselves_alone() -> None:
    officer = Holding(post="cv", role="officer", title="Chuyên viên", person="p1", email="p1@example.vn")
    both = [unit(code, email="p1@example.vn", posts=(officer,)) for code in ("A", "B")]
    assert desk_of(*both, code="B/officer") == "A/officer"
    assert desk_of(*both, acting("C", "p1", "p1@example.vn"), code="C") == "C"


def test_who_heads_the_accuseds_unit_too_is_not_told_by_another_desk() -> None:
    given = [unit(code, email="a@example.vn") for code in ("A", "B")]
    units = directory([*given, unit("O")], province="P", oversight="O", on="2026-11-23")
    assert units.addressed(unit="B", unit_name=None, role="head") == ("A", (), "B")
    assert units.addressed(unit="B", unit_name=None, role="head", restricted={"A"}).post == "O"
