"""What the programs say to one another stays readable: golden JSON of every event, and the hot path's own mappings.

A golden file is never edited: where a meaning changes, the version rises and a new file comes beside the old one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.deadline import refolding as deadline
from services.deadline.changes import fire
from services.intake import handlers as intake
from services.intake.understanding import Spoken, Tally, understand
from shared.bus import Received
from shared.cloudevents import EVENTS, Event, Outgoing, decode
from shared.events import (
    DeadlineNear,
    DeadlinePassed,
    DeadlineSet,
    DossierSaid,
    DutySaid,
    Obligation,
    ObligationChanged,
    SourceCensusSaid,
)
from shared.streams import STREAMS
from tests.unit.deadline import saying
from tests.unit.deadline.saying import Message, snapshot, step, told

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 2, 2, 5, tzinfo=UTC)


def golden(subject: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads((GOLDEN / f"{subject}.json").read_bytes())
    return document


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values say the same; instants may be written with another offset."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(key in other and same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str) and isinstance(other, str) and one != other and re.match(r"\d{4}-\d\d-\d\dT", one):
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    return bool(one == other)


@pytest.mark.parametrize("subject", sorted(EVENTS))
def test_every_event_has_a_golden_document_that_todays_class_reads_without_loss(subject: str) -> None:
    assert (GOLDEN / f"{subject}.json").exists(), f"write one real document of {subject} into {GOLDEN}"
    document = golden(subject)
    envelope = decode(EVENTS[subject], orjson.dumps(document))
    assert (document["type"], document["specversion"]) == (subject, "1.0")
    assert same(document["data"], envelope.data.model_dump(mode="json"))


def test_no_golden_document_is_left_without_a_class() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(EVENTS)


@pytest.mark.parametrize("subject", sorted(EVENTS))
def test_hearers_ignore_fields_they_do_not_know(subject: str) -> None:
    document = golden(subject)
    document["data"]["added_in_a_later_release"] = document["a_later_attribute"] = "x"
    decode(EVENTS[subject], orjson.dumps(document))


@pytest.mark.parametrize("subject", sorted(EVENTS))
def test_a_subject_is_the_owner_the_name_of_the_class_and_the_version(subject: str) -> None:
    owner, name, version = subject.split(".")
    event = EVENTS[subject]
    assert event.__name__ == "".join(word.capitalize() for word in name.split("_"))
    assert (owner, version) == (event.owner, f"v{event.version}")
    assert owner.upper() in STREAMS


def test_some_subjects_by_name() -> None:
    assert DossierSaid.subject() == "intake.dossier_said.v1"
    assert DeadlinePassed.subject() == "deadline.deadline_passed.v1"


def test_no_event_takes_the_subject_of_a_tick() -> None:
    assert not set(EVENTS) & {stream.tick for stream in STREAMS.values()}


# --- the hot path builds mappings; here they are held to the classes ------------------------------------------------


def whole(said: Outgoing, event: type[Event]) -> Any:
    """Return what a class makes of a message, which must have every one of its fields and no other."""
    data = orjson.loads(said.body)["data"]
    assert set(data) == set(event.model_fields)
    return decode(event, said.body).data


FULL: dict[str, Any] = {
    "NgayNopHoSo": "2026-11-01T09:00:00",
    "NgayTiepNhan": "2026-11-02T09:00:00",
    "NgayHenTra": "2026-11-09T09:00:00",
    "TrangThaiHoSo": "9",
    "NgayKetThucXuLy": "2026-11-10T09:00:00",
    "MaTTHC": "1.004746",
    "DonViXuLy": "UBND xã Mường Lát",
    "DanhSachHoSoBoSung": [{"NgayBoSung": "2026-11-03T09:00:00", "NgayTiepNhanBoSung": "2026-11-04T09:00:00"}],
}


@pytest.mark.parametrize("source", ["motcua-1", saying.MIRROR])
@pytest.mark.parametrize("message", [snapshot("2026-11-10T09:05:00", **FULL), step("2026-11-03T09:00:00", 5)])
def test_what_intake_says_of_a_dossier_is_a_valid_event(message: Message, source: str) -> None:
    code, facts = saying.facts(Message(message.service, message.fields, message.at, source))
    received = Received("feed.x.national", b"", {}, "", "FEED", 1, 1, NOW)
    spoken = Spoken(code, code, facts, NOW, Tally(received, NOW), new=facts)
    [event] = intake._said(spoken)
    said = whole(event, DossierSaid)
    assert list(said.facts) == facts


DUTY: dict[str, Any] = {
    "kind": "report", "unit": "UBND xã Mường Lát", "title": "Báo cáo quý IV", "given_at": "2026-11-01T09:00:00+07:00",
    "due_on": "2026-12-15", "status": "submitted", "status_at": "2026-11-02T09:00:00+07:00",
}  # fmt: skip
LETTER = {"number": 1, "issued_at": "2026-11-01T09:00:00Z", "due_after": "2026-11-12T17:00:00Z", "due_before": None}


def stated(type: str, data: dict[str, Any]) -> Spoken:
    body = {"specversion": "1.0", "id": "1", "source": "/x", "type": type, "subject": "BC-Q4", "data": data}
    received = Received("feed.x.facts", orjson.dumps(body), {}, "", "FEED", 1, 1, NOW)
    spoken: list[Spoken] = []
    understand(Tally(received, NOW), spoken, [])
    [one] = spoken
    one.new = one.facts
    return one


def test_what_intake_says_of_a_duty_is_a_valid_event() -> None:
    one = stated("dondoc.duty.v1", DUTY)
    [event] = intake._said(one)
    said = whole(event, DutySaid)
    assert (said.duty, said.kind, list(said.facts)) == ("BC-Q4", "report", one.new)


def test_what_intake_says_of_a_letter_of_apology_is_a_valid_event_of_its_dossier() -> None:
    one = stated("dondoc.apology.v1", LETTER)
    [event] = intake._said(one)
    assert list(whole(event, DossierSaid).facts) == one.new


def test_what_intake_says_of_a_sources_census_is_a_valid_event() -> None:
    data = {"taken_at": "2026-11-01T23:00:00Z", "counts": {"open": 7}, "overdue": ["x-2", "X-1"]}
    one = stated("dondoc.census.v1", {**data, "units": [{"unit": "UBND xã Mường Lát", "overdue": 2}]})
    [event] = intake.say([one])
    said = whole(event, SourceCensusSaid)
    assert (said.source, said.overdue, said.counts) == ("x", ("X-1", "X-2"), {"open": 7})
    assert said.units == {"UBND xã Mường Lát": {"overdue": 2}}


def obligations() -> list[Obligation]:
    accepted = snapshot("2026-11-02T09:05:00", **{**FULL, "TrangThaiHoSo": "2", "NgayKetThucXuLy": ""})
    old = snapshot("2011-03-10T09:00:00", NgayHenTra="2011-03-08T09:00:00", NgayKetThucXuLy="2011-03-09T09:00:00")
    return [
        told(accepted),
        told(accepted, step("2026-11-05T09:00:00", 5)),
        told(snapshot("2026-11-10T09:05:00", **FULL)),
        told(snapshot("2026-11-10T09:05:00", **FULL), step("2026-11-12T09:00:00", 4)),
        told(snapshot("2026-11-02T09:05:00", TrangThaiHoSo="42")),
        told(old),
    ]


@pytest.mark.parametrize("obligation", obligations(), ids=lambda obligation: obligation["state"])
def test_what_deadline_says_of_an_obligation_is_a_valid_event(obligation: Obligation) -> None:
    said = whole(deadline.say(ObligationChanged, obligation, now=NOW, trace=""), ObligationChanged)
    assert same(dict(obligation), said.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("now", "event"), [("2026-11-09T08:00:00+07:00", DeadlineNear), ("2026-11-20T09:00:00+07:00", DeadlinePassed)]
)
def test_what_the_sweep_says_is_a_valid_event(now: str, event: type[ObligationChanged]) -> None:
    obligation = told(snapshot("2026-11-02T09:05:00", NgayTiepNhan="20261102090000", NgayHenTra="20261109090000"))
    assert fire(obligation, now=now) is event
    assert whole(deadline.say(event, obligation, now=NOW, trace=""), event).timing == obligation["timing"]


def test_an_obligation_and_its_event_have_the_same_fields() -> None:
    assert set(Obligation.__annotations__) == set(DeadlineSet.model_fields)
