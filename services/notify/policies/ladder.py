"""How far the pressing for one obligation has come, and when it goes on. Pure; never reads a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notify.policies.parts import WORKING_DAY_H, Offset, Repeat
from services.notify.policies.policy import NEAR, NOTHING, Ladder
from shared.events import ObligationChanged
from shared.worktime import CalendarEndsError, WorkCalendar, open_time_after, working_days_from

SECOND = timedelta(seconds=1)
HOUR_S = 3600


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
    start = _start(obligation, due_at)
    found = []
    near = near_at(obligation, ladder=ladder, calendar=calendar)
    if near and near < start and not obligation.backlog:
        found.append(Step(NEAR, near))
    earliest = late_from(due_at)
    for level in ladder.levels:
        at, by_calendar_days = _from(calendar, start, level.after)
        earliest = max(at, earliest)  # where a day has few hours, a level in hours may come to lie behind one in days
        found.append(Step(level.level, earliest, by_calendar_days))
    return found


def near_at(obligation: ObligationChanged, *, ladder: Ladder, calendar: WorkCalendar) -> datetime | None:
    """Return when the due time is near by this ladder, None where it tells nobody or the matter came in later.

    Where the ladder says no offset it is when deadline says so; where the calendar does not reach, calendar days count.
    """
    if ladder.near is None or obligation.due_at is None:
        return None
    if ladder.near.before is None:
        return obligation.near_at
    at, _ = _from(calendar, obligation.due_at, ladder.near.before, back=True)
    return at if obligation.accepted_at is None or at > obligation.accepted_at else None


def rests_at(obligation: ObligationChanged, *, ladder: Ladder, calendar: WorkCalendar) -> datetime | None:
    """Return when the ladder stops and rests, None where it never does."""
    if ladder.stop is None or obligation.state != "open" or obligation.due_at is None:
        return None
    start = _start(obligation, obligation.due_at)
    return _from(calendar, start, Offset(working_days=ladder.stop.after_working_days))[0]


def repeats_at(repeat: Repeat, *, raised_at: datetime, times: int, calendar: WorkCalendar) -> datetime | None:
    """Return when a level raised at `raised_at` is told again for the `times`-th time; None beyond `at_most`."""
    if times > repeat.at_most:
        return None
    return _from(calendar, raised_at, Offset.model_construct(working_days=times * repeat.every_working_days))[0]


def _start(obligation: ObligationChanged, due_at: datetime) -> datetime:
    """Return from when levels count; backlog was past due when it was first heard of, and counts from then."""
    return max(due_at, obligation.heard_at) if obligation.backlog else due_at


def _from(calendar: WorkCalendar, start: datetime, offset: Offset, *, back: bool = False) -> tuple[datetime, bool]:
    """Return an instant at an offset, and whether calendar days had to do, the calendar not reaching so far."""
    sign = -1 if back else 1
    days, hours = offset.working_days, offset.working_hours
    if not days and not hours:
        return start, False
    try:
        if hours:
            return open_time_after(calendar, start=start, seconds=sign * hours * HOUR_S), False
        return working_days_from(calendar, due=start, days=sign * (days or 0)), False
    except CalendarEndsError:
        return start + sign * timedelta(days=days or -(-(hours or 0) // WORKING_DAY_H)), True


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


def keeps(obligation: ObligationChanged, *, raised: int, near_at: datetime | None, at: datetime) -> bool:
    """Return whether an escalation at level `raised` stands after a change. near_at: by its ladder."""
    if raised == NEAR:
        return obligation.state == "open" and near_at is not None and near_at <= at
    return raised > NOTHING and not settled(obligation, at=at)
