"""Who must act on a feedback: the carried routes, what is never done, and what "not ours" leads to."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from services.complaints.rules import policy as policies
from services.complaints.rules import routes as route_files
from services.complaints.rules import tables
from services.complaints.rules.accused import Matter
from services.complaints.rules.policy import FeedbackPolicy
from services.complaints.rules.routes import Routes
from services.complaints.rules.routing import Route, next_after_not_ours, route

HERE = Path(__file__).parent
ON = date(2026, 11, 26)
UNITS = tables.units(None, HERE / "posts.csv")
POLICY = policies.load().on(ON)
ROUTES = route_files.load()
TABLE = tables.read([str(HERE / "routes.csv")], UNITS, on=ON)
LAND = Matter(kind="reflection", on=ON, field="land", unit="14797", dossier_unit="TH-VPDKDD", place_unit="14845")


def routed(matter: Matter, *, routes: Routes = ROUTES, policy: FeedbackPolicy = POLICY) -> Route:
    return route(matter, policy, routes=routes, units=UNITS)


def refused(*units: str, matter: Matter = LAND, policy: FeedbackPolicy = POLICY) -> Route:
    return next_after_not_ours(units, matter, policy, routes=ROUTES, units=UNITS)


def written(*rules: str) -> Routes:
    return route_files.read("version: x\nroutes:\n" + "\n".join(f"- {rule}" for rule in rules)).routes


@pytest.mark.parametrize("given", TABLE, ids=[given.about for given in TABLE])
def test_each_example_of_the_table_goes_where_it_says(given: tables.Given) -> None:
    found = routed(given.matter)
    assert (found.unit, bool(found.why)) == (given.expected, True)


def test_each_route_of_the_file_is_taken_by_some_example() -> None:
    taken = {routed(given.matter).rule for given in TABLE}
    assert {rule.id for rule in ROUTES.routes} - taken <= {
        "complaint-dossier", "recommendation-dossier", "place",
    }  # fmt: skip


def test_the_table_says_what_it_shows() -> None:
    with (HERE / "routes.csv").open(encoding="utf-8") as lines:
        assert all(row["about"] and row["expected"] for row in csv.DictReader(lines))


@pytest.mark.parametrize("to", ["named_unit", "dossier_unit", "department_of_field", "commune_of_place", "14797"])
def test_no_route_of_a_file_gives_a_denunciation_to_the_denounced(to: str) -> None:
    matter = Matter(kind="denunciation", on=ON, unit="14797", dossier_unit="14797", field="land", place_unit="14797")
    assert routed(matter, routes=written(f"{{id: bad, to: {to!r}}}")).unit == "H56"


def test_a_file_may_name_who_prepares_denunciations_unless_that_is_the_denounced() -> None:
    routes = written("{id: inspectorate, when: {kind: denunciation}, to: TH-TTT}")
    assert routed(Matter(kind="denunciation", on=ON, unit="14797"), routes=routes).unit == "TH-TTT"
    assert routed(Matter(kind="denunciation", on=ON, unit="TH-TTT"), routes=routes).unit == "H56"


def test_what_accuses_a_head_is_kept_from_all_units_that_they_head() -> None:
    found = routed(Matter(kind="denunciation", on=ON, unit="TH-VPUBND"))
    assert found.unit == "H56"
    assert {"TH-VPUBND", "TH-TTPVHCC"} <= set(found.bypassed)
    assert "p-trung-tam" in found.not_to


def test_the_staff_of_a_unit_are_their_own_heads_where_the_policy_says_so() -> None:
    policy = POLICY.model_copy(update={"staff_accused": "own_head"})
    officer = Matter(kind="denunciation", on=ON, accused_persons=("p-dia-chinh",))
    assert routed(officer).unit == "H56"
    assert routed(officer, policy=policy).unit == "14797"
    both = Matter(kind="denunciation", on=ON, accused_persons=("p-dia-chinh", "p-hac-thanh"))
    assert routed(both, policy=policy).unit == "H56"


def test_the_why_of_a_denunciation_names_nobody() -> None:
    found = routed(Matter(kind="denunciation", on=ON, unit="14797", accused_persons=("p-hac-thanh",)))
    assert not any(word in found.why for word in ("14797", "Hạc Thành", "p-hac-thanh"))


def test_a_complaint_about_who_is_accused_goes_to_their_superior() -> None:
    matter = Matter(kind="complaint", on=ON, unit="14797", accused_persons=("p-hac-thanh",))
    assert routed(matter).unit == "H56"


def test_a_rule_holds_from_its_day_until_its_last() -> None:
    routes = written(
        "{id: dated, valid_from: 2026-12-01, valid_until: 2026-12-31, to: TH-SNV}", "{id: rest, to: centre}"
    )
    for day, unit in ((30, "TH-TTPVHCC"), (1, "TH-SNV"), (31, "TH-SNV")):
        on = date(2026, 11 if day == 30 else 12, day)
        assert routed(Matter(kind="reflection", on=on), routes=routes).unit == unit


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ("place: Phường Hạc Thành", True),
        ("place: Xã Mường Lát", False),
        ("named_unit: D380", True),  # its successors are meant
        ("unit_kind: [xa, phuong]", True),
        ("unit_kind: so", False),
        ("procedure: '1.0127'", True),
        ("procedure: '1.012754'", False),
        ("category: [late, attitude]", True),
        ("category: attitude", False),
        ("field: land, dossier_unit: TH-VPDKDD", True),
        ("field: land, dossier_unit: TH-SNNMT", False),
        ("accuses: true", False),
        ("accuses: false", True),
        ("instance: 2", False),
    ],
)
def test_a_rule_is_for_what_all_its_conditions_hold_of(when: str, fits: bool) -> None:
    matter = Matter(
        kind="reflection", on=ON, field="land", categories=("late",), unit="14797", dossier_unit="TH-VPDKDD",
        procedure="1.012753.H56", place_unit="14797-HCC",
    )  # fmt: skip
    routes = written(f"{{id: tried, when: {{{when}}}, to: TH-SNV}}", "{id: rest, to: centre}")
    assert (routed(matter, routes=routes).rule == "tried") is fits


def test_not_ours_goes_by_another_route_twice_and_then_rises() -> None:
    assert routed(LAND).unit == "TH-VPDKDD"
    assert refused("TH-VPDKDD").unit == "14797"
    assert refused("TH-VPDKDD", "14797").unit == "14845"
    assert refused("TH-VPDKDD", "14797", "14845").unit == "TH-VPUBND"  # above a commune, for the province
    assert refused("TH-VPDKDD", "14797", "14845", "TH-VPUBND").unit == "H56"


def test_how_often_it_moves_on_is_the_policy_s() -> None:
    policy = POLICY.model_copy(update={"moves": 0})
    assert refused("TH-VPDKDD", policy=policy).unit == "TH-SNNMT"


def test_a_complaint_against_a_settlement_never_goes_to_who_made_it() -> None:
    matter = Matter(kind="complaint", on=ON, unit="TH-VPDKDD", dossier_unit="TH-VPDKDD", instance=2)
    assert routed(matter).unit == "TH-SNNMT"
    assert refused("TH-SNNMT", matter=matter).unit == "H56"
    first = Matter(kind="complaint", on=ON, unit="TH-VPDKDD", dossier_unit="14797")
    assert (routed(first).unit, refused("TH-VPDKDD", matter=first).unit) == ("TH-VPDKDD", "14797")


def test_not_ours_of_a_denunciation_only_rises() -> None:
    matter = Matter(kind="denunciation", on=ON, accused_persons=("p-vpdkdd",), dossier_unit="14797")
    assert routed(matter).unit == "TH-SNNMT"
    assert refused("TH-SNNMT", matter=matter).unit == "H56"
    assert refused("TH-SNNMT", "H56", matter=matter).unit == "TH-TTT"


def test_nobody_is_left_at_last_but_the_operator() -> None:
    everybody = ["TH-VPDKDD", "14797", "14845", "TH-VPUBND", "H56", "TH-SNV", "TH-TTT", "TH-TTPVHCC"]
    last = refused(*everybody)
    assert last.unit is None
    assert "người quản trị" in last.why
