"""When what is owed for a feedback falls due, as far as the figures of its effect need it. Pure.

Reckoned as deadline reckons it: the same limits, pauses and functions. Deadline goes by the calendars that were
announced and by those of single units, and changes a due time when a calendar changes; here the province's calendar
holds, and what was reckoned stays until the feedback changes. So a unit is pressed by deadline's due time, and counted
by this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from services.complaints.case import Case
from shared.events import FeedbackTerm, TermMeasure, TermName
from shared.worktime import CalendarEndsError, Limit, LimitUnit, Pause, WorkCalendar, reckon

UNITS: Mapping[TermMeasure, LimitUnit] = {
    "working_hours": "working_hours", "working_days": "working_days", "days": "calendar_days",
}  # fmt: skip


class Dues(NamedTuple):
    """screened_at: when it was decided or refused. Due times are None where nothing is owed, or nobody knows when."""

    screening_due_at: datetime | None
    screened_at: datetime | None
    answer_due_at: datetime | None


def dues_of(case: Case, calendar: WorkCalendar) -> Dues:
    """Return the due times of a case, and when it was screened."""
    screening, answer = _term(case, "screening"), _term(case, "answer")
    return Dues(
        due_at(screening, calendar) if screening and screening.end != "void" else None,
        screening.ended_at if screening and screening.end != "void" else None,
        _answer_due_at(answer, calendar) if answer and answer.end != "void" else None,
    )


def _answer_due_at(answer: FeedbackTerm, calendar: WorkCalendar) -> datetime | None:
    """Return when the answer was owed; what was refused in time owes none, what was refused too late is late."""
    due = due_at(answer, calendar)
    in_time = answer.end == "refused" and due is not None and answer.ended_at is not None and answer.ended_at <= due
    return None if in_time else due


def due_at(term: FeedbackTerm, calendar: WorkCalendar) -> datetime | None:
    """Return when a term runs out; None while it stands, or past the last day whose holidays are known."""
    spans = [(since, until) for since, until in term.pauses if until is not None]
    if not term.value or len(spans) < len(term.pauses):
        return None
    limit, pauses = Limit(term.value, UNITS[term.measure]), [Pause(since, until) for since, until in spans]
    try:
        return reckon(calendar, start=term.since, limit=limit, pauses=pauses).due_at
    except CalendarEndsError:
        return None


def _term(case: Case, name: TermName) -> FeedbackTerm | None:
    return next((term for term in case.terms if term.name == name), None)
