"""A calendar as arrays that vector.py looks up in: in place of bisection, a table that leads near enough at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.worktime.calendars import EPOCH_ORDINAL, WorkCalendar

Array = NDArray[np.int64]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
LARGEST_TABLE = 1 << 17  # entries: a megabyte, which fits the processor's cache
NEVER = np.iinfo(np.int64).max


class Ranks:
    """Counts how many of some ascending keys are at or below a value.

    Values are cut into equal buckets, no longer than the shortest gap between keys where the table then stays small;
    a table says the count at each bucket's begin, and the few keys inside a bucket are looked at one after another.
    """

    __slots__ = ("bits", "keys", "origin", "rounds", "table")

    def __init__(self, keys: Array, *, since: int, until: int) -> None:
        """since, until: bounds of the values that are ever asked about."""
        gap = int(np.diff(keys, prepend=since - DAY_US).min()) if len(keys) else DAY_US
        self.bits = max(gap.bit_length() - 1, ((until - since) // LARGEST_TABLE).bit_length())
        self.origin = since
        begins = since + (np.arange(((until - since) >> self.bits) + 2) << self.bits)
        counts = np.searchsorted(keys, begins, "right")
        self.table = counts[:-1].astype(np.int64)
        self.rounds = int(np.diff(counts).max())
        self.keys = np.append(keys, NEVER)

    def upto(self, values: Array) -> Array:
        """Return the number of keys at or below each value."""
        counted: Array = self.table[(values - self.origin) >> self.bits]
        for _ in range(self.rounds):
            counted += self.keys[counted] <= values
        return counted


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Arrays of a calendar; instants and lengths in microseconds, days and intervals by number."""

    since: int
    until: int
    total: int
    """All open time."""
    count: int
    """Of intervals. Arrays that are asked for the one or the day after the last have an entry more."""
    day_count: int
    most_intervals: int
    """Of one day."""

    closing: Ranks
    """Of an instant: the number of the interval that holds it, else of the next one."""
    filled: Ranks
    """Of open time since the begin: how many intervals it fills."""
    opens: Array
    closes: Array
    offsets: Array
    closed_before: Array
    """An interval's opening less the open time before it: what turns open time into an instant within it."""
    day_of: Array

    first_interval: Array
    last_closing: Array
    wall_midnight: Array
    """A working day's local midnight as if it were UTC."""
    midnight: Array
    """The same less the day's offset from UTC, where that does not change during its open time."""
    kind: Array
    """Days of one kind open and close at the same clock times; one during which clocks change is like no other."""

    changes: Array
    """When the zone's offset changes; `zone_offsets` has one entry more."""
    zone_offsets: Array
    first_date: int
    upto_date: Array
    """How many working days there are up to each date from `first_date` (days since 1970)."""

    def dates(self, at: Array) -> tuple[Array, Array]:
        """Return local dates, as days since 1970, and clock times: midnight is the 24:00 of the day that ends."""
        if len(self.changes):
            local = at + self.zone_offsets[np.searchsorted(self.changes, at, "right")]
        else:
            local = at + self.zone_offsets[0]
        date = (local - 1) // DAY_US
        return date, local - date * DAY_US

    def days_upto(self, date: Array) -> Array:
        """Return the number of working days up to each date, itself included."""
        counted: Array = self.upto_date[date - self.first_date]
        return counted


@lru_cache(maxsize=64)
def tables(calendar: WorkCalendar) -> Tables:
    """Return the arrays of a calendar, made once."""
    opens, closes, offsets, before = (
        np.array(array, np.int64) * SECOND_US
        for array in (calendar.opens, calendar.closes, calendar.offsets, calendar.open_before)
    )
    since, until, total = calendar.known_since_s * SECOND_US, calendar.known_to_s * SECOND_US, int(before[-1])
    days = np.array(calendar.days, np.int64) - EPOCH_ORDINAL
    first_interval = np.array(calendar.first_interval, np.int64)
    midnight = days * DAY_US - offsets[first_interval[:-1]]
    first_date = calendar.known_from.toordinal() - EPOCH_ORDINAL - 2  # a day before midnight's day before
    dates = np.arange(first_date, calendar.known_until.toordinal() - EPOCH_ORDINAL + 2)
    return Tables(
        since=since,
        until=until,
        total=total,
        count=len(opens),
        day_count=len(days),
        most_intervals=int(np.diff(first_interval).max()),
        closing=Ranks(closes, since=since, until=until),
        filled=Ranks(before[1:], since=-1, until=total),
        opens=np.append(opens, until),
        closes=closes,
        offsets=np.append(offsets, 0),
        closed_before=np.append(opens - before[:-1], until - total),
        day_of=np.append(np.repeat(np.arange(len(days)), np.diff(first_interval)), len(days)),
        first_interval=first_interval,
        last_closing=closes[first_interval[1:] - 1],
        wall_midnight=days * DAY_US,
        midnight=np.append(midnight, 0),
        kind=_kinds(opens, closes, offsets, first_interval, midnight),
        changes=np.array([begin for begin, _, _ in calendar.spans[1:]], np.int64) * SECOND_US,
        zone_offsets=np.array([offset for _, _, offset in calendar.spans], np.int64) * SECOND_US,
        first_date=first_date,
        upto_date=np.searchsorted(days, dates, "right"),
    )


def _kinds(opens: Array, closes: Array, offsets: Array, first_interval: Array, midnight: Array) -> Array:
    counts = np.diff(first_interval)
    clocks = np.stack([opens, closes], axis=1) - np.repeat(midnight, counts)[:, np.newaxis]
    moved = np.add.reduceat(offsets != np.repeat(offsets[first_interval[:-1]], counts), first_interval[:-1])
    hours, width = clocks.tobytes(), clocks.itemsize * 2
    known: dict[bytes, int] = {}
    bounds = pairwise((first_interval * width).tolist())
    kinds = [known.setdefault(hours[begin:end], len(known)) for begin, end in bounds]
    return np.append(np.where(moved, -1 - np.arange(len(kinds)), kinds), len(kinds))
