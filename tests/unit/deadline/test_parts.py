"""Receptions, steps and pauses of a dossier: whose they are, when they are due, what ends them."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events import Obligation
from tests.unit.deadline.saying import CODE, Message, parts_told, snapshot, step, told

FILED = {"NgayNopHoSo": "2026-11-20T15:00:00", "KenhThucHien": "2", "NgayHenTra": "", "TrangThaiHoSo": "1"}
BRANCH = {"PhongBanXuLy": "Chi nhánh VPĐKĐĐ Mường Lát", "NgayKetThucTheoQuyDinh": "20261105170000"}


def filed(**fields: Any) -> Message:
    return snapshot("2026-11-20T15:01:00", **{**FILED, **fields})


def reception(*messages: Message, until: str | None = None) -> Obligation:
    return parts_told(*messages, until=until)[f"reception/{CODE}"]


def accepted(at: str = "2026-11-02T09:00:00", **fields: Any) -> Message:
    return snapshot(
        "2026-11-02T09:01:00", NgayTiepNhan=at, NgayHenTra="2026-11-16T09:00:00", TrangThaiHoSo="2", **fields
    )


def test_an_online_filing_is_to_be_received_within_eight_working_hours() -> None:
    """Friday 15:00 leaves two hours; on Monday the six others are over at 15:00."""
    made = reception(filed())
    assert (made["accepted_at"], made["due_at"]) == ("2026-11-20T15:00:00+07:00", "2026-11-23T15:00:00+07:00")
    assert (made["state"], made["parent"], made["due_from"]) == ("open", f"dossier/{CODE}", "computed")
    assert made["near_at"] == "2026-11-23T13:00:00+07:00"


@pytest.mark.parametrize(
    ("fields", "end", "timing"),
    [
        ({"NgayTiepNhan": "2026-11-23T09:00:00", "TrangThaiHoSo": "2"}, "accepted", "on_time"),
        ({"NgayTiepNhan": "2026-11-23T16:00:00", "TrangThaiHoSo": "2"}, "accepted", "late"),
        ({"NgayTuChoi": "2026-11-23T10:00:00", "TrangThaiHoSo": "3"}, "refused", "on_time"),
        ({"DanhSachHoSoBoSung": [{"NgayBoSung": "2026-11-20T16:00:00"}]}, "supplement_asked", "early"),
        ({"NgayTiepNhan": "2026-11-20T14:00:00", "TrangThaiHoSo": "2"}, "accepted", "early"),
    ],
)
def test_an_answer_ends_the_reception(fields: dict[str, Any], end: str, timing: str) -> None:
    made = reception(filed(), snapshot("2026-11-24T09:00:00", **{**FILED, **fields}))
    assert (made["state"], made["end"], made["timing"]) == ("ended", end, timing)


def test_what_was_handed_in_at_the_counter_has_no_reception_to_wait_for() -> None:
    assert parts_told(filed(KenhThucHien="1")) == {}
    assert parts_told(filed(KenhThucHien="3")) == {}
    assert list(parts_told(filed(KenhThucHien=""))) == [f"reception/{CODE}"]


def test_a_reception_is_open_in_the_world_before_its_answer() -> None:
    answered = snapshot("2026-11-24T09:00:00", **{**FILED, "NgayTiepNhan": "2026-11-23T16:00:00", "TrangThaiHoSo": "2"})
    assert reception(filed(), answered, until="2026-11-23T15:00:00")["state"] == "open"


def test_a_step_with_a_term_is_owed_by_its_holder_until_the_next_step() -> None:
    first = step("2026-11-03T08:00:00", 4, **BRANCH)
    [held] = parts_told(accepted(), first).values()
    assert (held["kind"], held["unit_name"], held["unit"]) == ("step", "Chi nhánh VPĐKĐĐ Mường Lát", "H56.12")
    assert (held["due_at"], held["state"]) == ("2026-11-05T17:00:00+07:00", "open")
    [passed_on] = parts_told(accepted(), first, step("2026-11-06T08:00:00", 4)).values()
    assert (passed_on["state"], passed_on["end"], passed_on["timing"]) == ("ended", "passed_on", "late")


def test_the_end_of_the_dossier_ends_its_step() -> None:
    ended = snapshot("2026-11-05T11:00:00", TrangThaiHoSo="9", NgayKetThucXuLy="2026-11-05T10:00:00")
    [held] = parts_told(accepted(), step("2026-11-03T08:00:00", 4, **BRANCH), ended).values()
    assert (held["ended_at"], held["end"]) == ("2026-11-05T10:00:00+07:00", "completed")


def test_a_step_that_waits_for_the_applicant_or_has_no_term_is_owed_by_nobody() -> None:
    asking = step("2026-11-03T08:00:00", 5, **BRANCH)
    assert {one["kind"] for one in parts_told(accepted(), asking).values()} == {"pause"}
    assert parts_told(accepted(), step("2026-11-03T08:00:00", 4, PhongBanXuLy="Phòng A")) == {}
    assert parts_told(accepted(), step("2026-11-03T08:00:00", 9, **BRANCH)) == {}


def test_a_pause_within_a_step_moves_its_term() -> None:
    """An afternoon and a day are the applicant's."""
    asked = {"NgayBoSung": "2026-11-03T13:30:00", "NgayTiepNhanBoSung": "2026-11-05T07:00:00"}
    held = step("2026-11-03T08:00:00", 4, **BRANCH)
    parts = parts_told(accepted(), held, accepted(DanhSachHoSoBoSung=[asked]))
    [of_step] = [part for part in parts.values() if part["kind"] == "step"]
    assert (of_step["due_at"], of_step["due_from"]) == ("2026-11-09T10:30:00+07:00", "source_shifted")


