"""What our own format says of a dossier's life, and what the portal's newer fields say, as facts."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake import statements
from services.intake.facts import RANKS
from shared.events import Fact
from tests.unit.deadline import saying
from tests.unit.deadline.saying import own, snapshot

T1, T2, T3 = (f"2026-11-0{day}T09:00:00+07:00" for day in (2, 3, 4))
HEARD = "2026-11-10T08:00:00"


def told(type: str, *, sent_at: str | None = None, **data: Any) -> list[tuple[str, Any, str, str]]:
    facts = saying.facts(own(type, HEARD, sent_at=sent_at, **data))[1]
    return [(fact["slot"], fact["value"], fact["at"], fact["as_of"]) for fact in facts]


def status(number: int) -> dict[str, Any]:
    return {"status": number, "ended": None, "refused": None}


def refusal(type: str, **data: Any) -> str:
    [refused] = statements.read(own(type, HEARD, **data).body()).refused
    return refused.detail


def test_a_filing_is_what_it_is_about_when_and_that_it_waits() -> None:
    about = {"procedure": "1.004746", "field": "", "unit_name": "H56.12", "agency": "H56.12", "channel": "online"}
    assert told("filed", filed_at=T1, procedure="1.004746.H56", unit="H56.12", channel="online", case="") == [
        ("about", about, T1, T1),
        ("filed", T1, T1, T1),
        ("standing", status(1), T1, T1),
    ]


def test_an_acceptance_gives_slip_and_due_date_and_its_correction_opens_nothing_that_ended_since() -> None:
    assert told("accepted", sent_at=T3, accepted_at=T1, due_on="2026-11-09", slip="0001") == [
        ("accepted", T1, T1, T3),
        ("standing", status(2), T1, T1),
        ("due", "2026-11-09T23:59:59+07:00", T3, T3),
        ("slip", "0001", T3, T3),
    ]


def test_a_due_date_is_known_since_it_was_announced_and_says_what_for() -> None:
    [fact] = saying.facts(own("due_date", HEARD, sent_at=T3, due_at=T3, announced_at=T1, because="correction"))[1]
    assert (fact["as_of"], fact["why"]) == (T1, "correction")
    [plain] = saying.facts(own("due_date", HEARD, sent_at=T3, due_at=T3, announced_at=T1))[1]
    assert ("why" in plain, plain["id"]) == (False, fact["id"])


def test_a_supplement_pauses_and_its_receipt_gives_the_new_date() -> None:
    assert told("supplement", number=2, requested_at=T1, received_at=T2, due_before=T2, due_after=T3, term_days=5) == [
        ("supplement.2", {"requested": T1, "received": T2, "term_days": 5}, T1, T2),
        ("standing", status(5), T1, T1),
        ("due", T2, T1, T1),
        ("due", T3, T2, T2),
    ]


def test_steps_transfers_results_and_what_was_done_over_the_net() -> None:
    step = {"unit": "Phòng A", "since": T1, "until": T2, "due": T3}
    assert told("step", number=1, unit="Phòng A", since=T1, until=T2, due_at=T3) == [("step.1", step, T1, T2)]
    moved = {"at": T1, "from": "", "to": "H56.13"}
    assert told("transfer", number=1, at=T1, unit_to="H56.13") == [("transfer.1", moved, T1, T1)]
    assert told("returned", returned_at=T2) == [("returned", T2, T2, T2), ("standing", status(10), T2, T2)]
    digital = {"digitised": True, "portal": "national"}
    assert told("digital", sent_at=T1, digitised=True, portal="national", paid_online=None) == [
        ("digital", digital, T1, T1)
    ]
    assert told("digital") == []


@pytest.mark.parametrize(("end", "number"), [("completed", 9), ("refused", 3), ("withdrawn", 7), ("stopped", 8)])
def test_an_end_is_as_new_as_what_says_it(end: str, number: int) -> None:
    refused = T1 if end == "refused" else None
    value = {"status": number, "ended": T1, "refused": refused}
    assert told("ended", sent_at=T2, ended_at=T1, end=end) == [("standing", value, T1, T2)]
    assert RANKS[number] >= 5


@pytest.mark.parametrize(
    ("type", "data", "place"),
    [
        ("filed", {}, "data.filed_at"),
        ("filed", {"filed_at": T1, "channel": "pigeon"}, "data.channel"),
        ("accepted", {"accepted_at": T1, "due_at": T2, "due_on": "2026-11-09"}, "data"),
        ("accepted", {"accepted_at": T1, "slip": "x" * 101}, "data.slip"),
        ("due_date", {"announced_at": T1}, "data"),
        ("due_date", {"due_at": T1, "because": "weather"}, "data.because"),
        ("supplement", {"number": 1, "requested_at": T2, "received_at": T1}, "data"),
        ("supplement", {"number": 0, "requested_at": T2}, "data.number"),
        ("step", {"number": 1, "since": T2, "until": T1}, "data"),
        ("transfer", {"number": 1, "at": T1, "unit_to": ""}, "data.unit_to"),
        ("ended", {"ended_at": T1, "end": "lost"}, "data.end"),
        ("returned", {"returned_at": ""}, "data.returned_at"),
        ("digital", {"digitised": "yes"}, "data.digitised"),
        ("same_as", {"code": ""}, "data.code"),
    ],
)
def test_what_cannot_be_is_refused_by_the_member_at_fault(type: str, data: dict[str, Any], place: str) -> None:
    assert refusal(type, **data).split(":")[0] == place


def test_a_dossier_is_not_another_code_of_itself() -> None:
    assert "`code` is the subject itself" in refusal("same_as", code=saying.CODE.lower())


def of_portal(**fields: Any) -> dict[str, Fact]:
    facts = saying.facts(snapshot(HEARD, NgayTiepNhan="20261102090000", **fields))[1]
    return {fact["slot"]: fact for fact in facts}


def test_the_portals_newer_fields_are_facts_of_their_own_only_where_they_are_filled() -> None:
    more = {"SoBienNhan": " 12/BN ", "NgayTra": "", "HoSoCoThanhPhanSoHoa": "0", "DuocThanhToanTrucTuyen": "2"}
    made = of_portal(**more, NoiNopHoSo="1", KenhThucHien="3")
    assert made["slip"]["value"] == "12/BN"
    assert made["digital"]["value"] == {"digitised": False, "paid_online": True, "portal": "national"}
    assert of_portal(NgayTra="20261103090000")["returned"]["value"] == T2
    plain = of_portal(SoBienNhan="", HoSoCoThanhPhanSoHoa="", DuocThanhToanTrucTuyen="9", NoiNopHoSo=None)
    assert set(plain) == {"about", "accepted"}


def test_a_slip_that_is_none_costs_no_dossier() -> None:
    slip: object
    for slip in ("x" * 101, "a\u0007b", [{}], {"no": 1}):
        assert "slip" not in of_portal(SoBienNhan=slip)


def test_ids_of_facts_told_before_are_what_they_were() -> None:
    """What was read beside them since the first release must not change them: history sent again is no news."""
    made = of_portal(
        SoBienNhan="12", HoSoCoThanhPhanSoHoa="1", NoiNopHoSo="1", TrangThaiHoSo="2", NgayHenTra="20261109090000"
    )
    assert {slot: fact["id"] for slot, fact in made.items() if slot not in ("slip", "digital")} == {
        "about": "316d06b8498d084f7ec72a2e",
        "accepted": "b7e099ec9bb8b4ea853ad898",
        "standing": "dd551a2e392ef87d5a38183c",
        "due": "6f1169071932ceccb9901eba",
    }
