"""The audit of refusals, bounded so that nobody fills the disk by being refused.

The counts are of this process and hour; what is not written any more is still counted in the metric.
"""

from __future__ import annotations

from collections import Counter

from fastapi import Request

from services.intake.sources import store
from services.intake.sources.store import AuditLine
from shared import db, metrics
from shared.clock import machine_now
from shared.service import Running

LINES_PER_ADDRESS, LINES_IN_ALL = 20, 500  # an hour: 500 are some 2 MB a day at the very worst
LONGEST_WORD = 80  # characters kept of what a caller wrote


class Quota:
    """How many lines each address has written in this hour."""

    def __init__(self) -> None:
        self._hour, self._written = "", Counter[str]()

    def take(self, address: str, *, hour: str) -> bool:
        """Return whether one more line may be written, and count it."""
        if hour != self._hour:
            self._hour, self._written = hour, Counter()
        if self._written[address] >= LINES_PER_ADDRESS or self._written.total() >= LINES_IN_ALL:
            return False
        self._written[address] += 1
        return True


QUOTA = Quota()


def address_of(request: Request) -> str:
    return word(request.client.host) if request.client else ""


def word(given: str) -> str:
    """Return what a caller wrote so that it can be stored and shown: printable, and not long."""
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in given[: LONGEST_WORD + 1])
    return shown if len(shown) <= LONGEST_WORD else f"{shown[: LONGEST_WORD - 1]}…"


async def refused(running: Running, request: Request, *, source: str, why: str) -> None:
    """Write that a call was refused, within the bound."""
    now, address = machine_now(), address_of(request)
    kept = QUOTA.take(address, hour=now.strftime("%Y%m%d%H"))
    metrics.source_refusals.labels(why, "yes" if kept else "no").inc()
    if kept:
        async with db.transaction(running.engine) as connection:
            await store.add_audit(connection, [AuditLine(now, word(source), "refused", why, address)])
