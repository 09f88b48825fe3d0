"""A calendar by date, for one answer in less than a microsecond: lists that fill as dates are asked for, and stay.

Here are wall clocks and whole seconds only, which add up as they stand where the zone's offset from UTC does not
change. Within a day of a change, and of either end of the calendar, nothing is answered: LookupError, upon which
reckoning.py bisects. Finding the date and the shift is written out in each answer: a call costs a tenth of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, time, timedelta
from itertools import accumulate, repeat
from typing import TYPE_CHECKING

from shared.worktime.zones import DAY_S

if TYPE_CHECKING:
    from shared.worktime.calendars import WorkCalendar

SPANS = list(accumulate(repeat(timedelta(seconds=1), DAY_S), initial=timedelta(0)))
"""The seconds of a day as timedeltas, 4 MB: to make one takes as long as half an answer."""
NEVER = 10 * DAY_S  # a clock that no date shows

Clocks = tuple[tuple[int, int, int], ...]


class ByDate:
    """What is answered by date. The lists: None where nobody has asked yet. All raise LookupError for what they lack.

    origin: midnight of the first known date, from which dates are numbered. Clocks are seconds since midnight.
    passing: by date, the open seconds before it, and opening, closing and open seconds before of each shift; the last
        entry stands for the time after the last closing.
    counting: by date, how many working days there are before it, and opening and closing of each shift with how many
        more there are then; the last entry is the next opening, days ahead.
    placing: by number of working day, its midnight, and opening and closing of each shift, and until when they decide.
    filling: by open time since the begin of the calendar, in buckets, the interval that their first second is in.
    openings: of each interval.
    kinds: the shifts of dates that are alike, once.
    """

    __slots__ = (
        "bucket", "calendar", "counting", "filled", "filling", "kinds", "openings", "origin", "passing", "placing",
        "zone",
    )  # fmt: skip

    def __init__(self, calendar: WorkCalendar) -> None:
        known, intervals = calendar.known_until - calendar.known_from, len(calendar.opens)
        total = calendar.open_before[-1]
        self.calendar, self.zone, self.filled = calendar, calendar.zone, calendar.open_before
        self.origin = datetime.combine(calendar.known_from, time(), calendar.zone)
        self.bucket = (total // intervals).bit_length() - 1  # about as many buckets as intervals
        self.passing: list[tuple[int, Clocks] | None] = [None] * (known.days + 1)
        self.counting: list[tuple[int, Clocks] | None] = [None] * (known.days + 1)
        self.placing: list[tuple[datetime, Clocks] | None] = [None] * len(calendar.days)
        self.filling: list[int | None] = [None] * ((total >> self.bucket) + 1)
        self.openings: list[datetime | None] = [None] * intervals
        self.kinds: dict[Clocks, Clocks] = {}

    def open_time_after(self, start: datetime, seconds: int) -> datetime:
        """Answer as reckoning.py does; seconds: > 0."""
        if seconds <= 0 or start.microsecond:
            raise LookupError
        passed = (start if start.tzinfo is self.zone else self._local(start)) - self.origin
        day, clock = passed.days, passed.seconds
        if day < 0:
            raise LookupError
        target, shifts = self.passing[day] or self._pass(day)
        for opens, closes, before in shifts:
            if clock < closes:
                break
        target += before + seconds
        if clock > opens:
            target += clock - opens
        interval = self.filling[target >> self.bucket]
        if interval is None:
            interval = self._fill(target >> self.bucket)
        filled = self.filled
        while filled[interval + 1] < target:
            interval += 1
        return (self.openings[interval] or self._open(interval)) + SPANS[target - filled[interval]]

    def open_until(self, at: datetime) -> int:
        """Return the open seconds between the begin of the calendar and an instant."""
        if at.microsecond:
            raise LookupError
        passed = (at if at.tzinfo is self.zone else self._local(at)) - self.origin
        day, clock = passed.days, passed.seconds
        if day < 0:
            raise LookupError
        until, shifts = self.passing[day] or self._pass(day)
        for opens, closes, before in shifts:
            if clock < closes:
                break
        return until + before + (clock - opens if clock > opens else 0)

    def working_days_after(self, start: datetime, days: int) -> datetime:
        """Answer as reckoning.py does; days: > 0."""
        if days <= 0 or start.microsecond:
            raise LookupError
        passed = (start if start.tzinfo is self.zone else self._local(start)) - self.origin
        day, clock = passed.days, passed.seconds
        if day < 0:
            raise LookupError
        number, shifts = self.counting[day] or self._count(day)
        for opens, closes, more in shifts:
            if clock < closes:
                break
        if clock < opens:
            clock = opens % DAY_S
        if not clock:  # midnight is the 24:00 of the day that ends
            raise LookupError
        return self.at_clock(number + more + days, clock)

    def next_opening(self, at: datetime) -> datetime:
        """Answer as reckoning.py does."""
        if at.microsecond:
            raise LookupError
        local = at if at.tzinfo is self.zone else self._local(at)
        passed = local - self.origin
        day, clock = passed.days, passed.seconds
        if day < 0:
            raise LookupError
        number, shifts = self.counting[day] or self._count(day)
        for opens, closes, more in shifts:
            if clock < closes:
                break
        if clock >= opens:
            return local
        midnight, _ = self.placing[number + more] or self._place(number + more)
        return midnight + SPANS[opens % DAY_S]

    def at_clock(self, number: int, clock: int) -> datetime:
        """Answer as reckoning.py does. number: of a working day, >= 0."""
        midnight, shifts = self.placing[number] or self._place(number)
        for opens, closes, until in shifts:
            if clock < until:
                break
        return midnight + SPANS[opens if clock < opens else closes if clock > closes else clock]

    def _local(self, at: datetime) -> datetime:
        if at.tzinfo is None:  # is refused by name elsewhere
            raise LookupError
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            raise LookupError from None

    def _pass(self, day: int) -> tuple[int, Clocks]:
        first, beyond, midnight = self._intervals(day)
        calendar = self.calendar
        passed = calendar.open_before[first]
        shifts = [(*self._clocks(i, midnight), calendar.open_before[i] - passed) for i in range(first, beyond)]
        kind = (*shifts, (DAY_S, NEVER, calendar.open_before[beyond] - passed))
        entry = self.passing[day] = passed, self.kinds.setdefault(kind, kind)
        return entry

    def _count(self, day: int) -> tuple[int, Clocks]:
        first, beyond, midnight = self._intervals(day)
        calendar = self.calendar
        number = bisect_right(calendar.first_interval, first) - 1
        opening = DAY_S + (calendar.opens[beyond] + calendar.offsets[beyond]) % DAY_S
        shifts = [(*self._clocks(i, midnight), 0) for i in range(first, beyond)]
        kind = (*shifts, (opening, NEVER, int(beyond > first)))
        entry = self.counting[day] = number, self.kinds.setdefault(kind, kind)
        return entry

    def _place(self, number: int) -> tuple[datetime, Clocks]:
        calendar = self.calendar
        first, beyond, midnight = self._intervals(calendar.days[number] - calendar.known_from.toordinal())
        clocks = [self._clocks(i, midnight) for i in range(first, beyond)]
        until = [*(opens for opens, _ in clocks[1:]), NEVER]
        kind = tuple((opens, closes, end) for (opens, closes), end in zip(clocks, until, strict=True))
        entry = self.placing[number] = (
            datetime.fromtimestamp(midnight, calendar.zone),
            self.kinds.setdefault(kind, kind),
        )
        return entry

    def _fill(self, bucket: int) -> int:
        interval = max(bisect_left(self.calendar.open_before, bucket << self.bucket) - 1, 0)
        self.filling[bucket] = interval
        return interval

    def _open(self, interval: int) -> datetime:
        calendar = self.calendar
        self._check(calendar.opens[interval], calendar.closes[interval])
        opening = self.openings[interval] = datetime.fromtimestamp(calendar.opens[interval], calendar.zone)
        return opening

    def _intervals(self, day: int) -> tuple[int, int, int]:
        """Return the first interval of a date, the first one after it, and the date's midnight in epoch seconds."""
        calendar = self.calendar
        midnight = int((self.origin + timedelta(days=day)).timestamp())
        self._check(midnight, midnight + DAY_S)
        return bisect_right(calendar.closes, midnight), bisect_right(calendar.closes, midnight + DAY_S), midnight

    def _check(self, since: int, until: int) -> None:
        """raises: LookupError - within a day of a stretch, in epoch seconds, the offset from UTC may change."""
        if not any(begin + DAY_S <= since and until + DAY_S <= end for begin, end, _ in self.calendar.spans):
            raise LookupError

    def _clocks(self, interval: int, midnight: int) -> tuple[int, int]:
        return self.calendar.opens[interval] - midnight, self.calendar.closes[interval] - midnight
