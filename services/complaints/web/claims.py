"""Each form is filed once. Sent again, as its answer was lost on the way, it gets the answer of the first time."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from services.complaints.web.desk import Filed
from services.complaints.web.tokens import OLDEST_S

ANSWERED_AGAIN_S = 600.0  # so long a code and its secret are in memory, for whoever has the form they were given for
REMEMBERED = 100_000  # forms; the oldest is forgotten first


@dataclass
class Claim:
    """digest: of what the form held. ended: something came of it, or nothing. filed: what, while it is told again.

    files: how many came with it.
    """

    digest: bytes
    at_s: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    filed: Filed | None = None
    files: int = 0


class Claims:
    """The forms sent. at_s: any clock that only grows."""

    def __init__(self) -> None:
        self._of: dict[bytes, Claim] = {}
        self._told_again: deque[Claim] = deque()

    def find(self, id: bytes, *, at_s: float) -> Claim | None:
        """Return the claim of who sent this form before."""
        self._let_go(at_s)
        return self._of.get(id)

    def take(self, id: bytes, digest: bytes, *, at_s: float) -> None:
        """Claim a form that nobody has."""
        self._of[id] = Claim(digest, at_s)

    def settle(self, id: bytes, filed: Filed, *, files: int = 0) -> None:
        """Say what came of a form that was claimed."""
        if claim := self._of.get(id):
            claim.filed, claim.files = filed, files
            claim.ended.set()
            self._told_again.append(claim)

    def release(self, id: bytes) -> None:
        """Nothing came of it: the form may be sent again."""
        if claim := self._of.pop(id, None):
            claim.ended.set()

    def _let_go(self, at_s: float) -> None:
        """Forget secrets after minutes, and forms after their life. Both are in the order of their times, nearly."""
        while self._told_again and at_s - self._told_again[0].at_s >= ANSWERED_AGAIN_S:
            self._told_again.popleft().filed = None
        while self._of:
            oldest = next(iter(self._of))
            if len(self._of) <= REMEMBERED and at_s - self._of[oldest].at_s < OLDEST_S:
                break
            self.release(oldest)
