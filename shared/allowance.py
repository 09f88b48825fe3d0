"""How often one address may call. Pure: time comes in."""

from __future__ import annotations

REMEMBERED = 10_000  # addresses; the one unheard of for longest is forgotten first


class Allowance:
    """A bucket of one minute's calls for each address, refilled evenly."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, address: str, *, per_minute: int, at_s: float, count: bool = True) -> float:
        """Return 0 and count the call, or how many seconds to wait before the next.

        per_minute: 0 = no limit. at_s: any clock that only grows. count: False only looks.
        """
        if not per_minute:
            return 0
        if not count:
            left, since = self._left.get(address, (float(per_minute), at_s))
            return max(0.0, 1 - left - (at_s - since) * per_minute / 60) * 60 / per_minute
        left, since = self._left.pop(address, (float(per_minute), at_s))
        left = min(per_minute, left + (at_s - since) * per_minute / 60)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, at_s)
        while len(self._left) > REMEMBERED:
            del self._left[next(iter(self._left))]
        return 0 if allowed else (1 - left) * 60 / per_minute
