"""What a snapshot asserts beyond dates: how it was handed in and its case, only where said, so that older ids stay."""

from __future__ import annotations

from typing import Any

from services.intake.national import SNAPSHOT
from shared.events import Fact
from tests.unit.deadline import saying
from tests.unit.deadline.saying import Message, snapshot


def asserted(**fields: Any) -> dict[str, Fact]:
    given = {"NgayTiepNhan": "20261102091000", "MaTTHC": "1.004746", "DonViXuLy": "UBND xã Mường Lát", **fields}
    return {fact["slot"]: fact for fact in saying.facts(snapshot("2026-11-02T09:12:00", **given))[1]}


def supplement(**more: Any) -> Fact:
    return asserted(DanhSachHoSoBoSung=[{"NgayBoSung": "20261102091000", **more}])["supplement.1"]


def test_channel_and_case_are_told_with_what_a_dossier_is_about() -> None:
    about = asserted(KenhThucHien="2", MaTruongHop=" TH-01 ")["about"]["value"]
    assert (about["channel"], about["case"]) == ("online", "TH-01")


def test_a_case_alone_is_something_said() -> None:
    [about] = saying.facts(Message(SNAPSHOT, {"MaTruongHop": "TH-01"}, "2026-11-02T09:12:00+07:00", agency=""))[1]
    assert about["value"]["case"] == "TH-01"


def test_a_snapshot_that_does_not_say_them_makes_the_fact_it_always_made() -> None:
    empty = asserted(KenhThucHien="", MaTruongHop="")["about"]
    assert empty == asserted(KenhThucHien="9")["about"] == asserted()["about"]
    assert (set(empty["value"]), empty["id"]) == (
        {"procedure", "field", "unit_name", "agency"},
        "a1979ab546f2c174c7a42039",
    )
    assert asserted(KenhThucHien="1")["about"]["id"] != empty["id"]


def test_a_term_is_told_with_its_supplement_only_where_given() -> None:
    assert supplement(ThoiHanBoSung="10")["value"]["term_days"] == 10
    silent = supplement(ThoiHanBoSung="")
    assert (set(silent["value"]), silent["id"]) == ({"requested", "received"}, "41e758b1d49b320507fa01ae")
