"""All that a whole province sends, in the order of time: the one-stop systems' feed, the portal's own, our own facts.

A day of messages is held at a time, the dossiers under way, and the facts that are told later.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count, groupby
from typing import Literal, NamedTuple

from dondoc.simulate.facts import Fact, duties, of_dossiers
from dondoc.simulate.faults import troubled
from dondoc.simulate.feed import play
from dondoc.simulate.leftovers import leftovers
from dondoc.simulate.national import Message
from dondoc.simulate.whole import districts, units, whole
from shared.worktime import WorkCalendar, vietnam


class Said(NamedTuple):
    """One message. file: national (the one-stop systems), mirror (the portal) or facts (our own format)."""

    file: Literal["national", "mirror", "facts"]
    document: Message | Fact


def simulate_province(
    *, days: int, seed: int, start: date, per_day: float, broken: float, faults: float
) -> Iterator[Said]:
    """Yield what is sent in `days` days.

    per_day, broken: as `feed.simulate` has them. faults: dossiers, of a hundred, of which something is wrong.
    raises: CalendarEndsError - the days, or the due dates within them, lie outside the known calendar.
    """
    calendar, numbers = vietnam(), count()
    end = datetime.combine(start + timedelta(days=days), time(), calendar.zone)
    later: list[tuple[datetime, int, Fact]] = []
    for at, fact in duties(units(), start=start, days=days, seed=seed, calendar=calendar):
        heapq.heappush(later, (at, next(numbers), fact))
    sent = heapq.merge(
        play(whole(), days=days, seed=seed, start=start, per_day=per_day, broken=broken),
        _left(start=start, days=days, seed=seed, calendar=calendar, end=end),
        key=lambda message: str(message["sent_at"]),
    )
    for day, of_day in groupby(sent, key=lambda message: str(message["sent_at"])[:10]):
        told: list[Message] = []
        for message in of_day:
            own, mirror = troubled(message, seed=seed, share=faults / 100)
            if own:
                told.append(own)
                yield Said("national", own)
            if mirror:
                yield Said("mirror", mirror)
        for at, fact in of_dossiers(told, seed=seed, calendar=calendar):
            heapq.heappush(later, (at, next(numbers), fact))
        yield from _until(later, datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), calendar.zone))
    yield from _until(later, end)


def _left(*, start: date, days: int, seed: int, calendar: WorkCalendar, end: datetime) -> Iterator[Message]:
    sent = [
        one
        for district in districts()
        for one in leftovers(district, start=start, days=days, seed=seed, calendar=calendar)
    ]
    sent.sort(key=lambda one: str(one[1]["sent_at"]))
    yield from (message for at, message in sent if at < end)


def _until(later: list[tuple[datetime, int, Fact]], at: datetime) -> Iterator[Said]:
    while later and later[0][0] < at:
        yield Said("facts", heapq.heappop(later)[2])
