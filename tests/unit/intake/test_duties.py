"""The facts that statements of our own format assert: of duties, and of letters of apology."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations
from typing import Any

import orjson

from services.intake import statements
from services.intake.duties import facts_of, thing_of
from services.intake.facts import Receipt, key_of
from services.intake.memory import Memory
from shared.events import Fact
from tests.unit.deadline import saying

RECEIVED = "2026-11-10T08:00:00+07:00"
DOSSIER = "000.00.12.h56-261102-0001"


def document(type: str, subject: str, data: dict[str, Any], **envelope: Any) -> bytes:
    return orjson.dumps(
        {"specversion": "1.0", "id": "1", "source": "/x", "type": type, "subject": subject, "data": data, **envelope}
    )


def said(body: bytes, *, at: str = RECEIVED, source: str = "thanh-tra") -> list[Fact]:
    [stated] = statements.read(body).objects
    return facts_of(stated, source=source, mirror=False, receipt=Receipt.of(datetime.fromisoformat(at)))


def duty(time: str | None = None, kind: str = "report", **data: Any) -> bytes:
    return document(statements.DUTY, "BC-Q4", {"kind": kind, **data}, time=time)


def apology(time: str | None = None, **data: Any) -> bytes:
    letter = {"number": 1, "issued_at": "2026-11-05T09:00:00+07:00", "due_after": "2026-11-12T17:00:00+07:00"}
    return document(statements.APOLOGY, DOSSIER, {**letter, **data}, time=time)


def short(facts: list[Fact]) -> list[tuple[str, Any, str, str]]:
    return [(fact["slot"], fact["value"], fact["at"], fact["as_of"]) for fact in facts]


def test_a_snapshot_of_a_duty_is_a_fact_a_slot() -> None:
    given, handed_in, sent = "2026-11-01T08:00:00+07:00", "2026-11-09T16:00:00+07:00", "2026-11-10T07:00:00+07:00"
    about = {"unit_name": "H56.12", "title": "Báo cáo quý IV", "field": "", "basis": "KH 12/KH-UBND"}
    facts = said(
        duty(
            sent, unit="H56.12", title="Báo cáo quý IV", basis="KH 12/KH-UBND", given_at=given, due_on="2026-12-15",
            status="submitted", status_at=handed_in,
        )
    )  # fmt: skip
    assert short(facts) == [
        ("about", about, sent, sent),
        ("given", given, given, sent),
        ("due", "2026-12-15T23:59:59+07:00", sent, sent),
        ("standing", {"status": "submitted", "at": handed_in}, handed_in, sent),
    ]
    assert {fact["rank"] for fact in facts} == {2}


def test_without_a_sending_time_the_latest_happening_says_how_new_the_knowledge_is_and_no_promise_does() -> None:
    [given, due] = said(duty(given_at="2026-11-01T08:00:00+07:00", due_on="2026-11-09"))
    assert given["as_of"] == due["as_of"] == "2026-11-01T08:00:00+07:00"
    [due] = said(duty(due_on="2026-11-09"))
    assert due["as_of"] == RECEIVED


def test_a_time_more_than_a_day_after_the_receipt_is_not_believed() -> None:
    [given] = said(duty("2030-01-01T00:00:00+07:00", given_at="2026-11-01T08:00:00+07:00"))
    assert given["as_of"] == "2026-11-01T08:00:00+07:00"
    [given] = said(duty(given_at="2030-01-01T00:00:00+07:00"))
    assert given["as_of"] == RECEIVED


def test_what_is_heard_again_later_has_the_same_ids_even_where_more_is_believed_then() -> None:
    early = "2026-11-12T08:00:00+07:00"
    for body in (duty(early, due_on="2026-12-15"), duty(due_on="2026-12-15"), apology(early, issued_at=early)):
        ids = [[fact["id"] for fact in said(body, at=at)] for at in (RECEIVED, "2026-12-30T08:00:00+07:00")]
        assert ids[0] == ids[1]


def test_sending_twice_says_nothing_new() -> None:
    memory = Memory(raw_code="BC-Q4")
    body = duty(unit="H56.12", given_at="2026-11-01T08:00:00+07:00", due_on="2026-12-15")
    assert [len([new for fact in said(body) for new in memory.hear(fact)]) for _ in range(2)] == [3, 0]


def test_an_identifier_alone_says_nothing() -> None:
    assert said(duty("2026-11-10T07:00:00+07:00")) == []


def test_a_task_and_a_report_of_one_id_are_two_things_and_neither_can_be_a_dossier() -> None:
    things = [thing_of(statements.read(duty(kind=kind)).objects[0]) for kind in ("report", "remediation")]
    assert things == ["report/BC-Q4", "remediation/BC-Q4"]
    assert not {key_of(thing) for thing in things} & set(things)
    one, other = (said(duty(kind=kind, due_on="2026-12-15")) for kind in ("report", "remediation"))
    assert one[0]["id"] != other[0]["id"]


def test_a_letter_of_apology_is_a_fact_of_its_dossier_and_moves_the_due_date_from_its_issue() -> None:
    issued, before, after = "2026-11-05T09:00:00+07:00", "2026-11-06T17:00:00+07:00", "2026-11-12T17:00:00+07:00"
    sent = "2026-11-08T09:00:00+07:00"
    facts = said(apology(sent, number=2, due_before=before))
    assert short(facts) == [
        ("apology.2", {"issued": issued, "before": before, "after": after}, issued, sent),
        ("due", before, issued, issued),
        ("due", after, issued, issued),
    ]
    assert thing_of(statements.read(apology()).objects[0]) == key_of(DOSSIER)


def test_at_the_same_moment_a_letter_goes_after_the_date_it_moves_and_yields_to_a_snapshot() -> None:
    [_, before, after] = said(apology(due_before="2026-11-06T17:00:00+07:00"))
    assert before["rank"] < after["rank"] < 0  # a snapshot without a status has 0


def test_a_letter_without_a_date_before_tells_of_the_new_one_alone() -> None:
    assert [fact["slot"] for fact in said(apology())] == ["apology.1", "due"]


def test_a_letter_moves_the_due_date_of_its_dossier_whichever_is_heard_first_and_the_first_date_stays() -> None:
    snapshot = saying.snapshot("2026-11-02T09:05:00", NgayTiepNhan="20261102090000", NgayHenTra="20261106170000")
    code, facts = saying.facts(snapshot)
    for events in permutations([facts, said(apology())]):
        told = saying.obligation([{"raw_code": code, "facts": one} for one in events])
        assert told is not None
        assert told["apologies"] == 1
        assert (told["due_at"], told["first_due_at"]) == ("2026-11-12T17:00:00+07:00", "2026-11-06T17:00:00+07:00")


def pauses(*stops: dict[str, Any], until: str | None = None, **snapshot: str) -> Any:
    """Return what deadline makes of a dossier of Monday 2/11/2026, five working days, and of these pauses."""
    fields = {"NgayTiepNhan": "20261102090000", "MaTTHC": "1.004746", "NgayHenTra": "", **snapshot}
    code, facts = saying.facts(saying.snapshot("2026-11-02T09:05:00", **fields))
    for number, stop in enumerate(stops, start=1):
        data = {"number": number, "kind": "consultation", **stop}
        facts += said(document(statements.PAUSE, DOSSIER, data, time="2026-11-10T07:00:00+07:00"))
    made = saying.obligations([{"raw_code": code, "facts": facts}], until=until)
    return {one["obligation_id"].split("/", 1)[0]: one for one in made}


DAY = {"since": "2026-11-04T07:00:00+07:00", "until": "2026-11-05T07:00:00+07:00"}


def test_a_pause_moves_the_due_date_by_its_open_time_and_one_that_resets_begins_anew() -> None:
    assert pauses()["dossier"]["due_at"] == "2026-11-09T09:00:00+07:00"
    assert pauses(DAY)["dossier"]["due_at"] == "2026-11-10T09:00:00+07:00"
    assert pauses({**DAY, "effect": "reset"})["dossier"]["due_at"] == "2026-11-12T07:00:00+07:00"


def test_nested_pauses_count_once() -> None:
    inner = {"since": "2026-11-04T08:00:00+07:00", "until": "2026-11-04T10:00:00+07:00"}
    assert pauses(DAY, inner)["dossier"]["due_at"] == "2026-11-10T09:00:00+07:00"


def test_a_date_of_the_source_goes_on_after_a_reset_as_the_limit_says_until_a_newer_one_comes() -> None:
    made = pauses({**DAY, "effect": "reset"}, NgayHenTra="20261109090000")["dossier"]
    assert (made["due_at"], made["due_from"]) == ("2026-11-12T07:00:00+07:00", "source_shifted")


def test_a_pause_that_lasts_is_open_and_has_its_own_term() -> None:
    made = pauses({"since": DAY["since"], "term_days": 10, "kind": "supplement"})
    assert (made["dossier"]["state"], made["pause"]["due_at"]) == ("paused", "2026-11-16T17:00:00+07:00")
    assert pauses(DAY, until="2026-11-04T12:00:00+07:00")["dossier"]["state"] == "paused"


def test_only_requests_for_supplements_are_counted_as_such() -> None:
    again = {"since": "2026-11-06T07:00:00+07:00", "until": "2026-11-06T08:00:00+07:00"}
    assert "supplement_repeated" not in pauses(DAY, again)["dossier"]["flags"]
    both = [{**stop, "kind": "supplement"} for stop in (DAY, again)]
    assert "supplement_repeated" in pauses(*both)["dossier"]["flags"]


def test_a_pause_that_ended_before_the_acceptance_moves_no_date() -> None:
    """Accepted on 2/11: what happened in October is not of this clock."""
    earlier = {"since": "2026-10-20T07:00:00+07:00", "until": "2026-10-21T07:00:00+07:00", "effect": "reset"}
    assert pauses(earlier, NgayHenTra="20261120090000")["dossier"]["due_at"] == "2026-11-20T09:00:00+07:00"


def test_pauses_within_one_second_are_two_obligations() -> None:
    stops = [
        {"since": "2026-11-04T09:10:00.100000+07:00", "until": "2026-11-04T09:10:00.200000+07:00"},
        {"since": "2026-11-04T09:10:00.500000+07:00", "until": "2026-11-04T10:00:00+07:00"},
    ]
    code, facts = saying.facts(saying.snapshot("2026-11-02T09:05:00", NgayTiepNhan="20261102090000"))
    for number, stop in enumerate(stops, start=1):
        facts += said(document(statements.PAUSE, DOSSIER, {"number": number, "kind": "consultation", **stop}))
    made = saying.obligations([{"raw_code": code, "facts": facts}])
    assert len({one["obligation_id"] for one in made}) == len(made) == 3


def test_letters_of_one_moment_give_the_same_flags_in_any_order() -> None:
    snapshot = saying.snapshot(
        "2026-11-10T09:05:00", NgayTiepNhan="20261102090000", TrangThaiHoSo="9", NgayKetThucXuLy="20261110090000"
    )
    code, facts = saying.facts(snapshot)
    letters = [said(apology(number=n, due_before=f"2026-11-{day:02}T17:00:00+07:00")) for n, day in ((1, 6), (2, 12))]
    made = [
        saying.obligations([{"raw_code": code, "facts": one} for one in events])
        for events in permutations([facts, *letters])
    ]
    assert all(one == made[0] for one in made)
