"""What a change of an obligation, or the passing of time, does to the pressing for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.notify.addressing.directory import NOT_LOOKED_UP, Meant
from services.notify.policies import ladder
from services.notify.policies.ladder import Step
from services.notify.policies.policy import NEAR, NOTHING
from services.notify.pressing import lines
from services.notify.pressing import stays as answered
from services.notify.pressing.lines import Line
from services.notify.pressing.rules import Rules
from services.notify.pressing.stays import Stay, Stays
from shared import tracing
from shared.events import EscalationChanged, EscalationClosed, EscalationRaised, ObligationChanged


@dataclass(frozen=True, slots=True)
class Pressed:
    """An obligation as it is now, and how far pressing for it has come.

    meant: who must act, once looked up. raised: the level reached, `NOTHING` where none stands. repeated: how often
    that was told again. rested_at: since when its ladder rests. stays: what was answered.
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
    repeated: int = 0
    rested_at: datetime | None = None
    stays: Stays = ()

    @property
    def unit(self) -> str | None:
        """The unit that must act, as far as it is known."""
        return self.meant.code or self.obligation.unit


@dataclass(slots=True)
class Change:
    """What follows. lines: to write. gone: lines to remove. said: escalation events with the state they carry.

    stays: answers to write.
    """

    pressed: Pressed
    lines: list[Line] = field(default_factory=list)
    gone: list[Line] = field(default_factory=list)
    said: list[tuple[type[EscalationChanged], Pressed]] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)


def is_reworded(old: ObligationChanged, new: ObligationChanged) -> bool:
    """Return whether the words for the responsible unit changed; they may still mean the same one."""
    return (old.unit, old.unit_name, old.unit_code) != (new.unit, new.unit_name, new.unit_code)


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
    said = Meant(None, obligation.unit_code or obligation.unit, None if obligation.unit_code else obligation.unit_name)
    change = Change(replace(old or Pressed(obligation, said), obligation=_explained(old, obligation), trace=trace))
    present = list(held)
    handed = bool(old and meant and _is_another(meant, old.meant))
    if meant or (old and is_reworded(old.obligation, obligation)):
        change.pressed = replace(change.pressed, meant=meant or said)
    if handed:
        present = lines.of_another(held, joint=change.pressed.meant.joint)
    if old and old.obligation.restricted != obligation.restricted:
        present = lines.closed_to_some(present)
    change.pressed = replace(change.pressed, stays=_answered(old, change.pressed, handed=handed, at=at))
    raised = change.pressed.raised
    near_at = rules.near_at(obligation, change.pressed.meant)
    if raised > NOTHING and not ladder.keeps(obligation, raised=raised, near_at=near_at, at=at):
        _close(change, at)
        away = _moved_away(old, obligation)
        present = [settled for line in present if (settled := lines.closed(line, moved_away=away))]
    elif old and old.obligation.due_at != obligation.due_at:
        present = [lines.moved(line) for line in present]
    if old and change.pressed.raised > NEAR and old.stays != change.pressed.stays:
        _say(change, EscalationChanged)
    _write(change, present, held, stays=old.stays if old else ())
    change.pressed = reckoned(change.pressed, rules=rules, at=at)
    return change


def reckoned(pressed: Pressed, *, rules: Rules, at: datetime) -> Pressed:
    """Return the same with its timer reckoned anew, by what is known and in force now. What was raised stays raised."""
    rests_at = rules.rests_at(pressed.obligation, pressed.meant)
    if pressed.rested_at and (rests_at is None or rests_at > at):
        pressed = replace(pressed, rested_at=None)
    timer_at = _timer(pressed, rules, at)
    return replace(pressed, timer_at=max(timer_at, at) if timer_at else None)


def _moved_away(old: Pressed | None, new: ObligationChanged) -> bool:
    """Return whether the due time of an open matter lies further ahead than before."""
    before = old.obligation.due_at if old else None
    return new.state == "open" and before is not None and new.due_at is not None and new.due_at > before