def test_a_dossier_names_who_holds_its_step_and_until_when() -> None:
    made = told(accepted(DonViXuLy="UBND xã Mường Lát"), step("2026-11-03T08:00:00", 4, **BRANCH))
    assert (made["holder"], made["holder_due_at"]) == ("Chi nhánh VPĐKĐĐ Mường Lát", "2026-11-05T17:00:00+07:00")
    own = told(accepted(DonViXuLy="A"), step("2026-11-03T08:00:00", 4, **{**BRANCH, "PhongBanXuLy": "A"}))
    assert (own["holder"], own["holder_due_at"]) == (None, None)


def test_a_pause_falls_due_itself_after_the_usual_term() -> None:
    """Thirty days from 3/11 is 3/12, a Thursday."""
    [pause] = parts_told(accepted(), step("2026-11-03T09:00:00", 6)).values()
    assert (pause["kind"], pause["obligation_id"]) == ("pause", f"pause/{CODE}/20261103090000")
    assert (pause["accepted_at"], pause["due_at"]) == ("2026-11-03T09:00:00+07:00", "2026-12-03T09:00:00+07:00")
    assert pause["state"] == "open"


def test_a_supplement_with_a_term_of_its_own_goes_by_it() -> None:
    asked = {"NgayBoSung": "2026-11-03T09:00:00", "ThoiHanBoSung": "10"}
    [pause] = parts_told(accepted(DanhSachHoSoBoSung=[asked])).values()
    assert pause["due_at"] == "2026-11-13T09:00:00+07:00"


def test_what_resumes_the_dossier_ends_its_pause() -> None:
    [pause] = parts_told(accepted(), step("2026-11-03T09:00:00", 6), step("2026-12-10T09:00:00", 4)).values()
    assert (pause["state"], pause["end"], pause["timing"]) == ("ended", "resumed", "late")


def test_a_dossier_that_ends_while_paused_ends_its_pause_in_the_same_way() -> None:
    stopped = snapshot("2026-12-01T09:00:00", TrangThaiHoSo="8", NgayKetThucXuLy="2026-12-01T08:00:00")
    [pause] = parts_told(accepted(), step("2026-11-03T09:00:00", 6), stopped).values()
    assert (pause["ended_at"], pause["end"]) == ("2026-12-01T08:00:00+07:00", "stopped")
