"""Who is told as a unit's officer, and where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from services.notify.addressing.directory import Directory, directory
from shared.events import Holding
from tests.unit.notify.given import unit


def holding(role: str, email: str | None, **changes: Any) -> Holding:
    given = {"post": f"P-{role}", "role": role, "title": role, "person": email or role, "name": role, "email": email}
    return Holding.model_validate({**given, **changes})


HEAD = holding("head", "head@example.vn")
OFFICER = holding("officer", "officer@example.vn")
DEPUTY = holding("deputy", "deputy@example.vn")
AWAY = holding("officer", None, person="officer@example.vn", kind="absent")


def of(*posts: Holding) -> Directory:
    units = [unit("TH-SNV"), unit("H56.12", posts=posts, phone="0900 000 001")]
    return directory(units, province="H56", oversight="TH-SNV", on="2026-11-23")


@pytest.mark.parametrize(
    ("posts", "email"),
    [
        ((HEAD, OFFICER, DEPUTY), "officer@example.vn"),
        ((HEAD, DEPUTY), "deputy@example.vn"),
        ((HEAD, OFFICER, DEPUTY, AWAY), "deputy@example.vn"),
        ((HEAD, OFFICER, AWAY), "head@example.vn"),
        ((HEAD, OFFICER, AWAY.model_copy(update={"role": "one_stop_head"})), "head@example.vn"),  # the same person
        ((HEAD, holding("officer", None)), "head@example.vn"),
        ((HEAD, holding("officer", "old@example.vn", valid_until="2026-11-22")), "head@example.vn"),
        ((HEAD,), "head@example.vn"),
        ((), "h56.12@example.vn"),
    ],
)
def test_the_officer_is_told_else_a_deputy_else_the_head(posts: tuple[Holding, ...], email: str) -> None:
    units = of(*posts)
    post = units.addressed(unit="H56.12", unit_name=None, role="officer").post
    contact = units.contact(post)
    assert contact
    assert (contact.email, contact.name) == (email, "Đơn vị H56.12")
    assert units.addressed(unit="H56.12", unit_name=None, role="head").post == "H56.12"


def test_an_officer_has_a_post_beside_the_heads_and_the_units_number_is_the_heads_alone() -> None:
    units = of(HEAD, OFFICER)
    post = units.addressed(unit="H56.12", unit_name=None, role="officer").post
    assert post == "H56.12/officer"
    contact = units.contact(post)
    assert contact
    assert contact.phone is None


def test_the_oversight_can_be_named_by_a_ladder() -> None:
    assert of(HEAD).addressed(unit="H56.12", unit_name=None, role="oversight").post == "TH-SNV"
