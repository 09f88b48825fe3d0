"""Why an obligation's due date is what it is: rule and basis, each day counted, pauses, each date announced. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.deadline import limits, wording
from services.deadline.course import Course, ended_pauses
from shared.events import Obligation
from shared.worktime import CalendarEndsError, WorkCalendar


def explained(course: Course, obligation: Obligation, *, calendar: WorkCalendar) -> dict[str, Any]:
    """Return the explanation as data and as sentences in Vietnamese.

    announced: each due date the source gave, in the order in which it became known. computed: how ours comes about,
    None where there is no rule, no start, or the calendar ends before it.
    """
    computed = _computed(course, calendar=calendar)
    due_at = obligation["due_at"]
    sentences = []
    if due_at and obligation["due_from"] in ("source", "source_shifted"):
        moved = obligation["due_from"] == "source_shifted"
        sentences.append(wording.of_source(source=course.source, due_at=datetime.fromisoformat(due_at), moved=moved))
    if computed:
        sentences.append(computed.pop("sentence"))
    return {
        "due_from": obligation["due_from"],
        "announced": [{"as_of": told.as_of, "due_at": told.due_at} for told in course.announcements],
        "pauses": [{"from": pause.since, "to": pause.until} for pause in course.pauses],
        "computed": computed,
        "calendar_version": calendar.version,
        "sentence": " ".join(sentences) or "Chưa có hạn: nguồn không báo hạn và không có thời hạn để tính.",
    }


def _computed(course: Course, *, calendar: WorkCalendar) -> dict[str, Any] | None:
    if course.limit is None or course.accepted_at is None:
        return None
    start = datetime.fromisoformat(course.accepted_at)
    try:
        due_at, steps = limits.explain_due(start, course.limit, calendar=calendar, pauses=ended_pauses(course))
    except CalendarEndsError:
        return None
    rule = {"value": course.limit.value, "unit": course.limit.unit, "basis": course.limit.basis}
    told = wording.sentence(start=start, due_at=due_at, limit=course.limit, steps=steps)
    return {"due_at": due_at.isoformat(), "rule": rule, "steps": steps, "sentence": told}
