"""What in a policy is no fault and perhaps not meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import get_args

from services.notify.policies.file import Policies
from services.notify.policies.parts import WORKING_DAY_H
from services.notify.policies.policy import OTHERS, Ladder, Policy, Told
from shared.events import Kind
from shared.rule_files import Fault, Location, Written

Odd = Iterator[tuple[Location, str]]


def odd(policies: Policies) -> list[Fault]:
    """Return what is odd, in the order of the file."""
    found: list[Fault] = []
    first, written = policies.several[0], policies.written[0]
    if first.valid_from:
        why = f"no other policy is in force before {first.valid_from}, so this one is already"
        found.append(written.fault(("valid_from",), why))
    for policy, one in zip(policies.several, policies.written, strict=True):
        found += _of_policy(policy, one)
    return sorted(set(found))


def _of_policy(policy: Policy, written: Written) -> Iterator[Fault]:
    for location, why in (*_weekly(policy), *_kinds(policy)):
        yield written.fault(location, why)
    for kind, several in policy.ladders.items():
        for place, ladder in enumerate(several):
            at: Location = ("ladders", kind, place)
            for location, why in (*_levels(ladder), *_repeats(ladder), *_at_once(ladder, policy)):
                yield written.fault((*at, *location), why)
            if ladder.where and ladder.where.part and kind not in ("answer", OTHERS):
                yield written.fault((*at, "where", "part"), "never reached: only what is owed in a feedback has parts")
            if any(_takes_all_of(earlier, ladder) for earlier in several[:place]):
                yield written.fault((*at, "where"), "never reached: an earlier ladder takes all of this")


def _weekly(policy: Policy) -> Odd:
    if policy.weekly and policy.quiet_hours and policy.quiet_hours.holds(policy.weekly.at):
        yield ("weekly", "at"), "lies in the quiet hours: the page waits until they are over"


def _kinds(policy: Policy) -> Odd:
    if left := [kind for kind in get_args(Kind) if kind not in policy.ladders]:
        yield ("ladders", OTHERS), f"also for {', '.join(left)}, which have no ladder of their own"
    elif OTHERS in policy.ladders:
        yield ("ladders", OTHERS), "never used: every kind has a ladder of its own"


def _levels(ladder: Ladder) -> Odd:
    roles = get_args(Told)
    for place, (lower, upper) in enumerate(pairwise(ladder.levels), start=1):
        if max(map(roles.index, upper.tell)) < max(map(roles.index, lower.tell)):
            yield ("levels", place, "tell"), f"level {upper.level} tells nobody above those of level {lower.level}"
    if not {role for level in ladder.levels for role in level.tell} - {"officer", "head"}:
        yield ("levels",), "nobody above the unit is ever told"
    if not {role for level in ladder.levels for role in level.tell} - {"officer"}:
        yield ("levels",), "no level reaches the head of the unit"


def _repeats(ladder: Ladder) -> Odd:
    for place, level in enumerate(ladder.levels):
        repeat = ladder.repeat_of(level.level)
        later = ladder.levels[place + 1 : place + 2]
        until = later[0].after.nominal_h if later else None
        if ladder.stop and until is None:
            until = ladder.stop.after_working_days * WORKING_DAY_H
        if not repeat or until is None:
            continue
        room = (until - level.after.nominal_h - 1) // (repeat.every_working_days * WORKING_DAY_H)
        if room < repeat.at_most:
            where: Location = ("levels", place, "repeat") if level.repeat else ("repeat",)
            what = f"level {later[0].level} comes" if later else "the ladder stops"
            yield where, f"level {level.level} is told again {room} times at most before {what}"


def _at_once(ladder: Ladder, policy: Policy) -> Odd:
    if policy.quiet_hours is None and (any(rung.at_once for rung in (*ladder.levels, ladder.near) if rung)):
        yield (), "something goes at once and there are no quiet_hours: it goes at night too"


def _takes_all_of(earlier: Ladder, later: Ladder) -> bool:
    """Return whether every matter of `later` is one of `earlier`."""
    if earlier.where is None or later.where is None:
        return False
    pairs: tuple[tuple[Sequence[str], Sequence[str]], ...] = (
        (earlier.where.field, later.where.field),
        (earlier.where.source, later.where.source),
        (earlier.where.part, later.where.part),
    )
    return all(not mine or (theirs and set(theirs) <= set(mine)) for mine, theirs in pairs)
