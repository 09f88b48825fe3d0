"""What the sender of a feedback may know of it: how it stands, what is asked, the answer; never who deals with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.complaints import life
from services.complaints.office import Office
from services.complaints.store import Feedback, Step
from shared.clock import PROVINCE_ZONE
from shared.events import FeedbackState, FeedbackTerm
from shared.worktime import CalendarEndsError, WorkCalendar, working_days_after


@dataclass(frozen=True, slots=True)
class Followed:
    """asked: what to add. refused: the reason. expected_on: a hint, the due time itself is deadline's."""

    code: str
    state: FeedbackState
    filed_at: datetime
    expected_on: date | None
    answered_at: datetime | None
    answer: str | None
    asked: str | None
    refused: str | None
    rating: int | None
    may_rate: bool
    may_reopen: bool
    reopen_until: date | None


def followed(
    feedback: Feedback, steps: Sequence[Step], office: Office, calendar: WorkCalendar, *, at: datetime
) -> Followed:
    """Return what its sender may know. steps: its history."""
    case, policy = feedback.case, office.policy(at)
    answered = case.state in ("answered", "published")
    may_reopen = life.why_not_reopened(case, policy, at=at) is None
    until = case.answered_at + timedelta(days=policy.reopening.within_days) if case.answered_at and may_reopen else None
    return Followed(
        code=case.code,
        state=case.state,
        filed_at=case.filed_at.astimezone(PROVINCE_ZONE),
        expected_on=None if case.answered_at else expected_on(feedback, calendar),
        answered_at=case.answered_at.astimezone(PROVINCE_ZONE) if case.answered_at else None,
        answer=office.answer(feedback) if answered else None,
        asked=_last_words(steps, office, "ask") if case.state == "supplement_asked" else None,
        refused=_last_words(steps, office, "refuse") if case.state == "refused" else None,
        rating=case.rating,
        may_rate=answered,
        may_reopen=may_reopen,
        reopen_until=until.astimezone(PROVINCE_ZONE).date() if until else None,
    )


def expected_on(feedback: Feedback, calendar: WorkCalendar) -> date | None:
    """Return the day to expect the answer by; None where it waits for the sender, or is not owed yet."""
    term = feedback.case.open_term("answer", "settlement")
    if term is None or (term.pauses and term.pauses[-1][1] is None):
        return None
    try:
        return _end(term, calendar)
    except CalendarEndsError:
        return None


def _end(term: FeedbackTerm, calendar: WorkCalendar) -> date:
    stood = sum(((until or since) - since for since, until in term.pauses), timedelta())
    if term.measure == "working_days":
        return (
            (working_days_after(calendar, start=term.since, days=term.value) + stood).astimezone(PROVINCE_ZONE).date()
        )
    return (term.since + timedelta(days=term.value) + stood).astimezone(PROVINCE_ZONE).date()


def _last_words(steps: Sequence[Step], office: Office, act: str) -> str | None:
    for step in reversed(steps):
        if step.act == act:
            return office.note_of(step.code, step.revision, step.note)
    return None
