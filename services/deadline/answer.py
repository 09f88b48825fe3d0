"""A citizen's feedback folded into its course: the unit owes an answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from services.deadline.course import Course
from services.deadline.limits import Limit
from shared.instants import canonical

BASIS = "NĐ 20/2008/NĐ-CP (sửa đổi 92/2017/NĐ-CP)"


def fold(code: str, states: Iterable[Mapping[str, Any]], *, until: str | None = None) -> Course | None:
    """Return the course from the newest state of a complaint, or None where it was not filed by `until`.

    states: the data of COMPLAINTS events, in any order, repeats welcome.
    """
    newest = max(states, key=lambda state: state["revision"])
    filed_at = canonical(datetime.fromisoformat(newest["filed_at"]))
    if until is not None and filed_at > until:
        return None
    course = Course("answer", code, "complaints", filed_at, unit=newest["unit"], accepted_at=filed_at)
    course.limit = Limit(newest["answer_working_days"], "working_days", BASIS)
    if newest["answered_at"]:
        answered_at = canonical(datetime.fromisoformat(newest["answered_at"]))
        if until is None or answered_at <= until:
            course.ended_at, course.end = answered_at, "answered"
    return course
