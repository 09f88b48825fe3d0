"""What a change of an obligation, or the passing of time, does to the pressing for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.notify import ladder, lines
from services.notify.ladder import Step
from services.notify.lines import Line
from services.notify.policy import NEAR, NOTHING, Policy
from shared import tracing
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
    trace: str = tracing.NONE  # of what was last said of it

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


def is_reworded(old: ObligationChanged, new: ObligationChanged) -> bool:
    """Return whether the words for the responsible unit changed; they may still mean the same one."""
    return (old.unit, old.unit_name) != (new.unit, new.unit_name)


def follow(
    old: Pressed | None,
    obligation: ObligationChanged,
    *,
    held: Sequence[Line],
    resolved: str | None,
    rules: Rules,
    at: datetime,
    trace: str = tracing.NONE,
) -> Change:
    """Take in a newer state of an obligation: hand it over, close what is settled, note what moved, set the timer.

    held: its lines. resolved: the unit its words mean now, asked for only where they changed and there are lines.
    Levels are raised by `advance` alone; one that is reached already is due at once.
    """
    change = Change(replace(old or Pressed(obligation), obligation=obligation, trace=trace))
    present = list(held)
    if old and is_reworded(old.obligation, obligation):
        change.pressed = replace(change.pressed, resolved=resolved)
        if resolved != old.resolved:
            present = [line for handed in held for line in lines.handed_over(handed)]
    raised = change.pressed.raised
    if raised > NOTHING and not ladder.keeps(obligation, raised=raised, at=at):
        _close(change, at)
        present = [settled for line in present if (settled := lines.closed(line))]
    elif old and old.obligation.due_at != obligation.due_at:
        present = [lines.moved(line) for line in present]
    keys = {line.key for line in present}
    change.lines = [line for line in present if line not in held]
    change.gone = [line for line in held if line.key not in keys]
    step_at = ladder.timer(rules.steps(obligation), raised=change.pressed.raised)
    change.pressed = replace(change.pressed, timer_at=max(step_at, at) if step_at else None)
    return change


def _close(change: Change, at: datetime) -> None:
    pressed = change.pressed
    closed = replace(pressed, closed_at=at, escalation_revision=pressed.escalation_revision + 1)
    if pressed.raised > NEAR:
        change.said.append((EscalationClosed, closed))
    change.pressed = replace(closed, raised=NOTHING)


def advance(pressed: Pressed, *, held: Sequence[Line], rules: Rules, at: datetime, resolved: str | None) -> Change:
    """Raise the highest level reached at `at`, if it is above the one raised, and set the next timer."""
    steps = rules.steps(pressed.obligation)
    step = ladder.reached(steps, at=at)
    change = Change(replace(pressed, resolved=resolved))
    if step and step.level > pressed.raised:
        _raise(change, step, held, rules, at)
    change.pressed = replace(change.pressed, timer_at=ladder.timer(steps, raised=change.pressed.raised))
    return change


def _raise(change: Change, step: Step, held: Sequence[Line], rules: Rules, at: datetime) -> None:
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
    own = {line.role: line for line in held if not line.former}
    for role, level in ladder_of_kind.told(reached=step.level).items():
        own[role] = lines.raised(own.get(role), obligation_id=about, role=role, level=level)
    present = [*own.values(), *(lines.reopened(line) for line in held if line.former)]
    change.lines += [line for line in present if line not in held]


def latest(states: Sequence[ObligationChanged]) -> dict[str, ObligationChanged]:
    """Return the highest revision of each obligation, in id order."""
    found: dict[str, ObligationChanged] = {}
    for state in states:
        if state.obligation_id not in found or state.revision > found[state.obligation_id].revision:
            found[state.obligation_id] = state
    return dict(sorted(found.items()))
