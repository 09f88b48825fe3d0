"""The streams: who writes them, how long they keep, and the durable settings each must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

StreamName = Literal["FEED", "BACKFILL", "INTAKE", "DEADLINE", "COMPLAINTS", "NOTIFY"]
DAY_NS = 86_400 * 1_000_000_000
DUPLICATE_WINDOW_NS = 600 * 1_000_000_000  # longer than any retry of the relay


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream.

    keep_days: FEED holds personal data, so it is kept for the shortest time.
    can_wait: what is in it gives way to all other streams. It has one hearer a subject and no ticks, and its owner
    lets go of what is done, so that years of history do not fill it.
    """

    name: StreamName
    keep_days: int
    can_wait: bool = False

    @property
    def prefix(self) -> str:
        return self.name.lower()

    @property
    def tick(self) -> str:
        """The subject of its ticks."""
        return f"{self.prefix}.tick.v1"

    def config(self, *, max_bytes: int) -> dict[str, Any]:
        """Return the JetStream configuration. `discard: new` refuses rather than forgets when full."""
        return {
            "name": self.name,
            "subjects": [f"{self.prefix}.>"],
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "max_bytes": max_bytes,
            "max_age": self.keep_days * DAY_NS,
            "duplicate_window": DUPLICATE_WINDOW_NS,
            "deny_delete": True,
            "allow_atomic": True,
            "allow_direct": True,
            "num_replicas": 1,
        }


STREAMS: dict[StreamName, Stream] = {
    stream.name: stream
    for stream in (
        Stream("FEED", keep_days=7),
        Stream("BACKFILL", keep_days=30, can_wait=True),
        Stream("INTAKE", keep_days=30),
        Stream("DEADLINE", keep_days=30),
        Stream("COMPLAINTS", keep_days=30),
        Stream("NOTIFY", keep_days=30),
    )
}


def backfilled(subject: str) -> str:
    """Return where in BACKFILL travels what comes by import and would else travel on `subject`."""
    return f"{STREAMS['BACKFILL'].prefix}.{subject}"


def plain(subject: str) -> str:
    """Return the subject by which a message is read, whether it came by import or not."""
    return subject.removeprefix(f"{STREAMS['BACKFILL'].prefix}.")
