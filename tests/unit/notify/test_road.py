"""Who is next when a notice did not arrive."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.notify.addressing.directory import Directory, directory
from services.notify.receipts import road
from services.notify.receipts.road import Address, Way
from shared.events import Holding, UnitDescribed

ON = date(2026, 11, 23)


def holding(person: str, role: str = "head", **changes: Any) -> Holding:
    given = {"post": f"{role}/{person}", "role": role, "title": role, "person": person, "email": f"{person}@example.vn"}
    return Holding.model_validate({**given, **changes})


def unit(code: str, *posts: Holding, **changes: Any) -> UnitDescribed:
    given = {
        "code": code, "revision": 1, "name": code, "kind": "so", "parent_code": "P", "head_title": "Giám đốc",
        "head_name": None, "email": None, "phone": None, "aliases": (), "active": True, "posts": posts,
    }  # fmt: skip
    return UnitDescribed.model_validate({**given, **changes})


def known(*units: UnitDescribed) -> Directory:
    above = unit("SNV", holding("overseer"), head_title="Giám đốc Sở Nội vụ")
    return directory([*units, above], province="P", oversight="SNV", on=ON.isoformat())


def who(units: Directory, post: str) -> list[str | None]:
    return [person.charge.person for person in road.persons(units, post, on=ON)]


def test_who_stands_in_is_next_then_the_head_above_once() -> None:
    staffed = unit("A", holding("head"), holding("first", "deputy"), holding("second", "deputy"))
    assert who(known(staffed), "A") == ["head", "first", "second", "overseer"]


def test_of_an_absent_head_the_one_in_charge_is_first() -> None:
    away = holding("head", kind="absent", post="head/head", email=None)
    acting = holding("acting", kind="acting")
    assert who(known(unit("A", holding("head"), away, acting, holding("first", "deputy"))), "A") == [
        "acting", "first", "overseer",
    ]  # fmt: skip


def test_above_an_officer_is_the_head_of_the_unit() -> None:
    staffed = unit("A", holding("head"), holding("worker", "officer"), parent_code="B")
    units = known(staffed, unit("B", holding("superior")))
    assert who(units, "A/officer") == ["worker", "head"]


def test_a_unit_without_posts_has_its_head_alone() -> None:
    assert who(known(unit("A", email="a@example.vn")), "A") == [None, "overseer"]


def test_above_the_oversight_there_is_nobody() -> None:
    assert who(known(), "SNV") == ["overseer"]


def test_a_unit_that_the_directory_does_not_know_has_the_head_above_alone() -> None:
    assert who(known(), "elsewhere") == ["overseer"]


def test_matters_of_several_units_of_one_head_go_to_that_head_alone_and_of_one_unit_to_its_deputies() -> None:
    one = unit("A", holding("head"), holding("first", "deputy"))
    units = known(one, unit("B", holding("head"), holding("other", "deputy"), parent_code="S"), unit("S", holding("s")))

    def told(*own: str, restricted: frozenset[str] = frozenset()) -> list[str | None]:
        found = road.persons(units, "A", on=ON, restricted=restricted, own_posts=frozenset(own))
        return [person.charge.person for person in found]

    assert told("A", "B") == ["head"]
    assert told("B") == ["head", "other", "s"]
    assert told("A") == ["head", "first", "overseer"]
    assert told("A", "B", restricted=frozenset({"head"})) == []


def way(units: Directory, *, tried: set[Address], dead: set[Address] = frozenset(), sms: bool = True) -> Way | None:  # type: ignore[assignment]
    return road.next_way(road.persons(units, "A", on=ON), tried=tried, dead=dead, sms=sms)


HEADS: Address = ("email", "head@example.vn")
PHONE: Address = ("sms", "84900000123")
STAFFED = unit("A", holding("head", phone="0900 000 123"), holding("first", "deputy"))


def test_the_other_channel_goes_before_the_next_person() -> None:
    found = way(known(STAFFED), tried={HEADS})
    assert found
    assert (found.channel, found.address, found.why) == ("sms", "84900000123", "other_channel")
    found = way(known(STAFFED), tried={PHONE})
    assert found
    assert (found.channel, found.address, found.why) == ("email", "head@example.vn", "other_channel")


def test_a_dead_number_and_one_without_a_gateway_are_passed_over() -> None:
    for found in (
        way(known(STAFFED), tried={HEADS}, dead={PHONE}),
        way(known(STAFFED), tried={HEADS}, sms=False),
        way(known(STAFFED), tried={HEADS, PHONE}),
    ):
        assert found
        assert (found.address, found.why, found.person.is_superior) == ("first@example.vn", "next_person", False)


def test_a_deputy_without_an_address_of_their_own_is_not_reached_at_the_heads() -> None:
    shared = unit("A", holding("head"), holding("first", "deputy", email=None))
    found = way(known(shared), tried={HEADS})
    assert found
    assert found.person.is_superior


def test_where_every_way_was_tried_only_the_operator_is_left() -> None:
    everybody: set[Address] = {HEADS, PHONE, ("email", "first@example.vn"), ("email", "overseer@example.vn")}
    assert way(known(STAFFED), tried=everybody) is None


def test_a_notice_is_hopeful_until_something_says_that_it_was_lost() -> None:
    for status, receipt, hopeful in (
        ("stored", "", True), ("sent", "", True), ("sent", "pending", True), ("sent", "unknown", True),
        ("sent", "delivered", True), ("failed", "delivered", True), ("sent", "failed", False),
        ("sent", "expired", False),
        ("failed", "", False), ("withheld", "", False), ("recorded", "", False),
    ):  # fmt: skip
        assert road.is_hopeful(status=status, receipt=receipt) is hopeful, (status, receipt)  # type: ignore[arg-type]
