"""The two clocks. The only module that reads one; rules get time as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

PROVINCE_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def machine_now() -> datetime:
    """Return machine time: leases, retries, receipt of messages. It is never moved."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds that only grow, for measuring durations."""
    return time.monotonic()


def machine_ns() -> int:
    """Return machine time in nanoseconds since 1970: the beginning of a span."""
    return time.time_ns()


def day_of(at: datetime) -> str:
    """Return the province's day of an instant, as ISO 8601."""
    return at.astimezone(PROVINCE_ZONE).date().isoformat()


class Clock(Protocol):
    """Business time: due dates, ladders, digest slots."""

    def now(self) -> datetime: ...


class WallClock:
    """Business time equals machine time: the clock of an office at work."""

    def now(self) -> datetime:
        return machine_now()


class DrivenClock:
    """Business time stands still between ticks: the clock of the demo, of replay and of journey tests.

    A tick is a watermark (`shared.ticks`): it arrives behind everything that happened before it.
    """

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def move_to(self, at: datetime) -> None:
        """Move forward to `at`; an earlier instant is ignored, business time never runs back."""
        self._at = max(self._at, at)
