"""Whose head is told, and where mail reaches that head."""

import pytest

from services.notify.addressing.directory import Meant, directory
from services.notify.policies.policy import Role
from tests.unit.notify.given import at, obligation, unit

UNITS = directory(
    [
        unit("H56", parent_code=None),
        unit("TH-SNV", name="Sở Nội vụ"),
        unit("TH-SXD", name="Sở Xây dựng", aliases=("H56.13", "Sở XD")),
        unit("14758", name="Phường Hàm Rồng", email=None),
        unit("14758-HCC", name="Trung tâm Phục vụ hành chính công phường Hàm Rồng", parent_code="14758", email=None),
        unit("TH-CU", active=False, parent_code="TH-SXD"),
    ],
    province="H56",
    oversight="TH-SNV",
)


@pytest.mark.parametrize(
    ("unit_code", "unit_name", "role", "post"),
    [
        ("H56.13", None, "head", "TH-SXD"),
        ("000.00.13.H56", None, "head", "TH-SXD"),
        ("H56", "  sở xây  DỰNG ", "head", "TH-SXD"),
        ("H56.13", "một tên không ai biết", "head", "TH-SXD"),
        ("H56.13", None, "receiving", "TH-SXD"),
        ("H56.13", None, "superior", "TH-SNV"),
        ("H56", None, "head", "TH-SNV"),
        ("H56", None, "superior", "TH-SNV"),
        ("14758", None, "head", "TH-SNV"),
        ("14758-HCC", None, "superior", "TH-SNV"),
        ("TH-CU", None, "head", "TH-SXD"),
        ("H56.99", None, "head", "TH-SNV"),
        (None, None, "superior", "TH-SNV"),
    ],
)
def test_the_post_is_the_nearest_head_with_an_address(
    unit_code: str | None, unit_name: str | None, role: Role, post: str
) -> None:
    assert UNITS.addressed(unit=unit_code, unit_name=unit_name, role=role).post == post


def test_an_unknown_unit_is_not_taken_for_another() -> None:
    assert UNITS.resolve(unit="H56.99", unit_name="Sở") is None


def test_where_nobody_has_an_address_the_post_stays_with_the_unit_and_has_no_contact() -> None:
    mute = directory(
        [unit("H56", parent_code=None, email=None), unit("H56.12", email=None)], province="H56", oversight="TH-SNV"
    )
    assert mute.addressed(unit="H56.12", unit_name=None, role="head").post == "H56.12"
    assert mute.contact("H56.12") is None


def test_without_any_directory_everything_goes_to_the_oversight() -> None:
    empty = directory([], province="H56", oversight="TH-SNV")
    assert empty.addressed(unit="H56.12", unit_name=None, role="head").post == "TH-SNV"
    assert empty.contact("TH-SNV") is None


def test_a_directory_that_runs_in_a_circle_ends() -> None:
    circle = directory(
        [unit("A", parent_code="B", email=None), unit("B", parent_code="A", email=None)],
        province="H56",
        oversight="TH-SNV",
    )
    assert circle.contact("A") is None


def test_a_unit_whose_unit_above_is_not_in_the_directory_is_below_the_oversight() -> None:
    found = directory([unit("TH-SNV"), unit("X", parent_code="gone", email=None)], province="H56", oversight="TH-SNV")
    assert found.addressed(unit="X", unit_name=None, role="head").post == "TH-SNV"


LATE, EARLY = at("2026-11-23 08:00"), at("2026-11-20 16:00")
HELD = {"unit": "H56.13", "holder": "Phường Hàm Rồng", "holder_due_at": at("2026-11-20 09:00")}


def test_a_late_dossier_is_its_units_own_until_the_step_that_another_unit_holds_is_late_too() -> None:
    assert UNITS.meant(obligation(**HELD), parent_name=None, at=EARLY) == Meant("TH-SXD", "H56.13", None)
    joint = Meant("14758", None, "Phường Hàm Rồng", joint=True)
    assert UNITS.meant(obligation(**HELD), parent_name=None, at=LATE) == joint
    assert UNITS.meant(obligation(**{**HELD, "unit": None}), parent_name=None, at=LATE) == joint
    later = obligation(**{**HELD, "holder_due_at": at("2026-11-23 09:00")})
    assert not UNITS.meant(later, parent_name=None, at=LATE).joint


@pytest.mark.parametrize("holder", ["Phòng chuyên môn", "Sở XD"])
def test_a_holder_that_nobody_knows_or_that_is_the_unit_itself_changes_nothing(holder: str) -> None:
    of = obligation(**{**HELD, "holder": holder})
    assert UNITS.meant(of, parent_name=None, at=LATE) == Meant("TH-SXD", "H56.13", None)


def test_a_step_in_a_room_nobody_knows_is_of_the_dossiers_unit_not_of_the_one_above_it() -> None:
    room = obligation(kind="step", unit="H56.13", unit_name="Phòng chuyên môn")
    assert UNITS.meant(room, parent_name="Phường Hàm Rồng", at=LATE).code == "14758"
    assert UNITS.meant(room, parent_name=None, at=LATE).code == "TH-SXD"
    elsewhere = room.model_copy(update={"unit_name": "Sở Nội vụ"})
    assert UNITS.meant(elsewhere, parent_name="Phường Hàm Rồng", at=LATE).code == "TH-SNV"
    pause = room.model_copy(update={"kind": "pause"})
    assert UNITS.meant(pause, parent_name="Phường Hàm Rồng", at=LATE).code == "TH-SXD"
