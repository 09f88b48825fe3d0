"""Who goes first within one process: what came just now before what can wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from shared.clock import monotonic_s

OBJECTS = 50  # of one transaction that can wait, while others come too: one that comes waits some milliseconds for it
OBJECTS_ALONE = 200  # while none come
REST = 0.5  # of the time that such a transaction took, processor and disks are then left to others
REST_AT_MOST_S = 2.0  # a transaction that waited for the servers worked no longer for that
ALONE_AFTER_S = 10


class Precedence:
    """Lets work that can wait begin only while nothing else is in hand, and take the less the more there is to do."""

    def __init__(self) -> None:
        self._in_hand = 0
        self._last_s = -float(ALONE_AFTER_S)
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Mark work before which nothing that can wait begins."""
        self._in_hand += 1
        self._free.clear()
        try:
            yield
        finally:
            self._in_hand -= 1
            self._last_s = monotonic_s()
            if not self._in_hand:
                self._free.set()

    @property
    def alone(self) -> bool:
        """Whether there was nothing but what can wait for a while."""
        return not self._in_hand and monotonic_s() - self._last_s >= ALONE_AFTER_S

    @property
    def objects(self) -> int:
        """How many objects work that can wait may take at once."""
        return OBJECTS_ALONE if self.alone else OBJECTS

    async def give_way(self) -> None:
        """Return when work that can wait may begin."""
        await self._free.wait()

    async def rest(self, *, worked_s: float) -> None:
        """Leave others some time after work that can wait, which took so long."""
        if not self.alone:
            await asyncio.sleep(min(worked_s * REST, REST_AT_MOST_S))
