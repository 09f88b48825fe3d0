"""Which provider takes which notice: lanes with their standing, their rates and what is under way in each.

What is known of providers is in memory, of this copy alone; the hourly bounds are counted in the database, for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, get_args

from services.notify.sending import shares
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater
from services.notify.sending.providers import Provider
from services.notify.sending.rates import Bucket
from services.notify.sending.shares import Standing, State
from shared import metrics
from shared.clock import monotonic_s
from shared.events import NoticeChannel

OUTCOMES = {Sent: "sent", TryLater: "try_later", GiveUp: "give_up"}
SHORT_S = 10  # a rest that is waited out
PATIENCE_S = 900  # for the provider that may have a notice already; then another is asked


class Way(Protocol):
    """A provider as it is used."""

    async def send(self, notice: Claimed) -> Outcome: ...

    async def close(self) -> None: ...


@dataclass
class Lane:
    """One provider at work. flying: notices under way. turn: of the weighted round. hour: what it may still take."""

    provider: Provider
    way: Way
    standing: Standing = field(default_factory=Standing)
    flying: int = 0
    turn: int = 0
    hour: int | None = None

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.provider.per_second)
        self.show()

    @property
    def weight(self) -> int:
        return self.provider.share * self.standing.step

    def state(self) -> State:
        return shares.state(self.standing, now=monotonic_s())

    def room(self) -> int:
        """Return how many notices it can be handed now."""
        now = monotonic_s()
        match shares.state(self.standing, now=now):
            case "open":
                return 0
            case "half_open":
                return 0 if self.flying else 1
        bounds = [self.provider.connections - self.flying, self.bucket.there(now=now), self.hour]
        return max(min(bound for bound in bounds if bound is not None), 0)

    def rests_long(self) -> bool:
        now = monotonic_s()
        until = max(self.standing.open_until or 0, self.standing.asked_until)
        return until - now > SHORT_S or (until > now and self.standing.rest_s > SHORT_S)

    def take(self) -> None:
        """Note that a notice is about to be handed over."""
        self.flying += 1
        if self.provider.per_second is not None:
            self.bucket.take()
        if self.hour is not None:
            self.hour -= 1

    def came_back(self, outcome: Outcome) -> None:
        """Note what became of it; a change of the standing is for all to see."""
        self.flying -= 1
        before, now = self.standing, monotonic_s()
        if not isinstance(outcome, TryLater):
            self.standing = shares.succeeded(before)
        elif outcome.after_s is not None:
            self.standing = shares.asked_to_wait(before, seconds=outcome.after_s, now=now)
        elif not outcome.of_notice:
            self.standing = shares.failed(before, now=now)
        metrics.provider_tries.labels(self.provider.name, OUTCOMES[type(outcome)]).inc()
        self.show()

    def show(self) -> None:
        metrics.provider_share.labels(self.provider.name).set(self.standing.step / shares.STEPS)

    def told(self) -> dict[str, Any]:
        """Return what people may see of it: no login, no address."""
        return {
            "name": self.provider.name,
            "channel": self.provider.channel,
            "kind": self.provider.kind,
            "state": self.state(),
            "share": self.provider.share,
            "of_share_percent": 100 * self.standing.step // shares.STEPS,
            "failed_in_a_row": self.standing.failed,
            "under_way": self.flying,
            "at_once": self.provider.connections,
            "per_second": self.provider.per_second,
            "per_hour": self.provider.per_hour,
            "per_number_hour": self.provider.per_number_hour,
        }


@dataclass
class Traffic:
    """All lanes. freed: set when a lane of that channel may have room again."""

    lanes: Sequence[Lane]
    freed: Mapping[NoticeChannel, asyncio.Event] = field(
        default_factory=lambda: {channel: asyncio.Event() for channel in get_args(NoticeChannel)}
    )

    def of(self, channel: NoticeChannel) -> list[Lane]:
        return [lane for lane in self.lanes if lane.provider.channel == channel]

    def room(self, channel: NoticeChannel) -> int:
        return sum(lane.room() for lane in self.of(channel))

    def may_have_room(self, channel: NoticeChannel) -> bool:
        """Return whether a look at the waiting notices is worth it: what an hour allows is counted there only."""
        lanes = self.of(channel)
        return not lanes or any(lane.room() or lane.provider.per_hour is not None for lane in lanes)

    def resting(self) -> list[NoticeChannel]:
        """Return the channels whose every provider rests for long: what waits for those is not under way."""
        return [
            channel
            for channel in get_args(NoticeChannel)
            if (lanes := self.of(channel)) and all(lane.rests_long() for lane in lanes)
        ]

    def choose(self, notice: Claimed) -> Lane | None:
        """Return who is to take a notice, None where it is better that it waits.

        Whether the last provider has it is not known: that one is asked again, as it may know the id. It failed
        otherwise: another, if there is one with room. A provider on trial gets the first that comes.
        """
        lanes = self.of(notice.channel)
        last = next((lane for lane in lanes if lane.provider.name == notice.provider), None)
        if notice.unsure and last and notice.waited_s < PATIENCE_S:
            return last if last.room() else None
        fit = [lane for lane in lanes if lane.room()]
        others = [lane for lane in fit if lane is not last] if notice.attempts > 1 else fit
        fit = others or fit
        return next((lane for lane in fit if lane.state() == "half_open"), None) or _in_turn(fit)

    def others_work(self, notice: Claimed) -> bool:
        """Return whether somebody else than the provider that just failed takes notices of its channel."""
        return any(
            lane.state() == "closed" and lane.provider.name != notice.provider for lane in self.of(notice.channel)
        )

    def told(self) -> list[dict[str, Any]]:
        return [lane.told() for lane in self.lanes]

    def counts(self) -> dict[str, int]:
        """Return each provider with the percentage of its share that it gets now."""
        return {lane.provider.name: 100 * lane.standing.step // shares.STEPS for lane in self.lanes}

    async def close(self) -> None:
        await asyncio.gather(*(lane.way.close() for lane in self.lanes), return_exceptions=True)


def _in_turn(lanes: Sequence[Lane]) -> Lane | None:
    """Return the next one of a smooth round by weight: each gets its part, and none all of it at a stretch."""
    if not lanes:
        return None
    total = sum(lane.weight for lane in lanes)
    for lane in lanes:
        lane.turn += lane.weight
    chosen = max(lanes, key=lambda lane: lane.turn)
    chosen.turn -= total
    return chosen
