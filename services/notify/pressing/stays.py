"""What was answered to a notice, and for how long that holds the ladder of an obligation. Pure; never reads a clock.

An answer stands for (obligation, post): it belongs to the unit, whoever heads it, and is silent about other posts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

from services.notify.policies.ladder import Step
from services.notify.policies.parts import Promises
from shared.events import AnswerKind
from shared.worktime import CalendarEndsError, WorkCalendar, working_days_from

# running: holds. kept: settled in time. missed: a promise ran out. over: nobody decided in time on what was said.
# renewed: a later promise took its place. ended: something else did, see `why`
StayState = Literal["running", "kept", "missed", "over", "renewed", "ended"]
StayWhy = Literal["", "moved", "handed_over", "reopened", "paused", "decided"]


@dataclass(frozen=True, slots=True)
class Stay:
    """An answer of one post about one obligation.

    id: of the row, 0 until it is stored. revision: of the obligation, as the notice had it. level: the highest that
    this post was told of. until: to when it holds. renewal: how many promises came before. spent: of a due time, a unit
    or an escalation that is no more; it counts for nothing now.
    """

    obligation_id: str
    post: str
    kind: AnswerKind
    revision: int
    level: int
    made_at: datetime
    until: datetime
    renewal: int = 0
    state: StayState = "running"
    why: StayWhy = ""
    ended_at: datetime | None = None
    spent: bool = False
    answer_id: int = 0
    id: int = 0

    @property
    def runs(self) -> bool:
        return self.state == "running"


Stays = tuple[Stay, ...]


def end_of_day(on: date, *, calendar: WorkCalendar) -> datetime:
    """Return until when a promise for a day is good.

    law: Bộ luật Dân sự 2015 Đ.148(6) - the last day of a term ends at 24:00.
    """
    return datetime.combine(on + timedelta(days=1), time(), calendar.zone)


def working_days_on(calendar: WorkCalendar, *, at: datetime, days: int) -> datetime:
    """Return the n-th working day from `at`; where the calendar does not reach, days of any kind are counted."""
    try:
        return working_days_from(calendar, due=at, days=days)
    except CalendarEndsError:
        return at + timedelta(days=days)


def last_day(limits: Promises, *, calendar: WorkCalendar, at: datetime) -> date:
    """Return the last day that may be promised at `at`."""
    return working_days_on(calendar, at=at, days=limits.limit_working_days).astimezone(calendar.zone).date()


def rests(stays: Iterable[Stay], *, raised: int) -> bool:
    """Return whether the next level is not raised now: who was told of the highest one raised has answered.

    An answer from below leaves alone what was raised above it.
    """
    return any(stay.runs and stay.level >= raised for stay in stays)


def silences(stays: Iterable[Stay], *, post: str | None) -> bool:
    """Return whether a post is not to be told again: its own answer holds. Others are told all the same."""
    return any(stay.runs and stay.post == post for stay in stays)


def due_step(steps: Sequence[Step], reached: Step | None, *, stays: Stays, raised: int, at: datetime) -> Step | None:
    """Return the level to raise now, if any: the one reached, and after a missed promise at least the next above.

    steps: those of the obligation, the earliest first. reached: the highest of them whose time has come.
    """
    if rests(stays, raised=raised):
        return None
    above = next((step for step in steps if step.level > raised), None) if _is_owed(stays, raised) else None
    step = max((one for one in (reached, above) if one), key=lambda one: one.level, default=None)
    return replace(step, at=min(step.at, at)) if step and step.level > raised else None


def timer(level_at: datetime | None, *, steps: Sequence[Step], stays: Stays, raised: int) -> datetime | None:
    """Return when to look again: when the next level is reached, unless it rests, and when an answer runs out."""
    ends = [stay.until for stay in stays if stay.runs] if steps else []
    if rests(stays, raised=raised):
        return min(ends, default=None)
    if level_at and _is_owed(stays, raised):
        level_at = max(stay.until for stay in stays if stay.state == "missed")
    return min((when for when in (level_at, *ends) if when), default=None)


def _is_owed(stays: Stays, raised: int) -> bool:
    """Return whether a promise was missed that nothing was raised for yet."""
    return any(stay.state == "missed" and not stay.spent and stay.level >= raised for stay in stays)


def run_out(stays: Stays, *, at: datetime) -> Stays:
    """Return the answers after time has passed: a promise is missed, what the operator did not decide on is over."""
    return tuple(
        replace(stay, state="missed" if stay.kind == "promise" else "over", ended_at=at)
        if stay.runs and stay.until <= at
        else stay
        for stay in stays
    )


def ended(stays: Stays, *, why: StayWhy, at: datetime, spent: bool = True) -> Stays:
    """Return the answers after what they were about is no more; what runs ends without a word of kept or missed."""
    return tuple(
        replace(stay, state="ended", why=why, ended_at=at, spent=spent)
        if stay.runs
        else replace(stay, spent=stay.spent or spent)
        for stay in stays
    )


def settled(stays: Stays, *, settled_at: datetime, at: datetime) -> Stays:
    """Return the answers after the matter was settled. settled_at: when, which may be heard of late, after a miss."""

    def after(stay: Stay) -> Stay:
        if not (stay.runs or stay.state == "missed") or stay.spent:
            return stay
        if stay.kind != "promise" or settled_at <= stay.until:
            return replace(stay, state="kept", ended_at=at)
        return stay if stay.state == "missed" else replace(stay, state="missed", ended_at=at)

    return tuple(after(stay) for stay in stays)


def decided(stays: Stays, *, kind: AnswerKind, at: datetime) -> Stays:
    """Return the answers after the operator decided on what was said: it holds the ladder no longer."""
    return tuple(
        replace(stay, state="ended", why="decided", ended_at=at) if stay.runs and stay.kind == kind else stay
        for stay in stays
    )


def missed_since(old: Stays, new: Stays) -> bool:
    """Return whether a promise was missed between two states of the same answers."""
    before = {stay.id for stay in old if stay.state == "missed"}
    return any(stay.state == "missed" and stay.id not in before for stay in new)


def promised(stays: Stays) -> Stay | None:
    """Return the promise that stands for all: the running one of the highest level, else the one that ended last."""
    alive = [stay for stay in stays if stay.kind == "promise" and stay.state != "renewed" and not stay.spent]
    if running := [stay for stay in alive if stay.runs]:
        return max(running, key=lambda stay: (stay.level, stay.until))
    return max(alive, key=lambda stay: (stay.ended_at or stay.made_at, stay.id), default=None)


def disputed(stays: Stays) -> AnswerKind | None:
    """Return what was said instead of a promise and is not decided yet."""
    return next((stay.kind for stay in stays if stay.runs and stay.kind != "promise"), None)
