"""What may be said of oversight, and the facts and records it makes."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deadline import duty
from services.intake import statements
from services.intake.facts import Receipt
from services.intake.oversight.statement import OVERSIGHT, SHAPES, Category, OversightStatement, Recommendation
from services.intake.oversight.stating import FIELDS, facts_of, record_of
from shared.events import DutyKind, Fact, RecordKind

RECEIPT = Receipt.of(datetime.fromisoformat("2026-11-26T09:00:00+07:00"))
TASK = {"finding": "KL-12", "unit": "UBND xã Mường Lát", "division": "Văn phòng", "title": "Niêm yết", "due_on": "2026-12-15"}  # fmt: skip  # noqa: E501 - one statement
TO_DISCIPLINE = {"unit": "14797", "ref": "VV-7/2026", "addressee": "TH-SNV", "measure": "reprimand", "sent_on": "2026-11-20", "answer_due_on": "2026-12-05"}  # fmt: skip  # noqa: E501 - one statement


def read(kind: str, data: Any, *, subject: str = "KL-12/3", time: str | None = None) -> statements.Statements:
    body = {"specversion": "1.0", "id": "1", "source": "/thanh-tra", "type": f"dondoc.{kind}.v1", "subject": subject}
    sent = {"time": time} if time else {}
    return statements.read(orjson.dumps({**body, **sent, "data": data}), types={**statements.TYPES, **OVERSIGHT})


def stated(kind: str, data: dict[str, Any], **more: Any) -> OversightStatement:
    body = read(kind, data, **more)
    assert not body.refused, body.refused[0].detail
    [one] = body.objects
    assert isinstance(one, OversightStatement)
    return one


def said(kind: str, data: dict[str, Any], **more: Any) -> list[Fact]:
    return facts_of(stated(kind, data, **more), source="thanh-tra", mirror=False, receipt=RECEIPT)


def refusal(kind: str, data: Any, **more: Any) -> str:
    body = read(kind, data, **more)
    assert not body.objects
    return body.refused[0].detail


def test_each_kind_has_a_type_of_its_own() -> None:
    assert set(SHAPES) == set(get_args(RecordKind))
    assert set(OVERSIGHT) == {f"dondoc.{kind}.v1" for kind in SHAPES}
    assert not set(OVERSIGHT) & set(statements.TYPES)


def test_every_category_has_a_word() -> None:
    assert set(FIELDS) == set(get_args(Category))


def test_a_task_falls_due_and_is_a_record() -> None:
    facts = said("task", TASK)
    assert [fact["slot"] for fact in facts] == ["record", "about", "due"]
    assert facts[1]["value"]["title"] == "Niêm yết (giao Văn phòng)"
    course = duty.fold("remediation", "KL-12/3", facts)
    assert course
    assert (course.unit_name, course.announcements[0].due_at) == (TASK["unit"], "2026-12-15T23:59:59+07:00")
    assert record_of(facts) == {
        **{name: value for name, value in TASK.items() if name != "due_on"}, "due": "2026-12-15T23:59:59+07:00",
    }  # fmt: skip


def test_a_task_is_one_thing_with_the_duty_of_its_id() -> None:
    assert stated("task", TASK).key == "remediation/KL-12/3"
    assert stated("report", TASK).key == "report/KL-12/3"
    assert stated("finding", {"text": "x"}).key == "finding/KL-12/3"


@pytest.mark.parametrize(
    ("kind", "data", "owes"),
    [
        ("task", TASK, "remediation"),
        ("plan_item", {**TASK, "category": "publicity"}, "plan_item"),
        ("report", TASK, "report"),
        ("recommendation", TO_DISCIPLINE, "recommendation"),
        ("finding", {"unit": "x", "text": "y", "report_due_on": "2026-12-15"}, "report"),
        ("finding", {"unit": "x", "text": "y"}, None),
        ("plan", {"unit": "x", "year": 2026}, None),
        ("surprise_check", {"unit": "x", "on": "2026-11-20", "result": "minor"}, None),
    ],
)
def test_what_has_a_unit_and_a_date_is_owed(kind: str, data: dict[str, Any], owes: DutyKind | None) -> None:
    one = stated(kind, data)
    assert one.data.owes == owes
    slots = {fact["slot"] for fact in facts_of(one, source="x", mirror=False, receipt=RECEIPT)}
    assert ("due" in slots) == bool(owes)


def test_of_a_recommendation_the_addressee_owes_an_answer_and_the_unit_concerned_is_not_named_in_it() -> None:
    facts = said("recommendation", TO_DISCIPLINE, subject="KN-1/2026")
    of_duty = [fact for fact in facts if fact["slot"] != "record"]
    assert [fact["slot"] for fact in of_duty] == ["about", "given", "due"]
    assert b"14797" not in orjson.dumps(of_duty)
    course = duty.fold("recommendation", "KN-1/2026", of_duty)
    assert course
    assert (course.unit_name, course.title) == ("TH-SNV", None)


@pytest.mark.parametrize(
    ("data", "subject"),
    [
        ({"ref": "Nguyễn Văn A 1"}, "KN-1"),
        ({"ref": "NguyenVanA"}, "KN-1"),
        ({"evidence": "Ông A 12"}, "KN-1"),
        ({"measure": "khiển trách ông A"}, "KN-1"),
        ({"answer": "ông A không vi phạm"}, "KN-1"),
        ({}, "Nguyễn Văn A"),
    ],
)
def test_a_recommendation_has_no_room_for_a_name(data: dict[str, Any], subject: str) -> None:
    told = refusal("recommendation", {**TO_DISCIPLINE, **data}, subject=subject)
    assert told
    assert not any(word in told for word in ("Văn", "ông"))


def test_members_that_nobody_knows_never_get_into_a_fact() -> None:
    facts = said("recommendation", {**TO_DISCIPLINE, "name": "Nguyễn Văn A", "title": "Nguyễn Văn A"})
    assert "Nguyễn" not in orjson.dumps(facts).decode()
    texts = [name for name in Recommendation.model_fields if name in ("title", "text", "division", "basis", "note")]
    assert not texts


def test_the_format_of_duties_takes_no_recommendation_for_it_has_free_text() -> None:
    assert refusal("duty", {"kind": "recommendation", "title": "Nguyễn Văn A"}).startswith("data.kind")
    assert read("duty", {"kind": "plan_item", "title": "Tuyên truyền"}).objects


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("task", {**TASK, "due_at": "2026-12-15T17:00:00+07:00"}, "give one"),
        ("task", {"status": "submitted"}, "go together"),
        ("task", {"status": "done", "status_at": "2026-12-01"}, "data.status"),
        ("task", {"due_on": "15/12/2026"}, "data.due_on"),
        ("task", {"given_at": "2026-13-01"}, "data.given_at"),
        ("finding", {"severity": "worst"}, "data.severity"),
        ("finding", {"text": "x" * 2001}, "data.text"),
        ("finding", {"text": "\x00"}, "data.text"),
        ("plan", {"year": 26}, "data.year"),
        ("plan_item", {"category": "dancing"}, "data.category"),
        ("surprise_check", {"findings": ["x"] * 101}, "data.findings"),
        ("surprise_check", {"findings": [[["x"]]]}, "data.findings"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(kind: str, data: dict[str, Any], said: str) -> None:
    assert said in refusal(kind, data)


def test_a_day_something_happened_is_its_beginning_and_one_it_is_due_its_end() -> None:
    one = stated("task", {"given_at": "2026-11-02", "due_on": "2026-12-15"}).data.document()
    assert one == {"given_at": "2026-11-02T00:00:00+07:00", "due": "2026-12-15T23:59:59+07:00"}


def test_a_finding_says_by_when_its_report_is_due_and_when_it_came() -> None:
    finding = {"unit": "14797", "inspection": "KL-12", "text": "Chậm", "report_due_on": "2026-12-15"}
    facts = said("finding", finding) + said("finding", {"status": "submitted", "status_at": "2026-12-10"})
    course = duty.fold("report", "KL-12/3", [fact for fact in facts if fact["slot"] != "record"])
    assert course
    assert (course.title, course.end) == ("Báo cáo kết quả khắc phục theo KL-12", "submitted")


STORY = [
    ({**TASK, "status": "open", "status_at": "2026-11-02"}, "2026-11-02T08:00:00+07:00"),
    ({"division": "Phòng Tư pháp"}, "2026-11-05T08:00:00+07:00"),
    ({"status": "submitted", "status_at": "2026-11-10", "evidence": "BC-1"}, "2026-11-10T08:00:00+07:00"),
    ({"status": "returned", "status_at": "2026-11-12", "division": ""}, "2026-11-12T08:00:00+07:00"),
    ({"status": "accepted", "status_at": "2026-11-20", "evidence": "BC-2"}, "2026-11-20T08:00:00+07:00"),
]


def test_a_record_is_the_same_in_any_order_and_an_empty_member_says_nothing() -> None:
    facts = [fact for data, time in STORY for fact in said("task", data, time=time)]
    record = record_of(facts)
    assert (record["status"], record["division"], record["evidence"]) == ("accepted", "Phòng Tư pháp", "BC-2")
    parts = [said("task", data, time=time) for data, time in STORY]
    for order in itertools.permutations(parts):
        assert record_of([fact for part in (*order, order[0]) for fact in part]) == record


def test_a_mirror_is_heard_only_where_nobody_else_spoke() -> None:
    own = said("task", {"title": "A"}, time="2026-11-02T08:00:00+07:00")
    other = facts_of(
        stated("task", {"title": "B"}, time="2026-11-03T08:00:00+07:00"), source="cong", mirror=True, receipt=RECEIPT
    )
    assert record_of(own + other)["title"] == "A"
    assert record_of(other)["title"] == "B"


json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=10,
)
words = st.one_of(json, st.sampled_from(["KL-1", "2026-12-15", "submitted", "high", "publicity", "", 2026, "00:00"]))
members = sorted({name for shape in SHAPES.values() for name in shape.model_fields})


@given(
    st.sampled_from(sorted(SHAPES)),
    st.one_of(words, st.fixed_dictionaries({}, optional=dict.fromkeys(members, words))),
    words,
)
def test_whatever_comes_is_a_statement_or_refused(kind: str, data: Any, subject: Any) -> None:
    body = read(kind, data, subject=subject)
    assert len(body.objects) + len(body.refused) == 1
    for one in body.objects:
        facts = facts_of(one, source="x", mirror=False, receipt=RECEIPT)
        record_of(facts)
        assert len({fact["id"] for fact in facts}) == len(facts)
