"""When a limit runs out: its unit, how its last day ends, what pauses do to it. Pure.

law: Bộ luật Dân sự 2015 Đ.147, 148 - the first day is not counted; a last day off rolls to the end of the next working
day; the last day ends at 24:00.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta
from math import isfinite
from typing import Literal, NamedTuple

from shared.worktime.calendars import DAY_S, WorkCalendar
from shared.worktime.reckoning import (
    at_clock,
    calendar_ends,
    instant_s,
    next_opening,
    open_seconds,
    open_time_after,
    working_days_from,
)

Unit = Literal["working_minutes", "working_hours", "working_days", "calendar_days", "weeks", "months"]
Ends = Literal["clock_time", "end_of_day"]
Roll = Literal["forward", "none"]
FirstDay = Literal["next", "same"]
Effect = Literal["suspend", "reset"]
PauseCounts = Literal["working_time", "working_days", "calendar_days"]

OPEN_S = {"working_minutes": 60, "working_hours": 3600}  # units that run in open time, in seconds
LONGEST = 10_000_000  # of any unit; a slip of the hand, and more than any calendar knows
DAY = timedelta(days=1)


class LimitError(ValueError):
    """What is asked contradicts itself; the message begins with the field at fault."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take.

    value: > 0; whole in days, weeks and months. ends: at the clock time of the start, or at the last closing of the
    last day; of days, weeks and months. roll: whether a last day off moves to the next working day. first_day: whether
    the day of the start is the first one counted; `same` goes with `end_of_day` only.
    raises: LimitError - it contradicts itself.
    """

    value: float
    unit: Unit
    ends: Ends = "clock_time"
    roll: Roll = "forward"
    first_day: FirstDay = "next"

    def __post_init__(self) -> None:
        if not isfinite(self.value) or not 0 < self.value <= LONGEST:
            raise LimitError(f"limit.value: {self.value} is not between 0 and {LONGEST}")
        if self.in_days and self.value != int(self.value):
            raise LimitError(f"limit.value: {self.value} is not a whole number, as {self.unit} must be")
        if self.in_days and self.first_day == "same" and self.ends == "clock_time":
            raise LimitError("first_day: same goes with ends: end_of_day only")

    @property
    def in_days(self) -> bool:
        """Whether it counts days of some kind, not open time."""
        return self.unit not in OPEN_S


@dataclass(frozen=True, slots=True)
class Pause:
    """A half-open span in which the clock stands. effect: `reset` makes its end the new start."""

    since: datetime
    until: datetime
    effect: Effect = "suspend"


class Level(NamedTuple):
    """An offset from a due time; negative: before it."""

    value: float
    unit: Literal["working_minutes", "working_hours", "working_days"]


class Reckoned(NamedTuple):
    """A due time and what it was made of.

    start: the last reset's end, else the start given. placed_at: before pauses were added in open time. added: these
    pauses, each as far as it counts. skipped: ordinals of the dates that pauses take out of the count.
    """

    due_at: datetime
    start: datetime
    placed_at: datetime
    added: tuple[Pause, ...] = ()
    skipped: Set[int] = frozenset()


def reckon(
    calendar: WorkCalendar,
    *,
    start: datetime,
    limit: Limit,
    pauses: Iterable[Pause] = (),
    pause_counts: PauseCounts = "working_time",
) -> Reckoned:
    """Return when `limit` from `start` runs out.

    pauses: in any order. What lies before the start is cut off, overlaps count once; one that begins at or after the
        due time as it then stands changes nothing, nor does one without open time.
    pause_counts: `working_time` adds the open time of pauses to the due time once placed; `working_days` and
        `calendar_days` take the days that a pause touches out of the count of a limit in such days.
    raises: CalendarEndsError - the start, the due time or a pause that counts lies on no known day. LimitError - days
        of pauses are counted in another way than the limit's. ValueError - a naive instant.
    """
    counts = _pause_counts(limit, pause_counts)
    ordered = sorted(pauses, key=lambda pause: (pause.since, pause.until))
    skipped: set[int] = set()
    added: list[Pause] = []
    due_at = placed_at = place(calendar, start=start, limit=limit)
    covered = start
    for pause in ordered:
        since = max(pause.since, start)
        if since >= min(pause.until, due_at) or not open_seconds(calendar, start=since, end=pause.until):
            continue
        if pause.effect == "reset":
            others = [other for other in ordered if other is not pause]
            return reckon(calendar, start=pause.until, limit=limit, pauses=others, pause_counts=pause_counts)
        if counts == "working_time":
            rest = Pause(max(since, covered), pause.until)
            if seconds := open_seconds(calendar, start=rest.since, end=rest.until):
                due_at = open_time_after(calendar, start=due_at, seconds=seconds)
                added.append(rest)
            covered = max(covered, pause.until)
        else:
            skipped.update(_touched(calendar, Pause(since, pause.until), working=counts == "working_days"))
            due_at = placed_at = place(calendar, start=start, limit=limit, skipped=skipped)
    return Reckoned(due_at, start, placed_at, tuple(added), skipped)


def _pause_counts(limit: Limit, asked: PauseCounts) -> PauseCounts:
    if not limit.in_days or asked == "working_time":
        return "working_time"
    if (asked == "working_days") != (limit.unit == "working_days"):
        raise LimitError(f"pause_counts: {asked} does not go with a limit in {limit.unit}")
    return asked


def place(calendar: WorkCalendar, *, start: datetime, limit: Limit, skipped: Set[int] = frozenset()) -> datetime:
    """Return when `limit` from `start` runs out without pauses. skipped: ordinals of dates that are not counted."""
    if not limit.in_days:
        return open_time_after(calendar, start=start, seconds=round(limit.value * OPEN_S[limit.unit]))
    if limit.unit == "working_days" and limit.ends == "clock_time" and not skipped:
        try:
            return calendar.by_date.working_days_after(start, int(limit.value))
        except LookupError:
            pass
    day, clock = _counted_from(calendar, start, limit)
    if limit.unit == "working_days":
        n = _nth_working_day(calendar, day, int(limit.value), skipped)
        return at_clock(calendar, n, clock)
    last = _last_date(calendar, day, limit, skipped)
    n = bisect_left(calendar.days, last)
    if n < len(calendar.days) and calendar.days[n] == last:
        return at_clock(calendar, n, clock)
    if limit.roll == "none":
        return _on_day_off(calendar, last, clock)
    return at_clock(calendar, _nth_working_day(calendar, last, 1, skipped), DAY_S)


def same_day(calendar: WorkCalendar, *, start: datetime, cutoff: time) -> datetime:
    """Return the last closing of the working day of `start`; of the next one, where it comes after the cut-off hour.

    start: where it is closed, the day of the next opening counts. cutoff: wall clock; at it is not after it.
    raises: CalendarEndsError - the start or the due time is on no known day. ValueError - naive start.
    """
    local = next_opening(calendar, at=start)
    day = local.toordinal() if local.time() > cutoff else local.toordinal() - 1
    return at_clock(calendar, _nth_working_day(calendar, day, 1, frozenset()), DAY_S)


def level_at(calendar: WorkCalendar, *, due: datetime, level: Level) -> datetime:
    """Return the instant at an offset from a due time; pauses do not matter to it."""
    if level.unit == "working_days":
        return working_days_from(calendar, due=due, days=int(level.value))
    return open_time_after(calendar, start=due, seconds=round(level.value * OPEN_S[level.unit]))


def measure(calendar: WorkCalendar, *, start: datetime, end: datetime, pauses: Iterable[Pause] = ()) -> int:
    """Return the open seconds between two instants, less those of the pauses between them; 0 if `end` is earlier."""
    seconds = open_seconds(calendar, start=start, end=end)
    covered = start
    for pause in sorted(pauses, key=lambda pause: pause.since):
        since, until = max(pause.since, covered), min(pause.until, end)
        if since < until:
            seconds -= open_seconds(calendar, start=since, end=until)
            covered = until
    return seconds


def _counted_from(calendar: WorkCalendar, start: datetime, limit: Limit) -> tuple[int, float]:
    """Return the ordinal of the day after which counting begins, and the clock time at which the last day is due."""
    if limit.ends == "clock_time":
        return _day_and_clock(next_opening(calendar, at=start))
    if limit.first_day == "same":  # the day of the next open instant is counted: counting begins the day before
        return next_opening(calendar, at=start).toordinal() - 1, DAY_S
    local = datetime.fromtimestamp(instant_s(calendar, start), calendar.zone)
    return _day_and_clock(local)[0], DAY_S


def _day_and_clock(local: datetime) -> tuple[int, float]:
    """Return the ordinal of the date and the seconds since its midnight; midnight is the 24:00 of the day that ends."""
    clock = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1_000_000
    return (local.toordinal(), clock) if clock else (local.toordinal() - 1, DAY_S)


def _nth_working_day(calendar: WorkCalendar, day: int, count: int, skipped: Set[int]) -> int:
    """Return the index in `calendar.days` of the `count`-th working day after the date `day` that is not skipped."""
    n = bisect_right(calendar.days, day) - 1
    if not skipped:
        n += count
    else:
        while count and n < len(calendar.days) - 1:
            n += 1
            count -= calendar.days[n] not in skipped
        n += count  # beyond the last known one
    if n >= len(calendar.days):
        raise calendar_ends(calendar)
    return n


def _last_date(calendar: WorkCalendar, day: int, limit: Limit, skipped: Set[int]) -> int:
    """Return the ordinal of the last date of a limit in calendar days, weeks or months."""
    span = dates_of(calendar, limit, after=day)
    last, known_until = day, calendar.known_until.toordinal()
    if not skipped:
        last += span
    while skipped and span and last <= known_until:
        last += 1
        span -= last not in skipped
    if last > known_until:
        raise calendar_ends(calendar)
    return last


def dates_of(calendar: WorkCalendar, limit: Limit, *, after: int) -> int:
    """Return how many dates a limit in calendar days, weeks or months takes that is counted after a day, an ordinal."""
    if limit.unit != "months":
        return int(limit.value) * (7 if limit.unit == "weeks" else 1)
    first = after + 1 if limit.first_day == "same" else after
    return _months_after(calendar, first, int(limit.value)) - first


def _months_after(calendar: WorkCalendar, day: int, months: int) -> int:
    """Return the same day of a later month, or its last one where it is shorter."""
    of = date.fromordinal(day)
    year, month = divmod(of.year * 12 + of.month - 1 + months, 12)
    if year > MAXYEAR:
        raise calendar_ends(calendar)
    return date(year, month + 1, min(of.day, monthrange(year, month + 1)[1])).toordinal()


def _on_day_off(calendar: WorkCalendar, day: int, clock: float) -> datetime:
    midnight = datetime.combine(date.fromordinal(day), datetime.min.time())
    wall = (midnight + timedelta(seconds=clock)).replace(tzinfo=calendar.zone)
    return datetime.fromtimestamp(wall.timestamp(), calendar.zone)


def _touched(calendar: WorkCalendar, pause: Pause, *, working: bool) -> Sequence[int]:
    """Return the ordinals of the dates a pause touches; of working days only those of which it takes open time."""
    first = pause.since.astimezone(calendar.zone)
    last = pause.until.astimezone(calendar.zone)
    end = last.toordinal() if last.time() != datetime.min.time() else last.toordinal() - 1
    dates = range(first.toordinal(), end + 1)
    if not working:
        return dates
    return [day for day in dates if _takes_open_time(calendar, pause, day)]


def _takes_open_time(calendar: WorkCalendar, pause: Pause, day: int) -> bool:
    n = bisect_left(calendar.days, day)
    if n == len(calendar.days) or calendar.days[n] != day:
        return False
    since, until = pause.since.timestamp(), pause.until.timestamp()
    intervals = range(calendar.first_interval[n], calendar.first_interval[n + 1])
    return any(calendar.opens[i] < until and since < calendar.closes[i] for i in intervals)
