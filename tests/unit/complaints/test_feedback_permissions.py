"""Who may do what: every role with every action on every kind of matter, written out; the accused may nothing."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from services.complaints.permissions import ACTIONS, ROLES, About, Action, Actor, Role, may
from services.complaints.rules.units import Offices
from shared.events import Holding, UnitDescribed

HANDLING = {"read", "accept", "not_ours", "ask", "extend", "answer", "publish", "refuse"}
SORTING = {"read", "decide", "refuse", "transfer", "join", "ask", "publish"}
NOTHING: set[str] = set()
# role, restricted, given to the own unit -> what it may do
MATRIX: dict[tuple[Role, bool, bool], set[str]] = {
    ("operator", False, False): HANDLING | SORTING,
    ("operator", False, True): HANDLING | SORTING,
    ("operator", True, False): NOTHING,
    ("operator", True, True): NOTHING,
    ("sorter", False, False): SORTING,
    ("sorter", False, True): SORTING,
    ("sorter", True, False): NOTHING,
    ("sorter", True, True): NOTHING,
    ("handler", False, False): NOTHING,
    ("handler", False, True): HANDLING,
    ("handler", True, False): NOTHING,
    ("handler", True, True): NOTHING,
    ("inspector", False, False): NOTHING,
    ("inspector", False, True): NOTHING,
    ("inspector", True, False): HANDLING | SORTING,
    ("inspector", True, True): HANDLING | SORTING,
    ("confidant", False, False): NOTHING,
    ("confidant", False, True): NOTHING,
    ("confidant", True, False): NOTHING,
    ("confidant", True, True): HANDLING,
    ("identity_reader", False, False): NOTHING,
    ("identity_reader", False, True): NOTHING,
    ("identity_reader", True, False): NOTHING,
    ("identity_reader", True, True): NOTHING,
    ("auditor", False, False): NOTHING,
    ("auditor", False, True): NOTHING,
    ("auditor", True, False): NOTHING,
    ("auditor", True, True): NOTHING,
}


def actor(*roles: Role, unit: str | None = "U", person: str | None = "p1") -> Actor:
    return Actor("o1", unit, person, frozenset(roles))


def about(restricted: bool, own: bool, *, not_to: frozenset[str] = frozenset()) -> About:
    return About(restricted, "U" if own else "V", not_to)


def test_the_matrix_names_every_role() -> None:
    assert set(MATRIX) == set(itertools.product(ROLES, (False, True), (False, True)))


@pytest.mark.parametrize(("role", "restricted", "own"), list(MATRIX))
@pytest.mark.parametrize("action", ACTIONS)
def test_each_role_may_what_the_matrix_says(role: Role, restricted: bool, own: bool, action: Action) -> None:
    assert may(actor(role), action, about(restricted, own)) == (action in MATRIX[role, restricted, own])


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("named", ["U", "p1"])
def test_whom_it_is_about_may_nothing_whatever_the_roles(action: Action, named: str) -> None:
    every = actor(*ROLES)
    for restricted, own in itertools.product((False, True), (False, True)):
        assert may(every, action, about(restricted, own))
        assert not may(every, action, about(restricted, own, not_to=frozenset((named,))))


@pytest.mark.parametrize(("role", "restricted"), [("handler", False), ("confidant", True)])
def test_the_sole_heir_of_a_unit_has_its_matters_and_who_is_one_of_several_has_not(
    role: Role, restricted: bool
) -> None:
    heir = Actor("o1", "N", "p1", frozenset((role,)), heir_of=frozenset("U"), former=frozenset("UW"))
    assert {action for action in ACTIONS if may(heir, action, about(restricted, own=True))} == HANDLING
    assert not may(heir, "read", About(restricted, "W", frozenset()))


@pytest.mark.parametrize("action", ACTIONS)
def test_who_came_in_place_of_the_accused_unit_may_nothing(action: Action) -> None:
    heir = Actor("o1", "N", "p1", frozenset(ROLES), heir_of=frozenset("U"), former=frozenset("UW"))
    for accused in ("U", "W"):
        assert not may(heir, action, about(False, own=True, not_to=frozenset((accused,))))


def test_over_an_officer_is_who_heads_or_deputises_in_the_unit_and_above_it_on_the_day() -> None:
    def described(code: str, above: str | None, **posts: str) -> UnitDescribed:
        held = tuple(Holding(post=role, role=role, title=role, person=person) for role, person in posts.items())
        return UnitDescribed(
            code=code, revision=1, name=code, kind="so", parent_code=above, head_title="", head_name=None, email=None,
            phone=None, aliases=(), active=True, posts=held,
        )  # fmt: skip

    units = Offices(
        (described("H", None, head="chair"), described("U", "H", head="boss", deputy="second", officer="x"))
    )
    assert units.over("U", on=date(2026, 11, 26)) == {"H", "chair", "boss", "second"}


def test_an_identity_is_read_by_who_has_the_role_and_sees_the_matter() -> None:
    assert not may(actor("sorter"), "read_identity", about(False, False))
    assert may(actor("sorter", "identity_reader"), "read_identity", about(False, False))
    assert not may(actor("sorter", "identity_reader"), "read_identity", about(True, False))
    assert may(actor("inspector", "identity_reader"), "read_identity", about(True, False))


def test_who_belongs_to_no_unit_is_the_staff_of_none() -> None:
    nobody = About(False, None, frozenset())
    assert not may(actor("handler", unit=None), "read", nobody)
