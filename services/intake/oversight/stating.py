"""Turns statements of oversight into facts, and the facts of one thing into its record. Pure.

A thing's slots: `record`, the members that a statement holds; and where something of it falls due, those of a duty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from services.intake.duties import RANKS, Known, facts_as_of, of_duty
from services.intake.facts import Assertion, Receipt
from services.intake.oversight.statement import (
    Category,
    Finding,
    OversightStatement,
    Owed,
    PlanItem,
    Recommendation,
    Report,
    Said,
    Task,
)
from services.intake.statements import Duty
from shared.events import Fact

RECORD = "record"
FIELDS: Mapping[Category, str] = {
    "publicity": "Tuyên truyền",
    "online_filing": "Nộp hồ sơ trực tuyến",
    "online_payment": "Thanh toán trực tuyến",
    "digitising": "Số hóa hồ sơ",
    "one_stop_software": "Cập nhật hồ sơ trên phần mềm một cửa",
    "overdue_settlement": "Xử lý hồ sơ quá hạn",
    "feedback": "Xử lý phản ánh, kiến nghị",
    "model_to_spread": "Nhân rộng mô hình",
    "initiative_to_spread": "Nhân rộng sáng kiến",
    "training": "Đào tạo, bồi dưỡng, tập huấn",
    "inspection": "Kiểm tra, giám sát",
    "other": "Nhiệm vụ khác",
}  # as a digest shows them


def facts_of(stated: OversightStatement, *, source: str, mirror: bool, receipt: Receipt) -> list[Fact]:
    """Return every fact that a statement asserts, as `duties.facts_of` does."""
    happenings = [at for name in HAPPENINGS if (at := getattr(stated.data, name, None))]
    known = Known(stated.time, happenings, receipt)
    return facts_as_of(
        stated.key, partial(_assertions, stated.data, stated.subject), known=known, source=source, mirror=mirror
    )


HAPPENINGS = ("given_at", "status_at", "found_on", "approved_on", "on", "sent_on", "outcome_on")


def record_of(facts: Iterable[Fact]) -> dict[str, Any]:
    """Return what is known of a thing: of each member the newest that says something.

    Any permutation with any duplicates gives the same; a mirror is heard only where nobody else spoke.
    """
    said = [fact for fact in facts if fact["slot"] == RECORD]
    said = [fact for fact in said if not fact.get("mirror")] or said
    record: dict[str, Any] = {}
    for fact in sorted(said, key=lambda fact: (fact["as_of"], fact["rank"], fact["heard"], fact["id"])):
        record.update(fact["value"])
    return record


def _assertions(data: Said, id: str, *, as_of: str) -> list[Assertion]:
    document = data.document()
    if not document:
        return []
    rank = RANKS.get(document.get("status", ""), 0)
    said = [Assertion(RECORD, document, as_of, as_of, rank)]
    duty = _duty_of(data, id)
    return said + of_duty(duty, as_of=as_of) if duty else said


def _duty_of(data: Said, id: str) -> Duty | None:
    """Return the duty that a statement speaks of. Where it names no title it is no news of the unit either."""
    if isinstance(data, Finding):
        return _of_finding(data, id)
    if isinstance(data, Recommendation):
        about = {"unit": data.addressee, "given_at": data.sent_on, "due_at": data.answer_due_on}
        return Duty(kind="report", **about, status=data.status, status_at=data.status_at)
    if not isinstance(data, Owed):
        return None
    title = f"{data.title} (giao {data.division})" if data.title and data.division else data.title
    times = {"given_at": data.given_at, "due_at": data.due_at or data.due_on}
    of_kind: dict[str, str] = {}
    if isinstance(data, Task) and data.finding:
        of_kind = {"basis": f"Kết quả kiểm tra {data.finding}"}
    elif isinstance(data, Report):
        of_kind = {"basis": data.basis}
    elif isinstance(data, PlanItem) and data.category:
        of_kind = {"field": FIELDS[data.category]}
    return Duty(
        kind="report", unit=data.unit, title=title[:LONGEST], **times, status=data.status, status_at=data.status_at,
        **of_kind,
    )  # fmt: skip


LONGEST = 500  # characters of a word


def _of_finding(data: Finding, id: str) -> Duty | None:
    """Return the report on what was done about a finding, where one is asked for; else only how far it has come."""
    if not data.report_due_on:
        return Duty(kind="report", status=data.status, status_at=data.status_at) if data.status else None
    title = f"Báo cáo kết quả khắc phục theo {data.inspection}" if data.inspection else "Báo cáo kết quả khắc phục"
    return Duty(
        kind="report", unit=data.unit, title=title[:LONGEST], given_at=data.found_on, due_at=data.report_due_on,
        status=data.status, status_at=data.status_at,
        basis=f"Kết quả kiểm tra {id}"[:LONGEST],
    )  # fmt: skip
