"""The one form in which facts, obligations and events hold an instant. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))  # since 1975, without daylight saving


def canonical(at: datetime) -> str:
    """Return `at` as ISO 8601 at +07:00: the order of such texts is the order of the times."""
    return at.astimezone(VIETNAM).isoformat()
