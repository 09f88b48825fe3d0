"""Why a due date is what it is, as data and in Vietnamese, from the facts of a dossier."""

from __future__ import annotations

from typing import Any

from services.deadline import dossier
from services.deadline.course import obligation_of
from services.deadline.explaining import explained
from services.deadline.handlers import NEAR
from services.deadline.limits import Rule
from shared.worktime import vietnam
from tests.unit.deadline import saying
from tests.unit.deadline.saying import Message, snapshot

RULE = {"1.004746": [Rule(value=3, unit="working_days", basis="Luật Hộ tịch 2014")]}


def told(*messages: Message, limits: Any = RULE) -> dict[str, Any]:
    facts = [fact for message in messages for fact in saying.facts(message)[1]]
    course = dossier.fold("X", "X", facts, limits=limits)
    assert course
    obligation = obligation_of(course, calendar=vietnam(), near=NEAR)
    explanation = explained(course, obligation, calendar=vietnam())
    computed = explanation["computed"]
    assert (computed and computed["due_at"]) == obligation["computed_due_at"]
    return explanation


def taken(**fields: str) -> Message:
    return snapshot("2026-11-20T16:05:00", NgayTiepNhan="20261120160000", MaTTHC="1.004746", NgayHenTra="", **fields)


def test_a_due_date_of_ours_names_rule_basis_and_holidays() -> None:
    explanation = told(taken())
    assert explanation["sentence"] == (
        "Tính từ 16:00 ngày 20/11/2026, thời hạn 3 ngày làm việc (căn cứ Luật Hộ tịch 2014); không tính ngày "
        "24/11/2026 (Ngày Văn hóa Việt Nam); hạn là 16:00 ngày 26/11/2026."
    )
    assert explanation["computed"]["rule"] == {"value": 3, "unit": "working_days", "basis": "Luật Hộ tịch 2014"}
    assert explanation["calendar_version"] == vietnam().version


def test_the_sources_date_goes_before_ours_and_each_one_announced_is_listed() -> None:
    first = snapshot(
        "2026-11-20T16:05:00", NgayTiepNhan="20261120160000", MaTTHC="1.004746", NgayHenTra="20261127160000"
    )
    later = snapshot(
        "2026-11-25T09:00:00", NgayTiepNhan="20261120160000", MaTTHC="1.004746", NgayHenTra="20261202160000"
    )
    explanation = told(first, later)
    assert [one["due_at"][:10] for one in explanation["announced"]] == ["2026-11-27", "2026-12-02"]
    assert explanation["sentence"].startswith("Hạn 16:00 ngày 02/12/2026 do motcua-1 báo; hạn này quyết định")
    assert explanation["sentence"].endswith("hạn là 16:00 ngày 26/11/2026.")


def test_without_a_date_and_without_a_rule_it_says_that_there_is_none() -> None:
    explanation = told(taken(), limits={})
    assert explanation["computed"] is None
    assert explanation["sentence"] == "Chưa có hạn: nguồn không báo hạn và không có thời hạn để tính."
