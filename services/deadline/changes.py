"""What changed between two states of an obligation, and what the sweep finds due. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.events import (
    DeadlineMoved,
    DeadlineNear,
    DeadlinePassed,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineSet,
    Obligation,
    ObligationChanged,
    ObligationEnded,
    ObligationReopened,
)
from shared.instants import canonical

UNTOLD: dict[str, Any] = {
    "channel": None,
    "digitised": None,
    "paid_online": None,
    "unit_code": None,
    "restricted": [],
    "confidential": False,
}  # what a state stored before them says of these


def changed(old: Obligation | None, new: Obligation) -> type[ObligationChanged] | None:
    """Return the narrowest event for a change, or None where nothing changed.

    `new` keeps what the sweep said of the same due time, so that it is not said twice.
    """
    if old is None:
        return ObligationEnded if new["state"] == "ended" else DeadlineSet if new["due_at"] else ObligationChanged
    if old["state"] == new["state"] == "open" and old["due_at"] == new["due_at"]:
        new["timing"] = old["timing"]
    new["revision"] = old["revision"]
    if old == new or {**UNTOLD, **old} == new:
        return None
    return _narrowest(old, new)


def _narrowest(old: Obligation, new: Obligation) -> type[ObligationChanged]:
    before, after = old["state"], new["state"]
    if before != after:
        if after == "ended":
            return ObligationEnded
        if before == "ended":
            return ObligationReopened
        return DeadlinePaused if after == "paused" else DeadlineResumed
    if new["end"] == "void" != old["end"]:
        return ObligationEnded
    if old["due_at"] != new["due_at"]:
        return DeadlineSet if old["due_at"] is None else DeadlineMoved
    return ObligationChanged


def timer_of(obligation: Obligation) -> str | None:
    """Return when the sweep must look at an obligation next; while it is paused or ended, never."""
    if obligation["state"] != "open":
        return None
    if obligation["timing"] == "on_time":
        return obligation["near_at"]
    return obligation["due_at"] if obligation["timing"] == "due_soon" else None


def fire(obligation: Obligation, *, now: str) -> type[ObligationChanged] | None:
    """Advance `timing` of an open obligation to `now`; returns the event to say, None where it is early.

    Late means after the due time, compared to the second: at the due time itself it is not late.
    """
    due_at = obligation["due_at"]
    if obligation["state"] != "open" or due_at is None:
        return None
    if now[:19] > due_at[:19]:
        obligation["timing"] = "overdue"
        return DeadlinePassed
    if obligation["timing"] == "on_time" and obligation["near_at"] and now >= obligation["near_at"]:
        obligation["timing"] = "due_soon"
        return DeadlineNear
    return None


def voided(old: Obligation, *, of: Obligation, now: datetime) -> Obligation:
    """Return a part that turned out not to be, as what it rested on was put right; it stays so. of: its matter."""
    known: Obligation = {**old}
    if of["confidential"]:
        known |= {"confidential": True, "restricted": of["restricted"], "title": None, "field": None}
    if old["end"] == "void":
        return known
    return {
        **known,
        "state": "ended",
        "end": "void",
        "ended_at": canonical(now),
        "timing": "no_deadline",
        "late_working_seconds": 0,
        "late_days": 0,
    }
