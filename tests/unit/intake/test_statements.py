"""Our own facts format as it comes: what is taken, what is refused and how that is told, and that nothing upsets it."""

from __future__ import annotations

import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.intake.duties import facts_of
from services.intake.facts import Receipt
from services.intake.own.life import Apology
from services.intake.statements import APOLOGY, DUTY, PAUSE, TYPES, DutyStatement, Statement, read
from shared.events import Fact

SECRET = "0900000123"
RECEIPT = Receipt("2026-11-10T08:00:00+07:00", "2026-11-11T08:00:00+07:00")
FACTS = TypeAdapter(list[Fact])


def duty(id: Any = "KL-12/2026-3", *, without: str = "", envelope: dict[str, Any] | None = None, **data: Any) -> Any:
    document = {"specversion": "1.0", "id": "1", "source": "/thanh-tra", "type": DUTY, "subject": id}
    document |= {"data": {"kind": "remediation", **data}, **(envelope or {})}
    return {name: value for name, value in document.items() if name != without}


def apology(**data: Any) -> Any:
    letter = {"number": 1, "issued_at": "2026-11-05T09:00:00+07:00", "due_after": "2026-11-12T17:00:00+07:00"}
    return {**duty("000.00.12.H56-261102-0001"), "type": APOLOGY, "data": {**letter, **data}}


def pause(**data: Any) -> Any:
    stop = {"number": 1, "kind": "consultation", "since": "2026-11-05T09:00:00+07:00"}
    return {**duty("000.00.12.H56-261102-0001"), "type": PAUSE, "data": {**stop, **data}}


def taken(document: Any) -> Statement:
    body = read(orjson.dumps(document))
    assert not body.refused, body.refused
    statement: Statement
    [statement] = body.objects
    return statement


def refusal(document: Any) -> tuple[str, str]:
    raw = orjson.dumps(document)
    body = read(raw)
    assert not body.objects
    [refused] = body.refused
    assert refused.raw == raw
    return refused.reason, refused.detail


def a_duty(**data: Any) -> Any:
    statement = taken(duty(**data))
    assert isinstance(statement, DutyStatement)
    return statement.data


def test_a_duty_is_taken_with_its_times_in_vietnamese_time() -> None:
    said = a_duty(given_at="2026-11-02T02:00:00Z", due_at="2026-12-15T17:00:00+07:00")
    assert (said.given_at, said.due) == ("2026-11-02T09:00:00+07:00", "2026-12-15T17:00:00+07:00")


def test_a_date_is_due_at_its_last_second() -> None:
    assert a_duty(due_on="2026-12-15").due == "2026-12-15T23:59:59+07:00"


@pytest.mark.parametrize("absent", [{}, {"due_at": None, "status": None}, {"due_at": "", "status": "", "unit": ""}])
def test_absent_null_and_empty_members_say_nothing(absent: dict[str, Any]) -> None:
    said = a_duty(**absent)
    assert (said.due, said.status, said.unit) == (None, None, "")


def test_a_letter_of_apology_is_taken() -> None:
    statement = taken(apology(due_before=None))
    assert isinstance(statement.data, Apology)
    assert (statement.data.number, statement.data.due_before) == (1, None)


def test_text_is_normalised_and_otherwise_kept() -> None:
    said = a_duty(unit=unicodedata.normalize("NFD", " UBND phường Hàm Rồng "))
    assert said.unit == unicodedata.normalize("NFC", "UBND phường Hàm Rồng")
    assert taken(duty(unicodedata.normalize("NFD", "Kết luận 12"))).subject == "Kết luận 12"


def test_members_and_attributes_that_nobody_knows_are_passed_over() -> None:
    assert a_duty(colour="red", status="open", status_at="2026-11-02T09:00:00+07:00").status == "open"
    assert taken(duty(envelope={"traceparent": "x", "datacontenttype": "application/json"})).subject == "KL-12/2026-3"


