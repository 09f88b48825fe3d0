"""How many a second a provider is handed: a bucket that fills with time. Pure; times are of a clock that only grows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """Fills at `per_second` up to one second's worth, at least one. None: without bound."""

    per_second: float | None
    filled: float = 1.0
    at: float = 0.0

    def there(self, *, now: float) -> int | None:
        """Return how many may go now; None: any number."""
        if self.per_second is None:
            return None
        if self.at:
            room = max(self.per_second, 1.0)
            self.filled = min(self.filled + (now - self.at) * self.per_second, room)
        self.at = now
        return int(self.filled)

    def take(self) -> None:
        """Take one out; to be asked before whether one is there."""
        self.filled -= 1


def after_s(attempts: int, *, seconds: tuple[int, ...], asked_s: int | None, jitter: float) -> float:
    """Return how long to wait before the next try, spread so that what failed together does not come back together.

    attempts: made so far, from 1. seconds: by attempt, the last repeats. asked_s: the provider's wish. jitter: 0 to 1.
    """
    wait = max(seconds[min(attempts, len(seconds)) - 1], asked_s or 0)
    return wait * (1 + jitter / 4)
