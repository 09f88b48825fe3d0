"""When a source has been silent for longer than is usual for it at that hour. Pure.

Time is counted in the source's own hours: those in which it spoke on at least half of the days, working days and days
off each by themselves. So nights, weekends and holidays pass without an alarm where it rests, and count where it does
not. A source that speaks at no such hour is held to the office hours of the calendar.

For each hour of a working day, and of a day off, the longest silence that was running then is remembered of every day;
what was so on nine days in ten is usual. The tenth is left out, so that one outage does not make the next one usual.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

HISTORY_DAYS = 42  # six weeks: long enough for a median, short enough to follow a change
FORGOTTEN_DAYS = 21  # of silence, after which a source is not looked at any more until it speaks
LEARNED_DAYS = 10  # days on which it spoke; with fewer the setting decides
HOUR_MIN = 60

Class = tuple[bool, int]  # is it a working day, hour of the day
Spoken = Callable[[date, int], bool]


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour in which a source was heard: the first and the last minute, and the longest gap between, in minutes."""

    day: date
    hour: int
    first: int
    last: int
    gap: int


@dataclass(frozen=True)
class Policy:
    """What silence is, in minutes. after_days: days on which a source must have spoken before it may be called silent.

    new_min: what is allowed to a source with little history. floor_min, factor: of what is usual.
    """

    after_days: int
    new_min: int
    floor_min: int
    factor: float


@dataclass(frozen=True)
class Days:
    """The calendar: whether a day is worked, and whether an hour of it is mostly open."""

    works: Callable[[date], bool]
    opens: Spoken


@dataclass(frozen=True)
class Usual:
    """What a source is held to. spoken: its own hours. allowed: minutes of them that may pass, by class of hour."""

    spoken: Spoken
    allowed: Callable[[Class], int]


def usual(
    hours: Sequence[Hour], days: Days, policy: Policy, *, today: date, silent_after_minutes: int | None
) -> Usual | None:
    """Return what a source is held to, None while it has not spoken on enough days.

    hours: of the last HISTORY_DAYS, in order. today: is not counted among the days. silent_after_minutes: set by hand.
    """
    spoke = {hour.day for hour in hours}
    if len(spoke) < policy.after_days:
        return None
    if len(spoke) < LEARNED_DAYS:
        fixed = silent_after_minutes or policy.new_min
        return Usual(days.opens, lambda _: fixed)
    spoken = _own_hours(hours, days, today) or days.opens
    if silent_after_minutes:
        return Usual(spoken, lambda _: silent_after_minutes)
    longest = _longest(hours, days, spoken, today)
    most = max(longest.values(), default=policy.new_min)
    return Usual(spoken, lambda of: max(policy.floor_min, round(policy.factor * longest.get(of, most))))


def silent_at(heard_at: datetime, held_to: Usual, days: Days) -> tuple[datetime, int] | None:
    """Return when a source last heard at `heard_at` becomes silent, and what was allowed then, in minutes.

    None: not within FORGOTTEN_DAYS. heard_at: aware, of the province's zone; to the minute.
    """
    at, ran = heard_at, 0.0
    end = heard_at + timedelta(days=FORGOTTEN_DAYS)
    while at < end:
        next_hour = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if held_to.spoken(at.date(), at.hour):
            allowed = held_to.allowed((days.works(at.date()), at.hour))
            left_min = max(0.0, allowed - ran)
            stretch_min = (next_hour - at).total_seconds() / 60
            if left_min <= stretch_min:
                return at + timedelta(minutes=left_min), allowed
            ran += stretch_min
        at = next_hour
    return None


def _dates(hours: Iterable[Hour], today: date) -> Iterator[date]:
    """Yield the days from the first on which the source spoke up to yesterday."""
    day = min(hour.day for hour in hours)
    while day < today:
        yield day
        day += timedelta(days=1)


def _own_hours(hours: Sequence[Hour], days: Days, today: date) -> Spoken | None:
    """Return the hours in which the source spoke on half of the days or more; None where there is none."""
    of_kind: dict[bool, int] = defaultdict(int)
    for day in _dates(hours, today):
        of_kind[days.works(day)] += 1
    heard: dict[Class, int] = defaultdict(int)
    for hour in hours:
        if hour.day < today:
            heard[days.works(hour.day), hour.hour] += 1
    own = {of for of, times in heard.items() if of_kind[of[0]] >= 2 and 2 * times >= of_kind[of[0]]}
    return (lambda day, hour: (days.works(day), hour) in own) if own else None


def _longest(hours: Sequence[Hour], days: Days, spoken: Spoken, today: date) -> Mapping[Class, int]:
    """Return the longest silence that is usual in each class of hours: not longer on nine days in ten."""
    known = {(hour.day, hour.hour): hour for hour in hours}
    ran_in: dict[Class, list[int]] = defaultdict(list)
    ran = 0
    for day in _dates(hours, today):
        works = days.works(day)
        for number in range(24):
            hour, own = known.get((day, number)), spoken(day, number)
            if hour is not None:
                longest = max(ran + hour.first if own else 0, hour.gap, HOUR_MIN - hour.last)
                ran = HOUR_MIN - hour.last if own else 0
            elif own:
                longest = ran = ran + HOUR_MIN
            if own:
                ran_in[works, number].append(longest)
    return {of: sorted(values)[(len(values) * 9 - 1) // 10] for of, values in ran_in.items()}
