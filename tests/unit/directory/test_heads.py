"""Who heads a unit on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.events import UnitDescribed
from shared.heads import in_charge
from tests.unit.notify.given import unit


def holding(
    person: str | None, kind: str = "holder", since: str | None = None, until: str | None = None, **more: Any
) -> Any:
    given = {"post": "chu-tich", "role": "head", "title": "Chủ tịch", "person": person, "kind": kind}
    return {**given, "email": f"{person}@example.vn", "valid_from": since, "valid_until": until, **more}


def headed(*posts: Any) -> UnitDescribed:
    return unit("14758", name="Phường Hàm Rồng", email="phuong@example.vn", posts=posts)


def on(day: str, *posts: Any) -> tuple[str | None, str] | None:
    found = in_charge(headed(*posts), on=date.fromisoformat(day))
    return (found.person, found.why) if found else None


A_UNTIL_MAY = holding("a", until="2026-05-31")
B_FROM_JUNE = holding("b", since="2026-06-01")
DEPUTY = holding("d", post="pho-1", role="deputy", title="Phó Chủ tịch")
SECOND = holding("e", post="pho-2", role="deputy", title="Phó Chủ tịch")
AWAY = holding("b", "absent", "2026-07-06", "2026-07-10")
DEPUTY_AWAY = holding("d", "absent", post="pho-1", role="deputy")


@pytest.mark.parametrize(
    ("day", "posts", "expected"),
    [
        ("2026-05-31", [A_UNTIL_MAY, B_FROM_JUNE], ("a", "head")),
        ("2026-06-01", [A_UNTIL_MAY, B_FROM_JUNE], ("b", "head")),
        ("2026-06-01", [A_UNTIL_MAY, holding("c", "acting", "2026-06-01", "2026-08-31")], ("c", "acting")),
        ("2026-09-01", [A_UNTIL_MAY, holding("c", "acting", "2026-06-01", "2026-08-31"), DEPUTY], None),
        ("2026-07-05", [B_FROM_JUNE, AWAY, DEPUTY], ("b", "head")),
        ("2026-07-06", [B_FROM_JUNE, AWAY, DEPUTY, SECOND], ("d", "deputy")),
        ("2026-07-10", [B_FROM_JUNE, AWAY, DEPUTY_AWAY, DEPUTY, SECOND], ("e", "deputy")),
        ("2026-07-11", [B_FROM_JUNE, AWAY, DEPUTY], ("b", "head")),
        ("2026-07-06", [B_FROM_JUNE, AWAY], None),
        ("2026-07-06", [holding("b", until="2026-07-05"), AWAY, DEPUTY], ("d", "deputy")),  # a row for each span
        ("2026-07-06", [B_FROM_JUNE, holding("e", "stand_in", "2026-07-06", "2026-07-10"), DEPUTY], ("e", "stand_in")),
        ("2026-07-06", [holding(None), DEPUTY], None),
        ("2026-07-06", [DEPUTY], None),
        ("2026-07-06", [], (None, "unit")),
    ],
)  # fmt: skip
def test_who_heads_a_unit(day: str, posts: list[Any], expected: tuple[str | None, str] | None) -> None:
    assert on(day, *posts) == expected


def test_without_posts_the_unit_speaks_for_its_head_and_with_them_for_a_head_without_an_address() -> None:
    bare = in_charge(headed(), on=date(2026, 7, 6))
    assert bare
    assert (bare.title, bare.email) == ("Giám đốc", "phuong@example.vn")
    mute = in_charge(headed(holding("a", email=None)), on=date(2026, 7, 6))
    assert mute
    assert (mute.title, mute.email) == ("Chủ tịch", "phuong@example.vn")


def test_a_person_is_the_same_where_one_row_has_the_id_and_the_other_the_name_alone() -> None:
    away = holding(None, "absent", "2026-07-06", "2026-07-10", name="Trần B")
    present = holding("b", name="Trần B")
    assert on("2026-07-05", present, away, DEPUTY) == ("b", "head")
    assert on("2026-07-06", present, away, DEPUTY) == ("d", "deputy")
    other = holding("c", "absent", "2026-07-06", "2026-07-10", name="Trần B")  # a namesake
    assert on("2026-07-06", present, other, DEPUTY) == ("b", "head")
    nameless = holding("b"), holding(None, "absent", "2026-07-06", name="Lê C"), DEPUTY
    assert on("2026-07-06", *nameless) == ("b", "head")
