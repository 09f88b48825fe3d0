"""What became of each level of an obligation's ladder, for people who ask why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from services.notify.policies.ladder import Step

Outcome = Literal["told", "raised", "passed_over", "due_now", "ahead"]


def outcomes(steps: Sequence[Step], *, raised: int, told: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    """Return each level with the instant it is reached and what became of it.

    raised: the highest level raised. told: the levels that notices speak of.
    returns: `told` by a notice, `raised` and not told yet, `passed_over` as a higher one was raised at once,
        `due_now` and not raised yet, `ahead`.
    """
    return [{"level": step.level, "at": step.at, "outcome": _outcome(step, raised, told, at)} for step in steps]


def _outcome(step: Step, raised: int, told: Sequence[int], at: datetime) -> Outcome:
    if step.level <= raised and step.level in told:
        return "told"
    if step.level == raised:
        return "raised"
    if step.level < raised:
        return "passed_over"
    return "due_now" if step.at <= at else "ahead"
