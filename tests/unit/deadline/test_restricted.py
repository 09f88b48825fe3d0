"""Who must not be told of a feedback goes on with the obligation to answer it."""

from datetime import timedelta
from typing import Any

from services.deadline import answer
from services.deadline.changes import changed
from services.deadline.course import obligation_of
from shared.events import ObligationChanged
from shared.worktime import vietnam


def made(**more: Any) -> Any:
    said = {
        "code": "PA-1",
        "revision": 1,
        "unit": "TH-SNV",
        "dossier": None,
        "filed_at": "2026-11-02T09:00:00+07:00",
        "answered_at": None,
        "answer_working_days": 15,
    }
    [course] = answer.fold("PA-1", [said | more])
    return obligation_of(course, calendar=vietnam(), near=timedelta(hours=24))


def test_who_must_not_be_told_of_a_feedback_is_said_of_its_answer() -> None:
    assert made(not_to=["p2", "p1"])["restricted"] == ["p1", "p2"]
    assert made()["restricted"] == []


def test_a_state_stored_before_there_was_such_a_word_is_not_said_anew_and_a_new_word_is() -> None:
    before = made()
    del before["restricted"]
    assert changed(before, made()) is None
    assert changed(before, made(not_to=["p1"])) is ObligationChanged
