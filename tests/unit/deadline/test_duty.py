"""What becomes of a duty: given, due, handed in, sent back, accepted, withdrawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.deadline import duty
from services.deadline.course import Course, obligation_of
from services.intake.correcting.marks import RETRACTED, Said, mark
from shared.events import Fact, Obligation
from shared.worktime import vietnam

GIVEN, DUE, LATER = "2026-11-02T08:00:00+07:00", "2026-11-20T23:59:59+07:00", "2026-11-27T23:59:59+07:00"


def at(day: int) -> str:
    return f"2026-11-{day:02d}T09:00:00+07:00"


def fact(slot: str, value: Any, day: int, *, heard: int | None = None, happened: str | None = None) -> Fact:
    return {
        "id": f"{slot}/{value}/{day}",
        "slot": slot,
        "value": value,
        "at": happened or at(day),
        "as_of": at(day),
        "heard": at(heard or day),
        "rank": 0,
        "source": "thanh-tra",
    }


def status(name: str, day: int, *, known: int | None = None) -> Fact:
    return fact("standing", {"status": name, "at": at(day)}, known or day, happened=at(day))


def due(value: str, day: int) -> Fact:
    return fact("due", value, day)


TASK = [fact("given", GIVEN, 2, happened=GIVEN), due(DUE, 2)]


def folded(*facts: Fact, until: str | None = None) -> Course | None:
    return duty.fold("remediation", "KL-12/3", facts, until=until)


def course(*facts: Fact) -> Course:
    made = folded(*facts)
    assert made is not None
    return made


def obligation(*facts: Fact) -> Obligation:
    return obligation_of(course(*facts), calendar=vietnam(), near=timedelta(hours=24))


def test_a_duty_is_open_from_when_it_was_given_until_its_due_date() -> None:
    told = obligation(*TASK)
    assert (told["obligation_id"], told["state"], told["accepted_at"]) == ("remediation/KL-12/3", "open", GIVEN)
    assert (told["due_at"], told["due_from"], told["source"]) == (DUE, "source", "thanh-tra")


def test_its_unit_is_the_agency_where_it_is_one_and_else_as_the_source_writes_it() -> None:
    about = {"unit_name": "000.00.12.H56", "title": "x", "field": "Đất đai", "basis": ""}
    one = course(fact("about", about, 2))
    assert (one.unit, one.unit_name, one.field_name) == ("H56.12", "000.00.12.H56", "Đất đai")
    other = course(fact("about", about, 2), fact("about", {**about, "unit_name": "UBND xã Pù Luông", "field": ""}, 3))
    assert (other.unit, other.unit_name, other.field_name) == ("UBND xã Pù Luông", "UBND xã Pù Luông", "Đất đai")


def test_without_a_due_date_there_is_no_deadline() -> None:
    told = obligation(TASK[0], status("submitted", 5))
    assert (told["due_at"], told["timing"], told["state"]) == (None, "no_deadline", "ended")


@pytest.mark.parametrize(
    ("day", "timing", "days"), [(19, "early", 0), (20, "on_time", 0), (21, "late", 1), (23, "late", 3)]
)
def test_handing_in_ends_it_in_time_or_late_by_the_date(day: int, timing: str, days: int) -> None:
    told = obligation(*TASK, status("submitted", day))
    assert (told["timing"], told["late_days"], told["end"], told["ended_at"]) == (timing, days, "submitted", at(day))


def test_a_date_that_moves_is_followed_and_the_first_is_kept() -> None:
    told = obligation(*TASK, due(LATER, 10), status("submitted", 25))
    assert (told["due_at"], told["first_due_at"], told["timing"]) == (LATER, DUE, "early")


def test_that_it_is_accepted_changes_no_clock() -> None:
    told = obligation(*TASK, status("submitted", 19), status("accepted", 25))
    assert (told["ended_at"], told["end"], told["timing"], told["flags"]) == (at(19), "submitted", "early", [])


def test_what_is_sent_back_runs_again_and_keeps_its_first_end() -> None:
    told = obligation(*TASK, status("submitted", 18), status("returned", 19))
    assert (told["state"], told["first_ended_at"], told["flags"]) == ("open", at(18), ["reopened"])
    again = obligation(*TASK, status("submitted", 18), status("returned", 19), status("submitted", 24))
    assert (again["ended_at"], again["first_ended_at"], again["timing"]) == (at(24), at(18), "late")


def test_what_was_withdrawn_and_opened_again_runs() -> None:
    told = obligation(*TASK, status("withdrawn", 5), status("open", 6))
    assert (told["state"], told["end"], told["flags"]) == ("open", None, ["reopened"])


def test_sent_back_without_ever_being_handed_in_is_just_open() -> None:
    told = obligation(*TASK, status("returned", 19))
    assert (told["state"], told["flags"]) == ("open", [])


def test_what_is_withdrawn_is_over_but_what_was_handed_in_stays_so() -> None:
    told = obligation(*TASK, status("withdrawn", 5))
    assert (told["end"], told["ended_at"]) == ("withdrawn", at(5))
    told = obligation(*TASK, status("submitted", 5), status("withdrawn", 25))
    assert (told["end"], told["ended_at"]) == ("submitted", at(5))


def test_accepted_and_never_known_as_handed_in_it_was_so_by_then() -> None:
    told = obligation(*TASK, status("accepted", 19))
    assert (told["end"], told["ended_at"], told["flags"]) == ("submitted", at(19), ["end_time_missing"])
    late = obligation(*TASK, status("accepted", 19), status("submitted", 17, known=22))
    assert (late["ended_at"], late["flags"]) == (at(17), [])
    assert obligation(*TASK, status("accepted", 19), status("returned", 20))["flags"] == ["reopened"]


def test_odd_times_are_flags() -> None:
    assert obligation(*TASK, status("submitted", 1))["flags"] == ["ended_before_accepted"]
    assert obligation(TASK[0], due(DUE, 3), due(LATER, 3))["flags"] == ["possible_reversal"]
    future = fact("standing", {"status": "submitted", "at": at(30)}, 3, happened=at(30))
    assert "happening_in_future" in obligation(*TASK, future)["flags"]


def test_only_a_mirror_speaking_is_no_matter_of_the_one_stop() -> None:
    mirrored: list[Fact] = [{**one, "mirror": True} for one in TASK]
    assert obligation(*mirrored)["flags"] == []


def test_the_world_at_a_moment_has_no_later_happening() -> None:
    facts = [*TASK, due(LATER, 10), status("submitted", 12)]
    assert folded(*facts, until="2026-11-01T23:59:59+07:00") is None
    then = folded(*facts, until=at(9))
    assert then is not None
    assert (then.ended_at, [told.due_at for told in then.announcements]) == (None, [DUE])


def test_one_that_nobody_says_was_given_begins_when_it_was_first_known_of() -> None:
    assert folded(due(DUE, 5), due(LATER, 9), until=at(4)) is None
    assert folded(due(DUE, 5), due(LATER, 9), until=at(5)) is not None


def test_what_was_given_earlier_than_known_is_there_from_when_it_was_given() -> None:
    then = folded(fact("given", GIVEN, 15, happened=GIVEN), due(DUE, 15), until=at(5))
    assert then is not None
    assert [told.due_at for told in then.announcements] == [DUE]


def test_a_retraction_that_is_heard_before_what_it_retracts_waits_for_it() -> None:
    """What was imported travels more slowly than an operator's word."""
    wrong = due(DUE, 2)
    why = Said("x", "y", at(4))
    retraction = mark("report/BC-Q4", RETRACTED, wrong["id"], why)
    first = duty.fold("report", "BC-Q4", [retraction])
    assert first
    assert (first.end, first.flags) == ("void", {"retracted"})
    then = duty.fold("report", "BC-Q4", [retraction, wrong, fact("given", GIVEN, 2)])
    assert then
    assert (then.end, list(then.announcements)) == (None, [])
