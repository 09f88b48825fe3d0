"""What a change of an obligation, or the passing of time, does to the pressing for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.notify import ladder, lines
from services.notify.directory import NOT_LOOKED_UP, Meant
from services.notify.ladder import Step
from services.notify.lines import Line
from services.notify.policy import NEAR, NOTHING, Policy
from shared import tracing
from shared.events import EscalationChanged, EscalationClosed, EscalationRaised, ObligationChanged
from shared.worktime import WorkCalendar


@dataclass(frozen=True, slots=True)
class Pressed:
    """An obligation as it is now, and how far pressing for it has come.

    meant: who must act, once looked up. raised: the level reached, `NOTHING` where none stands.
    """

    obligation: ObligationChanged
    meant: Meant = NOT_LOOKED_UP
    raised: int = NOTHING
    raised_at: datetime | None = None
    closed_at: datetime | None = None
    calendar_days: bool = False
    escalation_revision: int = 0
    timer_at: datetime | None = None
    trace: str = tracing.NONE  # of what was last said of it

    @property
    def unit(self) -> str | None:
        """The unit that must act, as far as it is known."""
        return self.meant.code or self.obligation.unit


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


def may_change_hands(old: Pressed, new: ObligationChanged) -> bool:
    """Return whether another unit may have to act now, so that it is to be looked up.

    While paused and once ended a dossier stays with whom it was, whatever becomes of its step: nothing fires there.
    """
    return is_reworded(old.obligation, new) or (new.state == "open" and (old.meant.joint or new.holder is not None))


def follow(
    old: Pressed | None,
    obligation: ObligationChanged,
    *,
    held: Sequence[Line],
    meant: Meant | None,
    rules: Rules,
    at: datetime,
    trace: str = tracing.NONE,
) -> Change:
    """Take in a newer state of an obligation: hand it over, close what is settled, note what moved, set the timer.

    held: its lines. meant: who must act now, looked up only where that may have changed and there are lines.
    Levels are raised by `advance` alone; one that is reached already is due at once.
    """
    said = Meant(None, obligation.unit, obligation.unit_name)
    change = Change(replace(old or Pressed(obligation, said), obligation=_explained(old, obligation), trace=trace))
    present = list(held)
    if meant or (old and is_reworded(old.obligation, obligation)):
        change.pressed = replace(change.pressed, meant=meant or said)
    if old and meant and (meant.code, meant.joint) != (old.meant.code, old.meant.joint):
        present = _handed_over(held, joint=meant.joint)
    raised = change.pressed.raised
    if raised > NOTHING and not ladder.keeps(obligation, raised=raised, at=at):
        _close(change, at)
        present = [settled for line in present if (settled := lines.closed(line))]
    elif old and old.obligation.due_at != obligation.due_at:
        present = [lines.moved(line) for line in present]
    _write(change, present, held)
    timer_at = _timer(change.pressed, rules, at)
    change.pressed = replace(change.pressed, timer_at=max(timer_at, at) if timer_at else None)
    return change


def _explained(old: Pressed | None, new: ObligationChanged) -> ObligationChanged:
    """Return the new state with the reason why the due time moved, for as long as it stays where it was moved to.

    deadline says it once, in the event that moved it; the digest that tells of it may come after further events.
    """
    if old is None or new.because or new.due_at != old.obligation.due_at:
        return new
    return new.model_copy(update={"because": old.obligation.because})


def _handed_over(held: Sequence[Line], *, joint: bool) -> list[Line]:
    """Return the lines after another unit has to act; in joint processing the unit that received it is informed."""
    handed = [line for each in held for line in lines.handed_over(each)]
    if joint and held:
        handed.append(lines.informed(held[0].obligation_id))
    # a unit that has it for the second time was told before: what is kept now replaces what was kept then
    return list({line.key: line for line in reversed(handed)}.values())[::-1]


def _write(change: Change, present: Sequence[Line], held: Sequence[Line]) -> None:
    """Note which lines are other than before and which are gone."""
    keys = {line.key for line in present}
    change.lines = [line for line in present if line not in held]
    change.gone = [line for line in held if line.key not in keys]


def _timer(pressed: Pressed, rules: Rules, at: datetime) -> datetime | None:
    """Return when to look again: at the next level, or when its holder's step is late too."""
    level_at = ladder.timer(rules.steps(pressed.obligation), raised=pressed.raised)
    turns_at = ladder.turns_at(pressed.obligation)
    return min((when for when in (level_at, turns_at if turns_at and turns_at > at else None) if when), default=None)


def _close(change: Change, at: datetime) -> None:
    pressed = change.pressed
    closed = replace(pressed, closed_at=at, escalation_revision=pressed.escalation_revision + 1)
    if pressed.raised > NEAR:
        change.said.append((EscalationClosed, closed))
    change.pressed = replace(closed, raised=NOTHING)


def advance(pressed: Pressed, *, held: Sequence[Line], rules: Rules, at: datetime, meant: Meant) -> Change:
    """Raise the highest level reached at `at`, if it is above the one raised, and set the next timer.

    A late dossier goes over to the holder of its step as soon as the step is late, whatever the level.
    """
    step = ladder.reached(rules.steps(pressed.obligation), at=at)
    change = Change(replace(pressed, meant=meant))
    present = list(held) if meant.joint == pressed.meant.joint else _handed_over(held, joint=meant.joint)
    if step and step.level > pressed.raised:
        present = _raise(change, step, present, rules, at)
    _write(change, present, held)
    change.pressed = replace(change.pressed, timer_at=_timer(change.pressed, rules, at))
    return change


def _raise(change: Change, step: Step, held: Sequence[Line], rules: Rules, at: datetime) -> list[Line]:
    """Raise a level and return the lines it makes of those held."""
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
    if pressed.meant.joint and "receiving" not in own:
        own["receiving"] = lines.informed(about)
    return [*own.values(), *(lines.reopened(line) for line in held if line.former)]


def latest(states: Sequence[ObligationChanged]) -> dict[str, ObligationChanged]:
    """Return the highest revision of each obligation, in id order."""
    found: dict[str, ObligationChanged] = {}
    for state in states:
        if state.obligation_id not in found or state.revision > found[state.obligation_id].revision:
            found[state.obligation_id] = state
    return dict(sorted(found.items()))
