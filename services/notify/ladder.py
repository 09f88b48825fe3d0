"""How far the pressing for one obligation has come, and when it goes on. Pure; never reads a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notify.policy import NEAR, NOTHING, Ladder
from shared.events import ObligationChanged
from shared.worktime import CalendarEndsError, WorkCalendar, working_days_from

SECOND = timedelta(seconds=1)


def late_from(due_at: datetime) -> datetime:
    """Return the first instant that is late: compared to the second, nothing is late at the due time itself."""
    return due_at.replace(microsecond=0) + SECOND


@dataclass(frozen=True, slots=True)
class Step:
    """A level and the instant at which it is reached. calendar_days: the calendar did not reach so far."""

    level: int
    at: datetime
    calendar_days: bool = False


def steps(obligation: ObligationChanged, *, ladder: Ladder, calendar: WorkCalendar) -> list[Step]:
    """Return the steps still possible for an obligation, the earliest first; none while paused or once ended.

    Backlog was past due when it was first heard of: it is not near any more, and its levels count from then.
    """
    if obligation.state != "open" or obligation.due_at is None:
        return []
    due_at = obligation.due_at
    start = max(due_at, obligation.heard_at) if obligation.backlog else due_at
    found = []
    if ladder.near and obligation.near_at and obligation.near_at < start and not obligation.backlog:
        found.append(Step(NEAR, obligation.near_at))
    for level in ladder.levels:
        at, by_calendar_days = _after(calendar, start, level.after_working_days)
        found.append(Step(level.level, max(at, late_from(due_at)), by_calendar_days))
    return found


def _after(calendar: WorkCalendar, start: datetime, days: int) -> tuple[datetime, bool]:
    if not days:
        return start, False
    try:
        return working_days_from(calendar, due=start, days=days), False
    except CalendarEndsError:
        return start + timedelta(days=days), True


def turns_at(obligation: ObligationChanged) -> datetime | None:
    """Return the first instant at which a dossier and its present step, held by somebody, are both late.

    returns: None where there is no such instant: no holder, no due time of either, paused, ended, no dossier.
    """
    if obligation.kind != "dossier" or obligation.state != "open" or not obligation.holder:
        return None
    if obligation.due_at is None or obligation.holder_due_at is None:
        return None
    return late_from(max(obligation.due_at, obligation.holder_due_at))


def reached(steps: Sequence[Step], *, at: datetime) -> Step | None:
    """Return the highest step reached at `at`; the ones below it went by unnoticed and are not raised any more."""
    return next((step for step in reversed(steps) if step.at <= at), None)


def timer(steps: Sequence[Step], *, raised: int) -> datetime | None:
    """Return when the next step above the level already raised is reached; in the past if it is overdue itself."""
    return next((step.at for step in steps if step.level > raised), None)


def settled(obligation: ObligationChanged, *, at: datetime) -> bool:
    """Return whether nothing is late: it ended, or its due time went or lies ahead. A pause settles nothing."""
    if obligation.state == "ended" or obligation.due_at is None:
        return True
    return obligation.state == "open" and at < late_from(obligation.due_at)


def keeps(obligation: ObligationChanged, *, raised: int, at: datetime) -> bool:
    """Return whether an escalation at level `raised` stands after a change."""
    if raised == NEAR:
        return obligation.state == "open" and obligation.near_at is not None and obligation.near_at <= at
    return raised > NOTHING and not settled(obligation, at=at)
