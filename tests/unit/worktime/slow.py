"""A due-date calculator that walks from minute to minute and from date to date: slow, and obviously right.

It shares nothing with the program but the plain data of a calendar. Everything stands on whole minutes. None: beyond
the known dates. UNCLEAR: on a day on which the clocks change, where only open time has one meaning.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNCLEAR = "unclear"


class Minutes:
    """Every minute between two local dates. walls: what the clock on the wall shows. by_date: the numbers of each."""

    def __init__(self, timezone: str, first: str, last: str) -> None:
        self.begins: list[datetime] = []
        self.walls: list[datetime] = []
        self.by_date: dict[date, list[int]] = {}
        at = datetime.combine(date.fromisoformat(first), time(), UTC) - DAY
        while at < datetime.combine(date.fromisoformat(last), time(), UTC) + 2 * DAY:
            wall = at.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
            if first <= str(wall.date()) <= last:
                self.by_date.setdefault(wall.date(), []).append(len(self.begins))
                self.begins.append(at)
                self.walls.append(wall)
            at += MINUTE
        self.clocks = [wall.isoformat()[11:16] for wall in self.walls]
        self.index = {at: number for number, at in enumerate([*self.begins, self.begins[-1] + MINUTE])}


minutes_of = cache(Minutes)


class Walk:
    """The minutes of a calendar, and of each whether the office is open."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self.plain = plain
        minutes = minutes_of(plain["timezone"], plain["known_from"], plain["known_until"])
        self.begins, self.walls, self.by_date = minutes.begins, minutes.walls, minutes.by_date
        self.index, self.clocks = minutes.index, minutes.clocks
        self.open = [False] * len(self.begins)
        for on, numbers in self.by_date.items():
            shifts = plain["dates"].get(str(on), plain["week"].get(WEEKDAYS[on.weekday()], []))
            for number in numbers if shifts else ():
                self.open[number] = any(s[:5] <= self.clocks[number] < s[6:] for s in shifts)
        self.opened = [number for number, is_open in enumerate(self.open) if is_open]
        self.working = {self.walls[number].date() for number in self.opened}

    def open_between(self, since: datetime, until: datetime) -> list[int]:
        """Return the numbers of the open minutes of a half-open span."""
        return self.opened[bisect_left(self.opened, self.index[since]) : bisect_left(self.opened, self.index[until])]

    def is_odd(self, on: date) -> bool:
        return len(self.by_date[on]) != 24 * 60


@dataclass(frozen=True)
class Question:
    """All fields as in `dondoc due`; pauses: (from, to, effect)."""

    start: datetime
    value: int
    unit: str
    ends: str = "clock_time"
    roll: str = "forward"
    first_day: str = "next"
    pauses: tuple[tuple[datetime, datetime, str], ...] = ()
    pause_counts: str = "working_time"


Due = datetime | str | None


def due(walk: Walk, asked: Question) -> Due:
    """Return when the limit runs out."""
    in_days = asked.unit not in ("working_minutes", "working_hours")
    counts = asked.pause_counts if in_days else "working_time"
    found = _placed(walk, asked, set())
    paused: set[int] = set()  # minutes counted already
    dates: set[date] = set()  # dates taken out of the count
    for since, until, effect in sorted(asked.pauses, key=lambda pause: pause[:2]):
        if not isinstance(found, datetime):
            return found
        since = max(since, asked.start)
        if since >= until or since >= found:
            continue
        if until not in walk.index:
            return None
        minutes = walk.open_between(since, until)
        if not minutes:
            continue
        if effect == "reset":
            others = list(asked.pauses)
            others.remove(
                next(p for p in others if p[1] == until and p[2] == "reset" and max(p[0], asked.start) == since)
            )
            return due(walk, Question(**{**vars(asked), "start": until, "pauses": tuple(others)}))
        if counts == "working_time":
            found = _after(walk, found, len([n for n in minutes if n not in paused]))
            paused.update(minutes)
        elif counts == "working_days":
            dates.update(walk.walls[n].date() for n in minutes)
            found = _placed(walk, asked, dates)
        else:
            dates.update(walk.walls[n].date() for n in range(walk.index[since], walk.index[until]))
            found = _placed(walk, asked, dates)
    return found


def _after(walk: Walk, start: datetime, count: int) -> datetime | None:
    if not count:
        return start
    later = bisect_left(walk.opened, walk.index[start])
    return walk.begins[walk.opened[later + count - 1]] + MINUTE if later + count <= len(walk.opened) else None


def _opening(walk: Walk, at: datetime) -> int | None:
    later = bisect_left(walk.opened, walk.index[at])
    return walk.opened[later] if later < len(walk.opened) else None


def _placed(walk: Walk, asked: Question, skipped: set[date]) -> Due:
    if asked.unit in ("working_minutes", "working_hours"):
        return _after(walk, asked.start, asked.value * (60 if asked.unit == "working_hours" else 1))
    opening = _opening(walk, asked.start)
    if opening is None and (asked.ends == "clock_time" or asked.first_day == "same"):
        return None
    wall = asked.start.astimezone(ZoneInfo(walk.plain["timezone"])).replace(tzinfo=None)
    if asked.ends == "clock_time":
        assert opening is not None
        wall = walk.walls[opening]
    day, clock = wall.date(), f"{wall:%H:%M}"
    if clock == "00:00":
        day, clock = day - DAY, "24:00"
    if asked.first_day == "same":
        assert opening is not None
        day = walk.walls[opening].date()
    last = _last_working(walk, asked, day, skipped) if asked.unit == "working_days" else _last_date(asked, day, skipped)
    if last is None or last not in walk.by_date:
        return None
    if last not in walk.working and asked.roll == "forward":
        while last not in walk.working or last in skipped:
            last += DAY
            if last not in walk.by_date:
                return None
        clock = "end"
    if asked.ends == "end_of_day":
        clock = "end"
    return _on(walk, last, clock)


def _last_working(walk: Walk, asked: Question, day: date, skipped: set[date]) -> date | None:
    left = asked.value
    on = day - DAY if asked.first_day == "same" else day
    while left:
        on += DAY
        if on > max(walk.by_date):
            return None
        left -= on in walk.working and on not in skipped
    return on


def _last_date(asked: Question, day: date, skipped: set[date]) -> date | None:
    target = day
    if asked.unit == "months":
        month = day.year * 12 + day.month - 1 + asked.value
        for number in range(day.day, 0, -1):  # the same day, else the month's last
            try:
                target = date(month // 12, month % 12 + 1, number)
                break
            except ValueError:
                continue
    else:
        target = day + DAY * asked.value * (7 if asked.unit == "weeks" else 1)
    if asked.first_day == "same":
        day, target = day - DAY, target - DAY
    left, on = (target - day).days, day
    while left:
        on += DAY
        left -= on not in skipped
    return on


def _on(walk: Walk, on: date, clock: str) -> Due:
    if walk.is_odd(on):
        return UNCLEAR
    minutes = walk.by_date[on]
    opened = [n for n in minutes if walk.open[n]]
    if not opened:
        wanted = len(minutes) if clock in ("24:00", "end") else int(clock[:2]) * 60 + int(clock[3:])
        return walk.begins[minutes[0]] + wanted * MINUTE
    if clock == "end":
        return walk.begins[opened[-1]] + MINUTE
    for n in opened:
        if walk.clocks[n] == clock:
            return walk.begins[n]
    before = [n for n in opened if walk.clocks[n] < clock]
    return walk.begins[before[-1]] + MINUTE if before else walk.begins[opened[0]]
