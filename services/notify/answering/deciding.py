"""What an answer does to the pressing for one obligation, or why it is not taken. Pure; never reads a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.notify.answering.shapes import OfMatters, Promise
from services.notify.policies.policy import NEAR
from services.notify.pressing import pressing, stays
from services.notify.pressing.lines import Line
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.rules import Rules
from services.notify.pressing.stays import Stay
from shared.events import AnswerKind, EscalationAcknowledged

# closed: settled meanwhile. not_yours: another post is told now. paused: nothing is pressed for meanwhile.
# standing: another answer holds. used_up: no promise is left. too_far, past, not_later: the day promised.
# said_before: it was said once and is not said again
Refusal = Literal["closed", "not_yours", "paused", "standing", "used_up", "too_far", "past", "not_later", "said_before"]


@dataclass(frozen=True, slots=True)
class Item:
    """An obligation as a notice covers it. revision: which state of it the notice told."""

    obligation_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer that counts. repeated: it was given before, nothing changes."""

    change: Change | None
    repeated: bool = False


def answered(
    pressed: Pressed, answer: OfMatters, *, post: str, item: Item, held: Sequence[Line], rules: Rules, at: datetime
) -> Taken | Refusal:
    """Return what follows from an answer of `post` about one obligation, locked with its lines.

    held: its lines. Decided on what is now: what the notice said may be past. A promise may be followed by a later one
    as often as the policy says; what was said instead of a promise is said once until something changes.
    """
    level = told_level(held, post=post)
    if pressed.raised <= NEAR:
        return "closed"
    if level is None:
        return "not_yours"
    mine = [stay for stay in pressed.stays if stay.post == post and not stay.spent]
    stay = Stay(pressed.obligation.obligation_id, post, answer.answer, item.revision, level, at, at)
    if isinstance(answer, Promise):
        return _promised(pressed, stay, answer, mine=mine, rules=rules, at=at)
    return _said(pressed, stay, answer.answer, mine=mine, rules=rules, at=at)


def told_level(held: Sequence[Line], *, post: str) -> int | None:
    """Return the highest level of which a post is told now, None where it is told of nothing late."""
    levels = (
        line.level
        for line in held
        if line.post == post and not line.former and line.role != "receiving" and line.news != "settled"
    )
    return max((level for level in levels if level > NEAR), default=None)


def _promised(
    pressed: Pressed, stay: Stay, answer: Promise, *, mine: Sequence[Stay], rules: Rules, at: datetime
) -> Taken | Refusal:
    limits, calendar = rules.policy.promises, rules.calendar_of(stay.post)
    if pressed.obligation.state == "paused":
        return "paused"
    if answer.until < at.astimezone(calendar.zone).date():
        return "past"
    if answer.until > stays.last_day(limits, calendar=calendar, at=at):
        return "too_far"
    until = stays.end_of_day(answer.until, calendar=calendar)
    running = next((one for one in mine if one.runs and one.kind == "promise"), None)
    if running and running.until == until:
        return Taken(None, repeated=True)
    if any(one.runs and one.kind != "promise" for one in mine):
        return "standing"
    if running and until < running.until:
        return "not_later"
    made = sum(one.kind == "promise" for one in mine)
    if made > limits.renewals:
        return "used_up"
    return _taken(pressed, replace(stay, until=until, renewal=made), instead_of=running, rules=rules, at=at)


def _said(
    pressed: Pressed, stay: Stay, kind: AnswerKind, *, mine: Sequence[Stay], rules: Rules, at: datetime
) -> Taken | Refusal:
    if any(one.runs and one.kind == kind for one in mine):
        return Taken(None, repeated=True)
    # who promised may say that it is done by now, not that it never was theirs
    if any(one.runs and not (one.kind == "promise" and kind == "settled") for one in mine):
        return "standing"
    if any(one.kind == kind for one in mine):
        return "said_before"
    days = rules.policy.promises.decide_working_days
    until = stays.working_days_on(rules.calendar, at=at, days=days)
    return _taken(pressed, replace(stay, until=until), instead_of=None, rules=rules, at=at)


def _taken(pressed: Pressed, stay: Stay, *, instead_of: Stay | None, rules: Rules, at: datetime) -> Taken:
    kept = [replace(one, state="renewed", ended_at=at) if one == instead_of else one for one in pressed.stays]
    change = pressing.answered_by(pressed, (*kept, stay), event=EscalationAcknowledged, rules=rules, at=at)
    return Taken(change)
