"""How much a provider is trusted: its share moves by steps, and at none it rests and is then tried by one notice. Pure.

Times are seconds of a clock that only grows. Each copy of notify has its own opinion, from what itself has seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

STEPS = 4  # a failure takes a quarter of the share
RAISE_AFTER = 3  # taken in a row, until a quarter comes back
FIRST_REST_S, LONGEST_REST_S = 2.0, 300.0  # doubled by each trial that fails
LONGEST_ASKED_S = 600.0  # of what a provider asks for itself

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What was seen of a provider. step: quarters of its share. taken: in a row since the last step.

    open_until: while it is 0, the share is none; then one notice tries. rest_s: how long it rested last.
    asked_until: it said to come no earlier, which is no failure.
    """

    step: int = STEPS
    taken: int = 0
    failed: int = 0
    open_until: float | None = None
    rest_s: float = 0.0
    asked_until: float = 0.0


def state(of: Standing, *, now: float) -> State:
    """Return closed: it gets its share; open: nothing; half_open: one notice at a time, as a trial."""
    if now < of.asked_until:
        return "open"
    if of.open_until is None:
        return "closed"
    return "open" if now < of.open_until else "half_open"


def succeeded(of: Standing) -> Standing:
    """Return the standing after a notice was taken, or refused for good: the provider works."""
    if of.open_until is not None:
        return replace(of, step=1, taken=0, failed=0, open_until=None, rest_s=0.0)
    if of.step < STEPS and of.taken + 1 >= RAISE_AFTER:
        return replace(of, step=of.step + 1, taken=0, failed=0)
    return replace(of, taken=of.taken + 1, failed=0)


def failed(of: Standing, *, now: float) -> Standing:
    """Return the standing after a failure of the provider: a step less; none left, or a trial failed: it rests."""
    if of.open_until is not None and now < of.open_until:  # begun before it was seen to fail
        return replace(of, failed=of.failed + 1, taken=0)
    step = max(of.step - 1, 0)
    if step and of.open_until is None:
        return replace(of, step=step, taken=0, failed=of.failed + 1)
    rest = min(max(FIRST_REST_S, of.rest_s * 2), LONGEST_REST_S)
    return replace(of, step=0, taken=0, failed=of.failed + 1, open_until=now + rest, rest_s=rest)


def asked_to_wait(of: Standing, *, seconds: float, now: float) -> Standing:
    """Return the standing after the provider itself said to come later: throttled, which is no failure."""
    return replace(of, asked_until=max(of.asked_until, now + min(seconds, LONGEST_ASKED_S)))
