"""What receipts make of a notice: the same in whatever order they come, and however often. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Receipt = Literal["", "pending", "unknown", "expired", "failed", "delivered"]

# The higher one stands. What was delivered was read or can be: a later failure is of another copy or a gateway's
# mistake, and must not press anybody twice. A failure stands over our own waiting that ran out (`expired`).
RANKS: Mapping[Receipt, int] = {"": 0, "pending": 1, "unknown": 2, "expired": 3, "failed": 4, "delivered": 5}
LOST: tuple[Receipt, ...] = ("expired", "failed")

# The words of SMPP 3.4, appendix B, beside our own; a network's `expired` is its failure, not our waiting.
WORDS: Mapping[str, Receipt] = {
    "delivered": "delivered", "delivrd": "delivered",
    "failed": "failed", "undeliv": "failed", "rejectd": "failed", "deleted": "failed", "expired": "failed",
    "pending": "pending", "accepted": "pending", "acceptd": "pending", "enroute": "pending", "scheduled": "pending",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a notice's arrival. at: since when, the earliest that was said. code: the provider's, of it."""

    receipt: Receipt = ""
    at: datetime | None = None
    code: str = ""


def meaning(word: str) -> Receipt:
    """Return what a provider's word for a state means; `unknown` where it means nothing to us."""
    return WORDS.get(word.strip().casefold(), "unknown")


def after(known: Standing, said: Standing) -> Standing:
    """Return what stands once `said` was heard too: commutative, associative, and a repeat changes nothing."""
    return max(known, said, key=_weight)


def _weight(standing: Standing) -> tuple[int, float, str]:
    return RANKS[standing.receipt], -standing.at.timestamp() if standing.at else float("-inf"), standing.code


def said_at(claimed: datetime | None, *, heard_at: datetime, oldest: timedelta = timedelta(days=30)) -> datetime:
    """Return when something was said: what the provider claims, where that can be true, else when it was heard."""
    return claimed if claimed and heard_at - oldest <= claimed <= heard_at else heard_at