def _answered(old: Pressed | None, pressed: Pressed, *, handed: bool, at: datetime) -> Stays:
    """Return the answers after a newer state: what they were about may be settled, or no more."""
    if old is None or not old.stays:
        return ()
    was, now = old.obligation, pressed.obligation
    if now.state == "ended":
        return answered.settled(old.stays, settled_at=now.ended_at or at, at=at)
    if handed:
        return answered.ended(old.stays, why="handed_over", at=at)
    if was.due_at != now.due_at:
        return answered.ended(old.stays, why="moved", at=at)
    if was.state == "ended":
        return answered.ended(old.stays, why="reopened", at=at)
    return answered.ended(old.stays, why="paused", at=at, spent=False) if now.state == "paused" else old.stays


def _explained(old: Pressed | None, new: ObligationChanged) -> ObligationChanged:
    """Return the new state with the reason why the due time moved, for as long as it stays where it was moved to.

    deadline says it once, in the event that moved it; the digest that tells of it may come after further events.
    """
    if old is None or new.because or new.due_at != old.obligation.due_at:
        return new
    return new.model_copy(update={"because": old.obligation.because})


def _is_another(meant: Meant, before: Meant) -> bool:
    return (meant.code, meant.joint) != (before.code, before.joint)


def _write(change: Change, present: Sequence[Line], held: Sequence[Line], *, stays: Stays) -> None:
    """Note which lines and answers are other than before and which lines are gone."""
    change.stays = [stay for stay in change.pressed.stays if stay not in stays]
    keys = {line.key for line in present}
    change.lines = [line for line in present if line not in held]
    change.gone = [line for line in held if line.key not in keys]


def _timer(pressed: Pressed, rules: Rules, at: datetime) -> datetime | None:
    """Return when to look again: at the next level, repeat, rest or end of an answer, or when a holder is late too."""
    steps = rules.steps(pressed.obligation, pressed.meant)
    level_at = ladder.timer(steps, raised=pressed.raised)
    turns_at = ladder.turns_at(pressed.obligation)
    coming = [
        answered.timer(level_at, steps=steps, stays=pressed.stays, raised=pressed.raised),
        turns_at if turns_at and turns_at > at else None,
        _repeats_at(pressed, rules, times=pressed.repeated + 1),
    ]
    if pressed.raised > NEAR and not pressed.rested_at:
        coming.append(rules.rests_at(pressed.obligation, pressed.meant))
    return min((when for when in coming if when), default=None)


def _repeats_at(pressed: Pressed, rules: Rules, *, times: int) -> datetime | None:
    """Return when what stands is told again for the `times`-th time; None while who was told last has answered."""
    if pressed.raised <= NEAR or pressed.rested_at or answered.rests(pressed.stays, raised=pressed.raised):
        return None
    return rules.repeats_at(
        pressed.obligation, pressed.meant, level=pressed.raised, raised_at=pressed.raised_at, times=times
    )


def _close(change: Change, at: datetime) -> None:
    pressed = replace(change.pressed, escalation_revision=change.pressed.escalation_revision + 1)
    if pressed.raised > NEAR:
        pressed = replace(pressed, closed_at=at)
        change.said.append((EscalationClosed, pressed))
    change.pressed = replace(pressed, raised=NOTHING, repeated=0, rested_at=None)


