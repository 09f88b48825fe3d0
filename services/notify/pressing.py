"""What a change of an obligation, or the passing of time, does to the pressing for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.notify import ladder, lines
from services.notify.ladder import Step
from services.notify.lines import Line
from services.notify.policy import NEAR, NOTHING, Policy, Role
from shared.events import EscalationChanged, EscalationClosed, EscalationRaised, ObligationChanged
from shared.worktime import WorkCalendar


@dataclass(frozen=True, slots=True)
class Pressed:
    """An obligation as it is now, and how far pressing for it has come.

    resolved: the unit meant, once looked up. raised: the level reached, `NOTHING` where none stands.
    """

    obligation: ObligationChanged
    resolved: str | None = None
    raised: int = NOTHING
    raised_at: datetime | None = None
    closed_at: datetime | None = None
    calendar_days: bool = False
    escalation_revision: int = 0
    timer_at: datetime | None = None

    @property
    def unit(self) -> str | None:
        """The responsible unit, as far as it is known."""
        return self.resolved or self.obligation.unit


@dataclass(slots=True)
class Change:
    """What follows. lines: to write. gone: lines to remove. said: escalation events with the state they carry."""

    pressed: Pressed
    lines: list[Line] = field(default_factory=list)
    gone: list[Line] = field(default_factory=list)
    said: list[tuple[type[EscalationChanged], Pressed]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides: the policy and the calendar its working days are counted in."""

    policy: Policy
    calendar: WorkCalendar

    def steps(self, obligation: ObligationChanged) -> list[Step]:
        return ladder.steps(obligation, ladder=self.policy.ladders[obligation.kind], calendar=self.calendar)


def follow(
    old: Pressed | None, obligation: ObligationChanged, *, held: Mapping[Role, Line], rules: Rules, at: datetime
) -> Change:
    """Take in a newer state of an obligation: close what is settled, note what moved, set the next timer.

    held: its lines. Levels are raised by `advance` alone; one that is reached already is due at once.
    """
    pressed = replace(old, obligation=obligation) if old else Pressed(obligation)
    if old and (old.obligation.unit, old.obligation.unit_name) != (obligation.unit, obligation.unit_name):
        pressed = replace(pressed, resolved=None)
    change = Change(pressed)
    if pressed.raised > NOTHING and not ladder.keeps(obligation, raised=pressed.raised, at=at):
        _close(change, held, at)
    elif old and old.obligation.due_at != obligation.due_at:
        change.lines = [moved for line in held.values() if (moved := lines.moved(line)) is not line]
    step_at = ladder.timer(rules.steps(obligation), raised=change.pressed.raised)
    change.pressed = replace(change.pressed, timer_at=max(step_at, at) if step_at else None)
    return change


def _close(change: Change, held: Mapping[Role, Line], at: datetime) -> None:
    pressed = change.pressed
    closed = replace(pressed, closed_at=at, escalation_revision=pressed.escalation_revision + 1)
    if pressed.raised > NEAR:
        change.said.append((EscalationClosed, closed))
    change.pressed = replace(closed, raised=NOTHING)
    for line in held.values():
        settled = lines.closed(line)
        if settled:
            change.lines.append(settled)
        else:
            change.gone.append(line)


def advance(pressed: Pressed, *, held: Mapping[Role, Line], rules: Rules, at: datetime, resolved: str | None) -> Change:
    """Raise the highest level reached at `at`, if it is above the one raised, and set the next timer."""
    steps = rules.steps(pressed.obligation)
    step = ladder.reached(steps, at=at)
    change = Change(replace(pressed, resolved=resolved))
    if step and step.level > pressed.raised:
        _raise(change, step, held, rules, at)
    change.pressed = replace(change.pressed, timer_at=ladder.timer(steps, raised=change.pressed.raised))
    return change


def _raise(change: Change, step: Step, held: Mapping[Role, Line], rules: Rules, at: datetime) -> None:
    pressed = change.pressed
    change.pressed = pressed = replace(
        pressed,
        raised=step.level,
        raised_at=at,
        closed_at=None,
        calendar_days=step.calendar_days,
        escalation_revision=pressed.escalation_revision + 1,
    )
    if step.level > NEAR:
        change.said.append((EscalationRaised, pressed))
    about = pressed.obligation.obligation_id
    ladder_of_kind = rules.policy.ladders[pressed.obligation.kind]
    for role, level in ladder_of_kind.told(reached=step.level).items():
        line = lines.raised(held.get(role), obligation_id=about, role=role, level=level)
        if line is not held.get(role):
            change.lines.append(line)


def latest(states: Sequence[ObligationChanged]) -> dict[str, ObligationChanged]:
    """Return the highest revision of each obligation, in id order."""
    found: dict[str, ObligationChanged] = {}
    for state in states:
        if state.obligation_id not in found or state.revision > found[state.obligation_id].revision:
            found[state.obligation_id] = state
    return dict(sorted(found.items()))