def test_the_good_ones_of_a_batch_are_taken_beside_the_bad() -> None:
    bad = duty("2", due_on="15/12/2026")
    body = read(orjson.dumps([duty("1"), bad, 7, duty("3")]))
    assert [statement.subject for statement in body.objects] == ["1", "3"]
    assert [(refused.reason, refused.detail[:3]) for refused in body.refused] == [
        ("invalid_object", "[1]"),
        ("unknown_type", "[2]"),
    ]
    assert orjson.loads(body.refused[0].raw) == bad


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "unreadable"),
        (b"\xff{", "unreadable"),
        (b'{"subject": "\xc3\x28"}', "unreadable"),
        (b'{"subject": "raw\x01control"}', "unreadable"),
        (b"[" * 2000, "unreadable"),
        (b"[]", "not_a_message"),
        (b"null", "not_a_message"),
        (b'"x"', "not_a_message"),
        (b"{}", "unknown_type"),
        (b'{"type": ["dondoc.duty.v1"]}', "unknown_type"),
    ],
)
def test_what_cannot_be_read_is_one_refusal_with_its_bytes(raw: bytes, reason: str) -> None:
    [refused] = read(raw).refused
    assert (refused.reason, refused.raw) == (reason, raw)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"number": 0}, "number"),
        ({"kind": "lunch"}, "kind"),
        ({"since": "2026-11-05"}, "since"),
        ({"until": "2026-11-04T09:00:00+07:00"}, "`until` is before `since`"),
        ({"term_days": 0}, "term_days"),
        ({"effect": "stop"}, "effect"),
    ],
)
def test_a_pause_that_cannot_be_is_refused_with_the_member_at_fault(data: dict[str, Any], field: str) -> None:
    reason, detail = refusal(pause(**data))
    assert reason == "invalid_object"
    assert field in detail


def test_a_type_that_nobody_knows_is_refused_with_the_known_ones() -> None:
    reason, detail = refusal(duty(envelope={"type": f"dondoc.duty.v{SECRET}"}))
    assert (reason, detail) == ("unknown_type", f"`type` must be one of {', '.join(TYPES)}")


@pytest.mark.parametrize("name", ["specversion", "id", "source", "subject", "data"])
def test_an_attribute_that_is_missing_is_named(name: str) -> None:
    assert refusal(duty(without=name)) == ("invalid_object", f"{name}: Field required")


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": " "}, "id"),
        ({"source": ""}, "source"),
        ({"subject": ""}, "subject"),
        ({"subject": "x" * 101}, "subject"),
        ({"subject": "a\u0007b"}, "subject"),
        ({"subject": True}, "subject"),
        ({"time": SECRET}, "time"),
        ({"time": "2026-11-02T09:00:00"}, "time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time"),
        ({"data": []}, "data"),
        ({"data": SECRET}, "data"),
    ],
)
def test_an_envelope_at_fault_is_refused_by_the_name_of_the_attribute(envelope: dict[str, Any], field: str) -> None:
    reason, detail = refusal(duty(envelope=envelope))
    assert (reason, detail.split(":")[0]) == ("invalid_object", field)
    assert SECRET not in detail


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"kind": SECRET}, "data.kind"),
        ({"kind": None}, "data.kind"),
        ({"unit": "UBND\u0007xã"}, "data.unit"),
        ({"unit": ["H56"]}, "data.unit"),
        ({"title": "x" * 501}, "data.title"),
        ({"given_at": "2026-02-30T09:00:00+07:00"}, "data.given_at"),
        ({"given_at": 20261102}, "data.given_at"),
        ({"due_at": "2026-12-15"}, "data.due_at"),
        ({"due_at": "9999-12-31T23:59:59-12:00"}, "data.due_at"),
        ({"due_on": "2026-02-30"}, "data.due_on"),
        ({"due_on": "20261215"}, "data.due_on"),
        ({"due_on": "2026-W50-2"}, "data.due_on"),
        ({"due_on": "2026-12-15T17:00:00+07:00"}, "data.due_on"),
        ({"due_on": "3026-12-15"}, "data.due_on"),
        ({"due_on": "2026-12-15", "due_at": "2026-12-15T17:00:00+07:00"}, "data"),
        ({"status": SECRET, "status_at": "2026-12-15T17:00:00+07:00"}, "data.status"),
        ({"status": "submitted"}, "data"),
        ({"status_at": "2026-12-15T17:00:00+07:00"}, "data"),
    ],
)
def test_a_duty_at_fault_is_refused_by_the_name_of_the_member_and_never_its_value(
    data: dict[str, Any], field: str
) -> None:
    reason, detail = refusal(duty(**data))
    assert (reason, detail.split(":")[0]) == ("invalid_object", field)
    assert SECRET not in detail