def advance(pressed: Pressed, *, held: Sequence[Line], rules: Rules, at: datetime, meant: Meant) -> Change:
    """Raise the highest level reached at `at`, if it is above the one raised, and set the next timer.

    Else what stands is told again where that is due, once however often it was missed. A late dossier goes over to the
    holder of its step as soon as the step is late, whatever the level. While who was told last has answered, nothing is
    raised or told again; a promise that was missed raises the level above at once. meant: who must act now, looked up;
    of a unit that is no more that is known here before deadline says so.
    """
    steps = rules.steps(pressed.obligation, meant)
    change = Change(replace(pressed, meant=meant, stays=answered.run_out(pressed.stays, at=at)))
    present, raised = list(held), pressed.raised
    handed = _is_another(meant, pressed.meant)
    if handed:
        present = lines.of_another(held, joint=meant.joint)
        change.pressed = replace(change.pressed, stays=answered.ended(pressed.stays, why="handed_over", at=at))
    missed = answered.missed_since(pressed.stays, change.pressed.stays)
    if missed:
        present = [lines.moved(line) if line.told > NEAR else line for line in present]
    step = answered.due_step(steps, ladder.reached(steps, at=at), stays=change.pressed.stays, raised=raised, at=at)
    if step:
        present = _raise(change, step, present, rules, at)
    else:
        present = _again(change, present, rules, at)
        if missed or (handed and raised > NEAR and change.pressed.stays != pressed.stays):
            _say(change, EscalationChanged)
    rests_at = rules.rests_at(pressed.obligation, meant)
    if rests_at and rests_at <= at and change.pressed.raised > NEAR and not change.pressed.rested_at:
        change.pressed = replace(change.pressed, rested_at=at)
    _write(change, present, held, stays=pressed.stays)
    change.pressed = replace(change.pressed, timer_at=_timer(change.pressed, rules, at))
    return change


def _again(change: Change, present: list[Line], rules: Rules, at: datetime) -> list[Line]:
    """Return the lines after what stands was told again where that is due; not to a post whose own answer holds."""
    pressed = change.pressed
    times = pressed.repeated
    while (due := _repeats_at(pressed, rules, times=times + 1)) and due <= at:
        times += 1
    if times == pressed.repeated:
        return present
    change.pressed = replace(pressed, repeated=times)
    rung = rules.policy.ladder_of(pressed.obligation).rung(pressed.raised)
    told = rung.tell if rung else ()
    return [
        lines.again(line) if line.role in told and not answered.silences(pressed.stays, post=line.post) else line
        for line in present
    ]


def answered_by(
    pressed: Pressed, stays: Stays, *, event: type[EscalationChanged], rules: Rules, at: datetime
) -> Change:
    """Return what follows when there are other answers than before; a level that need not rest any more is due now."""
    change = Change(replace(pressed, stays=stays))
    _say(change, event)
    change.stays = [stay for stay in stays if stay not in pressed.stays]
    change.pressed = reckoned(change.pressed, rules=rules, at=at)
    return change


def _say(change: Change, event: type[EscalationChanged]) -> None:
    """Let the present state be said, under a revision of its own."""
    change.pressed = replace(change.pressed, escalation_revision=change.pressed.escalation_revision + 1)
    change.said.append((event, change.pressed))


def _raise(change: Change, step: Step, held: Sequence[Line], rules: Rules, at: datetime) -> list[Line]:
    """Raise a level and return the lines it makes of those held."""
    pressed = change.pressed
    first = pressed.raised == NOTHING
    change.pressed = pressed = replace(
        pressed,
        stays=answered.ended(pressed.stays, why="reopened", at=at) if first else pressed.stays,
        raised=step.level,
        raised_at=at,
        closed_at=None,
        calendar_days=step.calendar_days,
        repeated=0,
        escalation_revision=pressed.escalation_revision + 1,
    )
    if step.level > NEAR:
        change.said.append((EscalationRaised, pressed))
    about = pressed.obligation.obligation_id
    ladder_of_kind = rules.policy.ladder_of(pressed.obligation)
    told = ladder_of_kind.told(reached=step.level)
    own = {line.role: line if line.role in told else lines.reopened(line) for line in held if not line.former}
    for role, level in told.items():
        rung = ladder_of_kind.rung(level)
        at_once = rung is not None and rung.at_once
        own[role] = lines.raised(own.get(role), obligation_id=about, role=role, level=level, at_once=at_once)
    if pressed.meant.joint and "receiving" not in own:
        own["receiving"] = lines.informed(about)
    return [*own.values(), *(lines.reopened(line) for line in held if line.former)]
