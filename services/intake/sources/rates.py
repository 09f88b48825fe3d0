"""How much one source may send: a bucket of a minute's worth, which a call may overdraw. Pure: time comes in.

A call is let in while one is left and paid for afterwards, since its size is known only then: a call larger than a
minute's worth is never shut out for ever, and nothing that was accepted is dropped. Buckets are in the memory of one
process; with n copies of intake a source may send n times as much.
"""

from __future__ import annotations

from dataclasses import dataclass, field

REMEMBERED = 10_000  # names; the one unheard of for longest is forgotten first


@dataclass
class Buckets:
    """What is left to each source, refilled evenly. Amounts are of any one kind: objects, or bytes."""

    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_s(self, name: str, *, per_minute: int, at_s: float) -> float:
        """Return 0 where the source may send now, else after how many seconds. per_minute: 0 = no limit."""
        left = self._now(name, per_minute, at_s)
        return 0 if left >= 1 else (1 - left) * 60 / per_minute

    def pay(self, name: str, amount: int, *, per_minute: int, at_s: float) -> None:
        """Take from the bucket what was sent; what is missing is a debt."""
        left = self._now(name, per_minute, at_s)
        self._left.pop(name, None)
        if not per_minute:
            return  # nobody owes anything where there is no limit, also once there is one
        self._left[name] = (left - amount, at_s)
        while len(self._left) > REMEMBERED:
            del self._left[next(iter(self._left))]

    def _now(self, name: str, per_minute: int, at_s: float) -> float:
        if not per_minute:
            return 1
        left, since_s = self._left.get(name, (float(per_minute), at_s))
        return min(float(per_minute), left + (at_s - since_s) * per_minute / 60)