def test_members_that_do_not_go_together_are_named() -> None:
    assert "`due_on`" in refusal(duty(due_on="2026-12-15", due_at="2026-12-15T17:00:00+07:00"))[1]
    assert "`status_at`" in refusal(duty(status="submitted"))[1]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"number": 0}, "data.number"),
        ({"number": 101}, "data.number"),
        ({"number": True}, "data.number"),
        ({"number": "1"}, "data.number"),
        ({"issued_at": None}, "data.issued_at"),
        ({"issued_at": "20261105090000"}, "data.issued_at"),
        ({"due_before": "soon"}, "data.due_before"),
        ({"due_after": ""}, "data.due_after"),
    ],
)
def test_a_letter_at_fault_is_refused_by_the_name_of_the_member(data: dict[str, Any], field: str) -> None:
    reason, detail = refusal(apology(**data))
    assert (reason, detail.split(":")[0]) == ("invalid_object", field)


def test_the_code_of_a_dossier_is_bounded_in_upper_case() -> None:
    assert refusal({**apology(), "subject": "ﬃ" * 99})[1].startswith("subject:")


def test_one_that_is_nested_too_deeply_to_be_written_again_costs_no_neighbour() -> None:
    nested = b"[" * 500 + b"]" * 500
    raw = orjson.dumps([duty("1"), duty("2", unit="HERE")]).replace(b'"HERE"', nested)
    body = read(raw)
    assert ([statement.subject for statement in body.objects], body.refused[0].raw) == (["1"], raw)


json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=10,
)
words = st.one_of(
    json,
    st.sampled_from(
        ["1.0", DUTY, APOLOGY, "report", "submitted", "2026-12-15", "2026-12-15T17:00:00Z", "", 1, "24:00"]
    ),
    st.datetimes().map(str),
)
members = "kind unit title field basis given_at due_at due_on status status_at number issued_at due_before due_after"
attributes = "specversion id source subject time"
documents = st.fixed_dictionaries(
    {"type": st.one_of(st.sampled_from([DUTY, APOLOGY]), json)},
    optional={
        **dict.fromkeys(attributes.split(), words),
        "data": st.one_of(json, st.fixed_dictionaries({}, optional=dict.fromkeys(members.split(), words))),
    },
)
some = st.dictionaries(st.sampled_from(members.split()), words, max_size=2)
well_meant = st.one_of(some.map(lambda data: duty(**data)), some.map(lambda data: apology(**data)))
anything = st.one_of(
    st.binary(),
    st.one_of(json, documents, well_meant, st.lists(st.one_of(documents, well_meant, json), max_size=5)).map(
        orjson.dumps
    ),
)


@given(raw=anything)
@settings(max_examples=400)
def test_whatever_comes_is_taken_or_refused_and_never_lost(raw: bytes) -> None:
    body = read(raw)
    assert len(body.objects) + len(body.refused) >= 1
    for stated in body.objects:
        facts = facts_of(stated, source="x", mirror=False, receipt=RECEIPT)
        FACTS.validate_python(facts)
        assert len({fact["id"] for fact in facts}) == len(facts)
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, list) and document:
        assert len(body.objects) + len(body.refused) == len(document)
